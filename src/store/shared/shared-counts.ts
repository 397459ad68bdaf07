import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { type Count, countOf } from '../counts.ts'
import type { EmbeddedStore } from '../embedded-store.ts'
import { createJournal } from '../journal.ts'
import { blame } from '../redis/redis-failure.ts'
import type { RedisStore } from '../redis/redis-store.ts'
import type { LeaseRelease, Store } from '../store.ts'
import { type Breaker, redisUnreachable } from './breaker.ts'

export interface SharedCountsOptions {
  readonly redis: Pick<RedisStore, 'counts' | 'addCounts'>
  readonly local: Pick<EmbeddedStore, 'addCount' | 'takeCounts'>
  readonly breaker: Pick<Breaker, 'run'>
  readonly clock: Clock
  readonly logger: Logger
}

export interface SharedCounts extends Pick<Store, 'counts'> {
  /** Counts an attempt whose release does not reach Redis. */
  add(release: LeaseRelease): void
  /** Hands over to Redis what was counted here, by this process or an earlier one. @returns how many counts */
  putBack(): Promise<number>
  /** What Redis has not taken yet is stored for the next start. */
  close(): void
}

/** Of one command. */
const batchSize = 1000

/** Counts, in Redis while it is reachable. Otherwise the embedded store counts, and hands over when Redis is back. An attempt that
 *  was being counted when Redis froze may be counted twice: better that than not at all. */
export function createSharedCounts({
  redis,
  local,
  breaker,
  clock,
  logger,
}: SharedCountsOptions): SharedCounts {
  /** On their way. Sent again a batch bears the same id: the first may have come. */
  const batches = createJournal<readonly Count[]>({
    name: 'counts of attempts',
    send: redis.addCounts,
    blames: blame,
    maxFailures: 3,
    logger,
  })

  return {
    add(release) {
      const count = countOf(release, clock.now())
      if (count) local.addCount(count)
    },

    async putBack() {
      let sent = 0
      for (;;) {
        const counts = local.takeCounts(batchSize)
        if (counts.length > 0) batches.add(randomUUID(), counts)
        if (batches.size === 0) return sent
        sent += batches.ids().reduce((sum, id) => sum + (batches.get(id)?.length ?? 0), 0)
        await batches.replay()
        // Refused: they go with the next that are sent.
        if (batches.size > 0) return sent
      }
    },

    counts: (sinceMs, untilMs) =>
      breaker.run(
        () => redis.counts(sinceMs, untilMs),
        () => {
          throw redisUnreachable()
        },
      ),

    close() {
      for (const id of batches.ids()) for (const count of batches.get(id) ?? []) local.addCount(count)
    },
  }
}
