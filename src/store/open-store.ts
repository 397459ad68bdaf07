import type { Clock } from '../core/clock.ts'
import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { createEmbeddedStore } from './embedded-store.ts'
import type { RedisStore } from './redis/redis-store.ts'
import {
  createSharedStore,
  type RedisDownMode,
  type SharedStore,
  type SharedStoreOptions,
} from './shared-store.ts'
import type { ChooseAccount, Store } from './store.ts'

export interface OpenStoreOptions {
  /** REDIS_URL; undefined: there is one replica. */
  readonly redisUrl: string | undefined
  readonly redisPrefix: string
  readonly redisDownMode: RedisDownMode
  readonly dataDir: string | undefined
  readonly chooseAccount: ChooseAccount
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly metrics: SharedStoreOptions['metrics']
}

export interface OpenedStore {
  readonly store: Store
  /** False: DATA_DIR cannot be used, and what is only there ends with the process. */
  readonly isStateKept: boolean
  /** Present when replicas share the state. */
  readonly shared?: SharedConnection
}

/** For other users of the same Redis, who count there too. */
export interface SharedConnection extends Pick<RedisStore, 'client'> {
  readonly store: SharedStore
  /** REDIS_PREFIX: in front of every key. */
  readonly prefix: string
}

/** The store that the settings ask for. The client of Redis is loaded only where there is one.
 *  @throws {StateFileError} {RedisSettingsError} in words for the operator */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { redisUrl, redisPrefix, redisDownMode: mode, clock, random, logger, metrics } = options
  const local = createEmbeddedStore(options)
  const { isStateKept } = local
  if (redisUrl === undefined) return { store: isStateKept ? local : refusingAccounts(local), isStateKept }
  const { createRedisStore } = await import('./redis/redis-store.ts')
  const redis = createRedisStore({ redisUrl, redisPrefix, random, logger })
  try {
    await redis.checkSettings()
  } catch (error) {
    await redis.close()
    await local.close()
    throw error
  }
  const store = createSharedStore({ redis, local, mode, clock, logger, metrics })
  return { store, isStateKept, shared: { store, client: redis.client, prefix: redisPrefix } }
}

/** An account that would be lost at the next start is not accepted: whoever adds it counts on it. */
function refusingAccounts(store: Store): Store {
  return {
    ...store,
    async saveRecord(kind, id, text) {
      if (kind === 'account') throw notKept()
      await store.saveRecord(kind, id, text)
    },
    async changeRecords(kind, changes) {
      if (kind === 'account' && [...changes.values()].some((text) => text !== undefined)) throw notKept()
      await store.changeRecords(kind, changes)
    },
  }
}

const notKept = () =>
  new UnavailableError('dependency_unavailable', {
    message: 'DATA_DIR cannot be used, so that the account could not be kept. The log of the start says why.',
    retryable: false,
  })
