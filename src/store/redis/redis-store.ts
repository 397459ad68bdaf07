import { randomUUID } from 'node:crypto'
import type { Cluster, Command, Redis } from 'ioredis'
import type { Clock } from '../../core/clock.ts'
import { liveDeadline } from '../../core/deadline.ts'
import { UnavailableError } from '../../core/errors.ts'
import { createListeners } from '../../core/listeners.ts'
import type { Logger } from '../../core/logger.ts'
import { type Count, fieldOf, maxCountsAnHour, parseField, rowsOf } from '../counts.ts'
import {
  type AdoptedLease,
  maxDocuments,
  maxDocumentsLength,
  type RecordKind,
  type Store,
  type StoredDocument,
} from '../store.ts'
import { connectRedis, type RedisClient } from './connect-redis.ts'
import { parseRedisUrl } from './parse-redis-url.ts'
import { redisFailure, redisReason, redisSettingsError } from './redis-failure.ts'
import { createRedisLeases } from './redis-leases.ts'
import { createRedisRecords, type RedisRecords } from './redis-records.ts'
import { createRunScript, itemsOf, type Reply, type RunScript, readPairs } from './redis-scripts.ts'
import { listenToReplicas } from './replica-messages.ts'
import { createRequestStream, type RequestStream } from './request-stream.ts'

/** The store of all replicas. Every method rejects with UnavailableError `dependency_unavailable`, within the command timeout,
 *  while Redis is unreachable; the clock is Redis's own. */
export interface RedisStore extends Store, RedisRecords {
  /** Resolves when Redis answers, in the database that REDIS_URL names. @throws {UnavailableError} `dependency_unavailable` */
  ping(): Promise<void>
  /** Asks whether Redis has what REDIS_URL asks for, once it answers; one that does not answer in time says nothing.
   *  @throws {RedisSettingsError} */
  checkSettings(): Promise<void>
  /** Takes and ends a lease of nobody, as every request does, with keys that were not declared among it.
   *  @throws {UnavailableError} `dependency_unavailable`: this Redis does not run the scripts, or the user may not */
  tryScripts(): Promise<void>
  /** The highest schema of the keys that a replica has used there, this one's own included.
   *  @throws {UnavailableError} `dependency_unavailable` */
  schema(): Promise<number>
  readonly ownSchema: number
  /** Asks whether Redis is there, on a connection that carries nothing else: neither a long text nor a slow script stands before it.
   *  @throws {UnavailableError} `dependency_unavailable`, within the command timeout */
  isThere(): Promise<void>
  /** `onForeignRecords`, with what the message says of the change. */
  onRecordsMessage(listener: (kind: RecordKind, isCounted: boolean) => void): () => void
  /** Calls back when a command has waited for longer than is usual. @returns unsubscribe */
  onSlow(listener: () => void): () => void
  /** Puts back leases of this replica. They count against the caps; an account that is over its cap by this stays so until
   *  they end. One that Redis still knows is renewed. @throws {UnavailableError} `dependency_unavailable` */
  adoptLeases(leases: readonly AdoptedLease[]): Promise<void>
  /** Ends what Redis may have leased without our hearing of it, where that could not be sent at once.
   *  @throws {UnavailableError} `dependency_unavailable` */
  abandonLeases(): Promise<void>
  /** Counts what was counted elsewhere.
   *  @param id  of what is sent: sent again it counts nothing @throws {UnavailableError} `dependency_unavailable` */
  addCounts(id: string, counts: readonly Count[]): Promise<void>
  /** The last requests of all replicas. */
  readonly requests: RequestStream
  /** The connection for other users of the same Redis: no offline queue, same command timeout. They put REDIS_PREFIX in front of
   *  their keys themselves. */
  readonly client: Redis | Cluster
}

export interface RedisStoreOptions {
  readonly redisUrl: string
  readonly redisPrefix: string
  readonly logger: Logger
  /** From 0 up to but not including 1. */
  readonly random: () => number
  /** Default `usualTimeoutMs`. */
  readonly commandTimeoutMs?: number
  /** In the place of Redis's own clock: for tests alone, which stop the time. */
  readonly stoppedClock?: Clock
  /** Chat bindings stored; the longest unused go first. Default 100,000. */
  readonly maxBindings?: number
  /** Of each kind. Default `maxDocuments`. */
  readonly maxDocuments?: number
  /** In UTF-16 units, of each kind. Default `maxDocumentsLength`. */
  readonly maxDocumentsLength?: number
  /** Of each hour. Default `maxCountsAnHour`. */
  readonly maxCounts?: number
}

