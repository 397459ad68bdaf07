import type { Clock } from '../core/clock.ts'
import { ServiceError } from '../core/errors.ts'
import { createListeners } from '../core/listeners.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { EmbeddedStore } from './embedded-store.ts'
import type { RedisStore } from './redis/redis-store.ts'
import type { StreamEntry } from './redis/request-stream.ts'
import { Breaker, redisUnreachable } from './shared/breaker.ts'
import { createSharedCounts } from './shared/shared-counts.ts'
import { createSharedDocuments } from './shared/shared-documents.ts'
import { createSharedHolds } from './shared/shared-holds.ts'
import { createSharedLeases } from './shared/shared-leases.ts'
import { createSharedRecords } from './shared/shared-records.ts'
import { type RecordKind, type Store, sharedRecordKinds } from './store.ts'

export interface SharedStoreOptions {
  readonly redis: SharedRedis
  /** Of this replica alone: serves while Redis is unreachable, and has a copy of what must outlive the loss of Redis's data. */
  readonly local: EmbeddedStore
  /** REDIS_DOWN_MODE. */
  readonly mode: RedisDownMode
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'redisUp' | 'redisOpenings'>
  /** From one probe of an unreachable Redis to the next. Default 1 s. */
  readonly probeMs?: number
  /** How long the first requests wait for the first meeting with Redis. Default 1 s. */
  readonly firstMeetingMs?: number
}

export type RedisDownMode = 'local' | 'fail'

/** What the shared store needs of Redis. */
export interface SharedRedis extends Omit<RedisStore, 'client'> {
  readonly client: { on(event: 'close' | 'ready', listener: () => void): unknown }
}

export interface SharedStore extends Store {
  readonly mode: RedisDownMode
  isRedisUp(): boolean
  /** Another user of the same Redis could not use it. */
  reportAway(cause: unknown): void
  /** The last requests of all replicas; no request waits for them. */
  readonly requests: {
    /** @returns false when Redis cannot be used now */
    append(texts: readonly string[]): Promise<boolean>
    /** The newest first. @returns undefined when Redis cannot be used now */
    read(before: string | undefined, count: number): Promise<readonly StreamEntry[] | undefined>
  }
}

/** The store of many replicas: Redis, a breaker in front of it and the embedded store behind. No request waits for an unreachable
 *  Redis, what is in flight outlives that, and a Redis that is back is sent what it missed before it is used again. */
