import { silentLogger } from '../../../src/core/logger.ts'
import {
  createRedisStore,
  type RedisStore,
  type RedisStoreOptions,
} from '../../../src/store/redis/redis-store.ts'

/** A store that has reached its Redis and listens. */
export async function openRedisStore(
  options: Pick<RedisStoreOptions, 'redisUrl'> & Partial<RedisStoreOptions>,
): Promise<RedisStore> {
  const store = createRedisStore({
    redisPrefix: 'test:',
    logger: silentLogger,
    random: Math.random,
    // A machine under load must not pass for a Redis that is away.
    commandTimeoutMs: 5000,
    ...options,
  })
  await Promise.all([store.ping(), nextChange(store)])
  return store
}

export function nextChange(store: Pick<RedisStore, 'onChange'>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const unsubscribe = store.onChange(() => {
    unsubscribe()
    resolve()
  })
  return promise
}

export const epochOf = (store: Pick<RedisStore, 'meet'>, epoch?: string): Promise<string> =>
  store.meet({ epoch, changes: new Map() })
