import { createChooseAccount } from '../../../src/accounts/account-pool.ts'
import type { Clock } from '../../../src/core/clock.ts'
import { createMetrics } from '../../../src/core/metrics.ts'
import { createEmbeddedStore } from '../../../src/store/embedded-store.ts'
import { createRedisStore, type RedisStore } from '../../../src/store/redis/redis-store.ts'
import { createSharedStore, type SharedStore } from '../../../src/store/shared-store.ts'
import type { LeaseAnswer, LeaseInput } from '../../../src/store/store.ts'

export interface ReplicaOptions {
  readonly redisUrl: string
  readonly mode?: 'local' | 'fail'
  /** Default: in memory. */
  readonly dataDir?: string
  /** Default: each its own, Redis's too. */
  readonly clock?: Clock
  /** Default 5 s, and so is the next: a busy machine must not look like a Redis that is away. */
  readonly firstMeetingMs?: number
  readonly commandTimeoutMs?: number
  /** Over those of Redis. */
  readonly overRedis?: (redis: RedisStore) => Partial<RedisStore>
}

export interface Replica {
  readonly store: SharedStore
  readonly client: RedisStore['client']
  readonly metrics: ReturnType<typeof createMetrics>
  /** Messages at `info` and above. */
  readonly lines: string[]
  /** Resolves when it is in use, or is not. */
  until(state: 'up' | 'down'): Promise<void>
  lease(over?: Partial<LeaseInput>): Promise<LeaseAnswer>
  /** @throws when nothing can be leased */
  leased(over?: Partial<LeaseInput>): Promise<{ account: string; leaseId: string; model: string }>
}

/** The store of one replica, as the service puts it together. */
export function openReplica({ redisUrl, mode = 'local', dataDir, ...options }: ReplicaOptions): Replica {
  const lines: string[] = []
  const write = (_fields: object, message: string) => void lines.push(message)
  const logger = { debug() {}, info: write, warn: write, error: write }
  const metrics = createMetrics()
  const parts = {
    clock: { now: () => Date.now() },
    random: Math.random,
    logger,
    metrics,
    mode,
    firstMeetingMs: 5000,
    ...options,
  }
  const { clock: stoppedClock, commandTimeoutMs = 5000 } = options
  const redis = createRedisStore({
    ...parts,
    commandTimeoutMs,
    redisUrl,
    redisPrefix: 'test:',
    ...(stoppedClock && { stoppedClock }),
  })
  const chooseAccount = createChooseAccount(Math.random)
  const local = createEmbeddedStore({ ...parts, dataDir, chooseAccount })
  const store = createSharedStore({
    ...parts,
    redis: { ...redis, ...options.overRedis?.(redis) },
    local,
    probeMs: 50,
  })

  const lease = (over: Partial<LeaseInput> = {}) =>
    store.lease({
      accounts: ['a'],
      exclude: new Set(),
      selection: 'least-busy',
      maxConcurrency: 1,
      leaseMs: 30_000,
      requestId: 'request',
      model: 'gpt-4o',
      ...over,
    })

  return {
    store,
    client: redis.client,
    metrics,
    lines,
    lease,
    async until(state) {
      while (store.isRedisUp() !== (state === 'up')) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    async leased(over) {
      const answer = await lease(over)
      if (answer.type !== 'leased') throw new Error(`expected a lease, got ${answer.type}`)
      return { account: answer.account, leaseId: answer.leaseId, model: 'gpt-4o' }
    },
  }
}
