import { type Count, countOf, fieldOf, parseField, rowsOf } from '../counts.ts'
import type { LeaseRelease, Store } from '../store.ts'
import { itemsOf, readPairs } from './read-reply.ts'
import type { Reply, RunScript } from './redis-scripts.ts'
import type { RedisStore } from './redis-store-contract.ts'

type KeepsCounts = Pick<Store, 'counts'> & Pick<RedisStore, 'addCounts'>

/** @param maxCounts  of each hour */
export function createRedisCounts(runScript: RunScript, maxCounts: number): KeepsCounts {
  return {
    async addCounts(id, counts) {
      const args = counts.flatMap((each) => [each.hourMs, fieldOf(each), each.count])
      await runScript('add-counts', id, maxCounts, ...args)
    },

    async counts(sinceMs, untilMs) {
      const found: Count[] = []
      for (let fromMs = Math.floor(sinceMs); ; ) {
        const [next, ...hours] = itemsOf(await runScript('read-counts', fromMs, Math.ceil(untilMs)))
        for (const hour of hours) found.push(...countsOf(hour))
        if (!next) return rowsOf(found)
        fromMs = Number(next)
      }
    },
  }
}

/** What `release-lease` counts; '' is nothing. The hour is Redis's own. */
export function countedField(release: LeaseRelease): string {
  const count = countOf(release, 0)
  return count ? fieldOf(count) : ''
}

function countsOf(hour: Reply): Count[] {
  const [hourMs, fields] = itemsOf(hour)
  return [...readPairs(fields)].flatMap(([field, count]) => {
    const labels = parseField(field)
    return labels ? [{ ...labels, hourMs: Number(hourMs), count: Number(count) }] : []
  })
}
