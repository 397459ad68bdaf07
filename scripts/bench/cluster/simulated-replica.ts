import { setTimeout as sleep } from 'node:timers/promises'
import { createAccountPool } from '../../../src/accounts/account-pool.ts'
import { createMergeAccounts } from '../../../src/accounts/account-roster.ts'
import { type Account, createAccount } from '../../../src/core/account.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { ServiceError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { createRedisStore, type RedisStore } from '../../../src/store/redis/redis-store.ts'
import { type Ledger, ledgerNow } from './ledger.ts'

export interface SimulatedReplicaOptions {
  readonly redisUrl: string
  readonly accounts: readonly Account[]
  readonly leaseMs: number
  /** Mean time from a lease to its release; the draws are exponential, cut at `longestHold` means. */
  readonly holdMs: number
  readonly ledger: Ledger
  readonly nextId: () => number
  readonly tally: Tally
}

/** What went wrong, if anything. */
export interface Tally {
  /** Leases that were found lapsed while they were held. */
  lost: number
  readonly failures: Record<string, number>
}

export interface SimulatedReplica {
  /** Resolves when Redis answers. */
  ready(): Promise<void>
  /** One request: leases an account, holds it, binds a chat to it and gives it back. Never rejects. */
  request(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export const longestHold = 5
export const benchPrefix = 'bench:'
const models = ['gpt-5', 'claude-sonnet-5']
/** Long enough to measure a queue instead of cutting it. */
const patienceMs = 60_000

/** The pool, its waiting line, the renewals and the store of a true replica, each with connections of their own; only the
 *  answers of the site are left out. */
export function createSimulatedReplica(options: SimulatedReplicaOptions): SimulatedReplica {
  const { redisUrl, accounts, leaseMs, holdMs, ledger, nextId, tally } = options
  const numbers = new Map(accounts.map(({ key }, number) => [key, number]))
  const entries = [...createMergeAccounts(accounts)(new Map()).values()]
  const store = connectStore(redisUrl)
  const pool = createAccountPool({
    roster: { entries: () => entries, onChange: () => () => {} },
    store,
    clock: systemClock,
    logger: silentLogger,
    accountMaxConcurrency: 1,
    accountSelection: 'least-busy',
    queueWaitMs: patienceMs,
    queueMax: 100_000,
    rateLimitCoolDownMs: 0,
    modelChatMap: new Map(),
    sessionImageChatMap: new Map(),
    autoBindChats: true,
    leaseMs,
  })

  async function use(signal: AbortSignal): Promise<void> {
    const id = nextId()
    const askedMs = ledgerNow()
    const model = models[id % models.length] ?? ''
    const lease = await pool.lease({ model, exclude: new Set(), requestId: `request-${id}`, signal })
    ledger.begin({ id, account: numbers.get(lease.account.key) ?? -1, askedMs })
    await sleep(Math.min(-Math.log(1 - Math.random()), longestHold) * holdMs)
    if (lease.lost.aborted) tally.lost += 1
    ledger.end(id)
    await lease.release({ type: 'succeeded', chatId: `chat-${id % 100}` })
  }

  return {
    ready: () => store.ping(),
    async request(signal) {
      try {
        await use(signal)
      } catch (error) {
        if (signal.aborted) return
        const code = error instanceof ServiceError ? error.code : String(error)
        tally.failures[code] = (tally.failures[code] ?? 0) + 1
        // Whoever is turned away at once comes back, but not at once.
        await sleep(holdMs)
      }
    },
    async close() {
      await pool.close()
      await store.close()
    },
  }
}

export const createAccounts = (count: number): readonly Account[] =>
  Array.from({ length: count }, (_, number) => createAccount(`session_id=${number}`))

export const connectStore = (redisUrl: string): RedisStore =>
  createRedisStore({
    redisUrl,
    redisPrefix: benchPrefix,
    logger: silentLogger,
    random: Math.random,
    commandTimeoutMs: patienceMs,
  })
