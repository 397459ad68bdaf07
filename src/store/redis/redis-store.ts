import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { maxCountsAnHour } from '../counts.ts'
import { chatBindingMs, type LeaseAnswer, type LeaseInput, maxKeptLength, maxKeptTexts } from '../store.ts'
import { createAccountPools } from './account-pools.ts'
import { connectRedis } from './connect-redis.ts'
import { encodeHold } from './hold-text.ts'
import { parseRedisUrl } from './parse-redis-url.ts'
import { readLeaseAnswer, readPairs, readStates } from './read-reply.ts'
import { countedField, createRedisCounts } from './redis-counts.ts'
import { redisFailure, redisReason } from './redis-failure.ts'
import { listenForNews } from './redis-news.ts'
import { createRunScript } from './redis-scripts.ts'
import type { RedisStore } from './redis-store-contract.ts'
import { createRedisTexts } from './redis-texts.ts'

export interface RedisStoreOptions {
  readonly redisUrl: string
  readonly redisPrefix: string
  readonly logger: Logger
  /** From 0 up to but not including 1. */
  readonly random: () => number
  /** Default 250. */
  readonly commandTimeoutMs?: number
  /** In the place of Redis's own clock: for tests alone, which stop the time. */
  readonly stoppedClock?: Clock
  /** Chat bindings kept; the longest unused go first. Default 100,000. */
  readonly maxBindings?: number
  /** Of each kind of kept texts. Default `maxKeptTexts`. */
  readonly maxTexts?: number
  /** In UTF-16 units, of each kind of kept texts. Default `maxKeptLength`. */
  readonly maxTextsLength?: number
  /** Of each hour. Default `maxCountsAnHour`. */
  readonly maxCounts?: number
}

/** The store of all replicas, in Redis: each method is one script, one round trip. Connects in the background.
 *  Changes that other replicas made come by publish and subscribe; that a lease ended elsewhere is told when somebody found all
 *  accounts busy before, since nobody else waits for it. */
export function createRedisStore(options: RedisStoreOptions): RedisStore {
  const { random, logger, commandTimeoutMs = 250, maxBindings = 100_000 } = options
  const { maxCounts = maxCountsAnHour } = options
  const target = parseRedisUrl(options.redisUrl)
  const root = rootOf(options.redisPrefix)
  const replica = randomUUID()
  const client = connectRedis(target, commandTimeoutMs)
  const subscriber = connectRedis(target, commandTimeoutMs)
  for (const connection of [client, subscriber]) {
    connection.on('error', (cause) => logger.debug({ reason: redisReason(cause) }, 'no connection to Redis'))
  }
  const runScript = createRunScript({ client, root, clock: options.stoppedClock })
  const news = listenForNews({ subscriber, channel: `${root}news`, replica })
  const pools = createAccountPools(runScript)

  async function askForLease(input: LeaseInput, leaseId: string): Promise<LeaseAnswer | undefined> {
    const { accounts, fallback, leaseMs, model, exclude } = input
    const names = [pools.nameOf(accounts, input), pools.nameOf(fallback, input)] as const
    const reply = await runScript(
      'lease',
      ...names,
      leaseId,
      leaseMs,
      model,
      chatBindingMs,
      random(),
      ...exclude,
    )
    return readLeaseAnswer(reply, leaseId)
  }

  return {
    client,

    async lease(input) {
      const leaseId = `${input.requestId}.${randomBytes(6).toString('hex')}`
      try {
        const answer = await askForLease(input, leaseId)
        if (answer) return answer
        await pools.register(input)
        const second = await askForLease(input, leaseId)
        if (second) return second
      } catch (error) {
        // It may have been taken all the same, only the answer was late.
        void runScript('abandon-lease', leaseId).catch(() => {})
        throw error
      }
      throw redisFailure(new Error('a pool of accounts is lost as soon as it is registered'))
    },

    async extendLease({ account, leaseId, leaseMs }) {
      return (await runScript('extend-lease', account, leaseId, leaseMs)) === 1
    },

    async releaseLease(release) {
      const { account, leaseId, model, chatId, hold, succeeded } = release
      const chat = chatId === undefined ? 'keep' : chatId === null ? 'drop' : 'bind'
      const lesson = [model, chat, chatId ?? '', hold ? encodeHold(hold) : '', succeeded ? '1' : '']
      const counted = [countedField(release), maxCounts]
      const args = [account, leaseId, ...lesson, chatBindingMs, maxBindings, ...counted]
      if ((await runScript('release-lease', ...args)) === 1) news.announceChange()
    },

    ...createRedisCounts(runScript, maxCounts),

    async adoptLeases(leases) {
      if (leases.length === 0) return
      const args = leases.flatMap(({ account, leaseId, leaseMs }) => [account, leaseId, leaseMs])
      await runScript('adopt-leases', ...args)
    },

    countRateLimit: (account) => answered(client.hincrby(`${root}rate-limits`, account, 1)),

    async clearHold(account) {
      await runScript('clear-hold', account)
      news.announceChange()
    },

    async setHold(account, hold) {
      await runScript('set-hold', account, encodeHold(hold))
    },

    async accountStates(accounts) {
      const reply = await runScript('account-states', ...(accounts.length > manyAccounts ? [] : accounts))
      return readStates(reply, accounts)
    },

    onChange: news.onChange,
    onForeignRecords: news.onForeignRecords,

    async saveRecord(kind, id, text) {
      await runScript('save-record', kind, id, text, replica)
    },

    async removeRecord(kind, id) {
      await runScript('remove-record', kind, id, replica)
    },

    async records(kind) {
      return readPairs(await runScript('records', kind))
    },

    ...createRedisTexts(runScript, {
      maxTexts: options.maxTexts ?? maxKeptTexts,
      maxTextsLength: options.maxTextsLength ?? maxKeptLength,
    }),

    async ping() {
      await answered(connected(client, commandTimeoutMs).then(() => client.ping()))
    },

    async epoch() {
      await answered(client.set(`${root}epoch`, randomUUID(), 'NX'))
      return String(await answered(client.get(`${root}epoch`)))
    },

    async close() {
      news.close()
      client.disconnect()
    },
  }
}

/** Beyond it all that are busy or held come whole: they are few among many. */
const manyAccounts = 100

/** All keys bear one hash tag, so that a cluster keeps them on one node; REDIS_PREFIX may bring its own. */
const rootOf = (prefix: string): string => (/\{[^}]+\}/.test(prefix) ? prefix : `${prefix}{state}:`)

async function connected(client: RedisStore['client'], timeoutMs: number): Promise<void> {
  if (client.status !== 'ready') await once(client, 'ready', { signal: AbortSignal.timeout(timeoutMs) })
}

async function answered<T>(command: Promise<T>): Promise<T> {
  try {
    return await command
  } catch (cause) {
    throw redisFailure(cause)
  }
}