/** The store of all replicas, in Redis: each method is one script, one round trip. Connects in the background.
 *  Changes that other replicas made come by publish and subscribe; that a lease ended elsewhere is published when a replica has
 *  found all accounts busy before, since no other waits for it. */
export function createRedisStore(options: RedisStoreOptions): RedisStore {
  const { random, logger, commandTimeoutMs = usualTimeoutMs, maxBindings = 100_000 } = options
  const { maxCounts = maxCountsAnHour } = options
  const target = parseRedisUrl(options.redisUrl)
  const root = rootOf(options.redisPrefix)
  const replica = randomUUID()
  const slow = createListeners()
  const limits = { commandTimeoutMs, onSlow: slow.tell }
  const client = connectRedis(target, limits)
  const subscriber = connectRedis(target, { commandTimeoutMs })
  const judge = connectRedis(target, { commandTimeoutMs })
  // Long texts: whoever waits for a lease does not stand behind them.
  const bulk = connectRedis(target, { ...limits, moreMs: transferMs })
  const connections = [client, judge, bulk]
  for (const connection of [subscriber, ...connections]) {
    connection.on('error', (cause) => logger.debug({ reason: redisReason(cause) }, 'no connection to Redis'))
  }
  const scripts = { root, clock: options.stoppedClock }
  const runScript = createRunScript({ ...scripts, client })
  const runBulkScript = createRunScript({ ...scripts, client: bulk })
  const messages = listenToReplicas({ subscriber, channel: `${root}news`, replica })

  async function ping(): Promise<void> {
    const both = [connected(client, commandTimeoutMs), connected(bulk, commandTimeoutMs)]
    await translated(Promise.all(both))
    // ioredis goes on in database 0 when this one does not exist.
    if (target.db > 0) await translated(client.call('SELECT', target.db))
    await translated(client.ping())
  }

  return {
    client,
    requests: createRequestStream(bulk, `${root}requests`),
    ...createRedisLeases({
      runScript,
      random,
      maxBindings,
      maxCounts,
      onFreed: messages.callWaiters,
      logger,
    }),
    ...createRedisCounts(runScript, maxCounts),
    ...createRedisRecords(runScript, replica),
    ...createRedisDocuments(runBulkScript, {
      maxDocuments: options.maxDocuments ?? maxDocuments,
      maxLength: options.maxDocumentsLength ?? maxDocumentsLength,
    }),

    countRateLimit: (account) => translated(client.hincrby(`${root}rate-limits`, account, 1)),

    onChange: messages.onChange,
    onForeignRecords: (listener) => messages.onForeignRecords((kind) => listener(kind)),
    onRecordsMessage: messages.onForeignRecords,

    ping,

    async checkSettings() {
      // Another database is all that can be asked for and missing.
      if (target.db === 0) return
      await translated(connected(client, firstAnswerMs))
        .then(ping)
        .catch((error: unknown) => {
          const fault = redisSettingsError(error, target.db)
          if (fault) throw fault
        })
    },

    async tryScripts() {
      const leaseId = `trial.${randomUUID()}`
      // Neither a pool nor an account bears such a name; both scripts together write, read and publish.
      const pool = `least-busy.1.${leaseId}`
      await runScript('register-pool', pool, 0, leaseId)
      await runScript('lease', pool, '', leaseId, 1000, '', 0, 0, '')
      await runScript('release-lease', leaseId, leaseId, '', 'keep', '', '', '', 0, 0, '', 0)
      await runScript('drop-pool', pool)
    },

    ownSchema: redisSchema,
    async schema() {
      return Number(await runScript('meet-schema', redisSchema))
    },

    isThere: () => translated(answers(judge, judgePart * commandTimeoutMs)),
    onSlow: slow.add,

    async close() {
      messages.close()
      slow.clear()
      for (const connection of connections) connection.disconnect()
    },
  }
}

/** After so long a request goes on without Redis. */
export const usualTimeoutMs = 250
/** That `tryScripts` sends. */
export const trialCommands = 4
/** For so long a start waits for a Redis whose settings are to be checked. */
const firstAnswerMs = 1000

/** 1 is what 0.1.0 left behind. Its leases, holds, bindings and accounts stay as they were; what is new stands in keys of its own. */
const redisSchema = 2