export function createSharedStore(options: SharedStoreOptions): SharedStore {
  const { redis, local, mode, clock, logger, metrics, probeMs = 1000, firstMeetingMs = 1000 } = options
  const changes = createListeners()
  const foreignRecords = createListeners<[kind: RecordKind, ids?: readonly string[] | undefined]>()
  /** When it was last logged that Redis is unreachable; undefined: it was not. */
  let awaySinceMs: number | undefined
  let isSchemaTold = false
  let pulling = Promise.resolve()
  /** What is to be read, by kind. */
  const pulls = new Map<RecordKind, 'changes' | 'all'>()

  const breaker = new Breaker({ rejoin, isThere: redis.isThere, onOpen, probeMs, firstMeetingMs })
  const parts = { redis, local, breaker, assertLocal, clock, logger }
  const holds = createSharedHolds(parts)
  const counts = createSharedCounts(parts)
  const leases = createSharedLeases({ ...parts, holds, counts })
  const records = createSharedRecords(parts)
  const documents = createSharedDocuments(parts)
  updateMetric()

  redis.client.on('close', () => breaker.suspect(new Error('the connection was closed')))
  // It may be another one now, or the same with older data.
  redis.client.on('ready', () => breaker.refresh())
  const unsubscribes = [
    redis.onChange(changes.tell),
    local.onChange(() => {
      if (!breaker.isClosed) changes.tell()
    }),
    redis.onRecordsMessage((kind, isCounted) => follow(kind, isCounted ? 'changes' : 'all')),
    redis.onSlow(() => breaker.doubt(new Error('it does not answer in time'))),
  ]

  function assertLocal(): void {
    if (mode === 'fail') throw redisUnreachable()
  }

  function onOpen(cause: unknown): void {
    awaySinceMs = clock.now()
    leases.moveToLocal()
    metrics.redisOpenings.inc()
    updateMetric()
    logger.warn({ reason: reasonOf(cause), mode }, awayMessages[mode])
  }

  async function rejoin(close: () => void): Promise<void> {
    const wasClosed = breaker.isClosed
    await redis.ping()
    await tellOfLaterSchema()
    const met = await records.meet()
    if (met.isNew) holds.markAll()
    const sent = { leases: 0, holds: 0, records: 0, documents: 0, counts: 0 }
    // What counts against the caps goes first.
    if (met.isNew && wasClosed) leases.moveToLocal()
    sent.leases += await leases.putBack()
    sent.holds += await holds.putBack()
    sent.records += await records.putBack(met)
    if (!wasClosed || met.isNew) for (const kind of sharedRecordKinds) await records.pull(kind, 'all')
    // This replica has served alone all the while: nothing should be left when the breaker closes. Under a load that leaves
    // no gap it closes first; what comes from then on goes to Redis, and the rest is sent after. What Redis refuses waits for nobody.
    for (let round = 1; round <= 2 * maxRounds && leases.hasUnsent; round += 1) {
      if (round > maxRounds) close()
      sent.leases += await leases.putBack()
      sent.holds += await holds.putBack()
      sent.records += await records.putBack({ ...met, isNew: false })
    }
    close()
    // No request depends on the rest, so nothing waits for it: long texts, and what was counted.
    sent.leases += await leases.putBack()
    sent.holds += await holds.putBack()
    sent.records += await records.putBack({ ...met, isNew: false })
    sent.documents += await documents.putBack()
    sent.counts += await counts.putBack()
    reportBack({ ...sent, newData: met.isNew }, wasClosed)
    if (wasClosed && !met.isNew) return
    changes.tell()
    for (const kind of sharedRecordKinds) foreignRecords.tell(kind)
  }

  async function tellOfLaterSchema(): Promise<void> {
    const schema = await redis.schema()
    if (schema > redis.ownSchema && !isSchemaTold) {
      logger.warn(
        { schema, known: redis.ownSchema },
        'a later version uses this Redis: going on with what is known here',
      )
      isSchemaTold = true
    }
  }

  /** @param sent  how much was sent to Redis, and whether its data was new @param wasClosed  it was in use all the while */
  function reportBack(sent: Readonly<Record<string, number | boolean>>, wasClosed: boolean): void {
    updateMetric()
    if (awaySinceMs === undefined) {
      // It was gone for so short a time that nobody went without it.
      if (wasClosed && sent.newData === true)
        logger.warn(sent, 'Redis is back without what it had: it was sent what is known here')
      return
    }
    logger.info({ awayMs: clock.now() - awaySinceMs, ...sent }, 'Redis is back: the replicas share again')
    awaySinceMs = undefined
  }

  function updateMetric(): void {
    metrics.redisUp.set({ mode }, breaker.isClosed ? 1 : 0)
  }

  /** Another replica has changed records: the copy follows. However many messages come, one pull waits at most. Chats to be deleted
   *  concern one replica alone. */
  function follow(kind: RecordKind, extent: 'changes' | 'all'): void {
    if (kind === 'chat-deletion') return foreignRecords.tell(kind)
    const isWaiting = pulls.has(kind)
    if (pulls.get(kind) !== 'all') pulls.set(kind, extent)
    if (!isWaiting) void breaker.met().then(() => pull(kind))
  }

  async function pull(kind: RecordKind): Promise<void> {
    const waiting = pulling.then(async () => {
      const extent = pulls.get(kind) ?? 'changes'
      pulls.delete(kind)
      // Should Redis fail meanwhile: they are read again when it is back.
      const ids = await records.pull(kind, extent).catch(() => undefined)
      if (ids === undefined || ids.length > 0) foreignRecords.tell(kind, ids)
    })
    pulling = waiting
    await waiting
  }

  return {
    mode,
    isRedisUp: () => breaker.isClosed,
    reportAway: (cause) => breaker.suspect(cause),
    requests: {
      append: (texts) =>
        breaker.run(
          () => redis.requests.append(texts).then(() => true),
          () => false,
          'itself',
        ),
      read: (before, count) =>
        breaker.run<readonly StreamEntry[] | undefined>(
          () => redis.requests.read(before, count),
          () => undefined,
          'itself',
        ),
    },

    lease: leases.lease,
    extendLease: leases.extendLease,
    releaseLease: leases.releaseLease,
    counts: counts.counts,
    countRateLimit: holds.countRateLimit,
    clearHold: holds.clearHold,
    async dropBindings(account) {
      await local.dropBindings(account)
      await breaker.run(
        () => redis.dropBindings(account),
        () => {},
      )
    },
    setHold: holds.setHold,
    accountStates: holds.accountStates,
    saveRecord: records.saveRecord,
    addRecord: records.addRecord,
    removeRecord: records.removeRecord,
    changeRecords: records.changeRecords,
    records: records.records,
    saveDocument: documents.saveDocument,
    replaceDocument: documents.replaceDocument,
    findDocument: documents.findDocument,
    listDocuments: documents.listDocuments,
    touchDocuments: documents.touchDocuments,
    removeDocument: documents.removeDocument,

    onChange: changes.add,
    onForeignRecords: foreignRecords.add,

    async close() {
      for (const unsubscribe of unsubscribes) unsubscribe()
      changes.clear()
      foreignRecords.clear()
      await breaker.end()
      counts.close()
      await redis.close()
      await local.close()
    },
  }
}

/** How often Redis is sent what came while it was sent the rest. */
const maxRounds = 10

const awayMessages: Readonly<Record<RedisDownMode, string>> = {
  local: 'Redis is away: this replica goes on by itself, its caps and rate limits count here alone',
  fail: 'Redis is away: requests are refused until it is back (REDIS_DOWN_MODE=fail)',
}

/** The message of the failure itself, under the public one. */
function reasonOf(error: unknown): string {
  const cause = error instanceof ServiceError ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message : 'unknown'
}
