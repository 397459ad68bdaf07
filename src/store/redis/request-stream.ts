import type { RedisClient } from './connect-redis.ts'
import { redisFailure } from './redis-failure.ts'

/** Texts about the last requests of all replicas, in a stream of Redis that forgets the oldest by itself. Both reject with
 *  UnavailableError `dependency_unavailable`. */
export interface RequestStream {
  append(texts: readonly string[]): Promise<void>
  /** The newest first. @param before  the position of an entry, which is left out; undefined: from the end */
  read(before: string | undefined, count: number): Promise<readonly StreamEntry[]>
}

export interface StreamEntry {
  readonly position: string
  readonly text: string
}

/** Roughly: Redis cuts whole nodes of the stream. */
const maxEntries = 5000

/** @param client  a connection for long texts */
export function createRequestStream(client: RedisClient, key: string): RequestStream {
  return {
    async append(texts) {
      const pipeline = client.pipeline()
      for (const text of texts) pipeline.xadd(key, 'MAXLEN', '~', maxEntries, '*', 'record', text)
      const replies = await pipeline.exec().catch((cause: unknown) => {
        throw redisFailure(cause)
      })
      const failure = replies?.find(([error]) => error)?.[0]
      if (failure || !replies) throw redisFailure(failure)
    },

    async read(before, count) {
      const end = before === undefined ? '+' : `(${before}`
      try {
        const entries = await client.xrevrange(key, end, '-', 'COUNT', count)
        return entries.map(([position, fields]) => ({ position, text: fields[1] ?? '' }))
      } catch (cause) {
        throw redisFailure(cause)
      }
    },
  }
}