/** All keys bear one hash tag, so that a cluster keeps them on one node; REDIS_PREFIX may bring its own. */
const rootOf = (prefix: string): string => (/\{[^}]+\}/.test(prefix) ? prefix : `${prefix}{state}:`)

/** Together with the wait after which a command is called slow this is less than the command timeout: the verdict is there before
 *  the request goes on. */
const judgePart = 0.6

/** What a connection with 8 Mbit/s needs for a command of this size; its reply may be as long as any text. */
function transferMs({ args }: Command): number {
  let length = 0
  for (const arg of args) length += typeof arg === 'string' || Buffer.isBuffer(arg) ? arg.length : 0
  return Math.max(length, longestReply) / 1000
}
const longestReply = 1024 * 1024

/** Resolves when the connection can be used. */
function connected(client: RedisClient, timeoutMs: number): Promise<void> {
  if (client.status === 'ready') return Promise.resolve()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stop = liveDeadline(timeoutMs, () => reject(new Error('no connection')))
  client.once('ready', resolve)
  client.once('error', reject)
  return promise.finally(() => {
    stop()
    client.off('ready', resolve)
    client.off('error', reject)
  })
}

/** One that was cut is made anew and asked again within the time; one that is refused is refused. */
async function answers(client: RedisClient, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let isOver = false
  const stop = liveDeadline(timeoutMs, () => reject(new Error('no answer')))
  const refused = (error: Error) => {
    if ('code' in error && error.code === 'ECONNREFUSED') reject(error)
  }
  const ask = () => {
    if (!isOver && client.status === 'ready') client.ping().then(() => resolve(), askAgain)
  }
  const askAgain = (error: Error) => {
    // Cut off: it is asked again when the connection is there.
    if (client.status === 'ready') reject(error)
  }
  client.on('ready', ask)
  client.on('error', refused)
  ask()
  try {
    await promise
  } finally {
    isOver = true
    stop()
    client.off('ready', ask)
    client.off('error', refused)
  }
}

async function translated<T>(command: Promise<T>): Promise<T> {
  try {
    return await command
  } catch (cause) {
    throw redisFailure(cause)
  }
}

function createRedisCounts(
  runScript: RunScript,
  maxCounts: number,
): Pick<RedisStore, 'counts' | 'addCounts'> {
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

function countsOf(hour: Reply): Count[] {
  const [hourMs, fields] = itemsOf(hour)
  return [...readPairs(fields)].flatMap(([field, count]) => {
    const labels = parseField(field)
    return labels ? [{ ...labels, hourMs: Number(hourMs), count: Number(count) }] : []
  })
}

interface DocumentBounds {
  readonly maxDocuments: number
  readonly maxLength: number
}

function createRedisDocuments(
  runScript: RunScript,
  { maxDocuments, maxLength }: DocumentBounds,
): Pick<
  Store,
  'saveDocument' | 'replaceDocument' | 'findDocument' | 'listDocuments' | 'touchDocuments' | 'removeDocument'
> {
  function refuseTooLong(text: string): void {
    if (text.length > maxLength) throw new UnavailableError('dependency_unavailable', { message: tooLong })
  }

  return {
    async saveDocument(kind, { id, owner, text, lifeMs }) {
      refuseTooLong(text)
      await runScript('save-document', kind, id, owner, text, text.length, lifeMs, maxDocuments, maxLength)
    },

    async replaceDocument(kind, id, text) {
      refuseTooLong(text)
      const args = [kind, id, text, text.length, maxDocuments, maxLength]
      return (await runScript('replace-document', ...args)) === 1
    },

    async findDocument(kind, id) {
      return documentOf(await runScript('find-document', kind, id))
    },

    async listDocuments(kind, owner, limit) {
      const found = itemsOf(await runScript('list-documents', kind, owner, limit))
      return found.flatMap((each) => documentOf(each) ?? [])
    },

    async touchDocuments(kind, ids) {
      if (ids.length > 0) await runScript('touch-documents', kind, ...ids)
    },

    async removeDocument(kind, id) {
      return (await runScript('remove-document', kind, id)) === 1
    },
  }
}

function documentOf(reply: Reply): StoredDocument | undefined {
  const [id, owner, text] = itemsOf(reply).map(String)
  return id === undefined || owner === undefined || text === undefined ? undefined : { id, owner, text }
}

const tooLong = 'The text is longer than all that may be kept.'
