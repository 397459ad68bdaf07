import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { type Count, countOf } from '../counts.ts'
import type { EmbeddedStore } from '../embedded-store.ts'
import type { RedisStore } from '../redis/redis-store-contract.ts'
import type { LeaseRelease, Store } from '../store.ts'
import { awayError } from './away-error.ts'
import type { Breaker } from './breaker.ts'

export interface SharedCountsOptions {
  readonly redis: Pick<RedisStore, 'counts' | 'addCounts'>
  readonly local: Pick<EmbeddedStore, 'addCount' | 'takeCounts'>
  readonly breaker: Pick<Breaker, 'ask'>
  readonly clock: Clock
}

export interface SharedCounts extends Pick<Store, 'counts'> {
  /** Counts an attempt of whose end Redis cannot be told. */
  add(release: LeaseRelease): void
  /** Hands over to Redis what was counted here, by this process or an earlier one. @returns how many counts */
  putBack(): Promise<number>
  /** What Redis has not taken yet is kept for the next start. */
  close(): void
}

/** Of one command. */
const batchSize = 1000

/** Counts, in Redis while it is there. Meanwhile the embedded store counts, and hands over when Redis is back. What was just
 *  being counted when Redis froze may be counted twice: rather that than not at all. */
export function createSharedCounts({ redis, local, breaker, clock }: SharedCountsOptions): SharedCounts {
  /** On its way. Sent again it bears the same id: the first may have come. */
  let batch: { readonly id: string; readonly counts: readonly Count[] } | undefined

  function nextBatch() {
    if (batch) return batch
    const counts = local.takeCounts(batchSize)
    if (counts.length > 0) batch = { id: randomUUID(), counts }
    return batch
  }

  return {
    add(release) {
      const count = countOf(release, clock.now())
      if (count) local.addCount(count)
    },

    async putBack() {
      let sent = 0
      for (let next = nextBatch(); next; next = nextBatch()) {
        await redis.addCounts(next.id, next.counts)
        batch = undefined
        sent += next.counts.length
      }
      return sent
    },

    counts: (sinceMs, untilMs) =>
      breaker.ask(
        () => redis.counts(sinceMs, untilMs),
        () => {
          throw awayError()
        },
      ),

    close() {
      for (const count of batch?.counts ?? []) local.addCount(count)
      batch = undefined
    },
  }
}
