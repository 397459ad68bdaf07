import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Cluster, Redis } from 'ioredis'
import type { Clock } from '../../core/clock.ts'
import { UnavailableError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { type Count, fieldOf, maxCountsAnHour, parseField, rowsOf } from '../counts.ts'
import {
  type AdoptedLease,
  maxDocuments,
  maxDocumentsLength,
  type Store,
  type StoredDocument,
} from '../store.ts'
import { connectRedis, redisFailure, redisReason } from './connect-redis.ts'
import { parseRedisUrl } from './parse-redis-url.ts'
import { createRedisLeases } from './redis-leases.ts'
import { createRunScript, itemsOf, type Reply, type RunScript, readPairs } from './redis-scripts.ts'
import { listenToReplicas } from './replica-messages.ts'

/** The store of all replicas. Every method rejects with UnavailableError `dependency_unavailable`, within the command timeout,
 *  while Redis is unreachable; the clock is Redis's own. */
export interface RedisStore extends Store {
  /** Resolves when Redis answers. @throws {UnavailableError} `dependency_unavailable` */
  ping(): Promise<void>
  /** Identity of the data: a random id that the first replica writes; another one after Redis lost its data.
   *  @throws {UnavailableError} `dependency_unavailable` */
  epoch(): Promise<string>
  /** Puts back leases of this replica. They count against the caps; an account that is over its cap by this stays so until
   *  they end. One that Redis still knows is renewed. @throws {UnavailableError} `dependency_unavailable` */
  adoptLeases(leases: readonly AdoptedLease[]): Promise<void>
  /** Counts what was counted elsewhere.
   *  @param id  of what is sent: sent again it counts nothing @throws {UnavailableError} `dependency_unavailable` */
  addCounts(id: string, counts: readonly Count[]): Promise<void>
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
  /** Default 250. */
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
  const messages = listenToReplicas({ subscriber, channel: `${root}news`, replica })

  return {
    client,
    ...createRedisLeases({ runScript, random, maxBindings, maxCounts, onFreed: messages.callWaiters }),
    ...createRedisCounts(runScript, maxCounts),
    ...createRedisDocuments(runScript, {
      maxDocuments: options.maxDocuments ?? maxDocuments,
      maxLength: options.maxDocumentsLength ?? maxDocumentsLength,
    }),

    countRateLimit: (account) => translated(client.hincrby(`${root}rate-limits`, account, 1)),

    onChange: messages.onChange,
    onForeignRecords: messages.onForeignRecords,

    async saveRecord(kind, id, text) {
      await runScript('save-record', kind, id, text, replica)
    },

    async addRecord(kind, id, text) {
      return (await runScript('add-record', kind, id, text, replica)) === 1
    },

    async removeRecord(kind, id) {
      await runScript('remove-record', kind, id, replica)
    },

    async records(kind) {
      return readPairs(await runScript('records', kind))
    },

    async ping() {
      await translated(connected(client, commandTimeoutMs).then(() => client.ping()))
    },

    async epoch() {
      await translated(client.set(`${root}epoch`, randomUUID(), 'NX'))
      return String(await translated(client.get(`${root}epoch`)))
    },

    async close() {
      messages.close()
      client.disconnect()
    },
  }
}

/** All keys bear one hash tag, so that a cluster keeps them on one node; REDIS_PREFIX may bring its own. */
const rootOf = (prefix: string): string => (/\{[^}]+\}/.test(prefix) ? prefix : `${prefix}{state}:`)

async function connected(client: RedisStore['client'], timeoutMs: number): Promise<void> {
  if (client.status !== 'ready') await once(client, 'ready', { signal: AbortSignal.timeout(timeoutMs) })
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
): Pick<Store, 'saveDocument' | 'replaceDocument' | 'findDocument' | 'listDocuments' | 'removeDocument'> {
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
