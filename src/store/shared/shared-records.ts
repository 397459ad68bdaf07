import { createInTurn } from '../../core/in-turn.ts'
import type { Logger } from '../../core/logger.ts'
import type { RedisStore } from '../redis/redis-store.ts'
import { type RecordKind, type Store, sharedRecordKinds } from '../store.ts'
import { type Breaker, redisUnreachable } from './breaker.ts'

export interface SharedRecordsOptions {
  readonly redis: Pick<RedisStore, 'saveRecord' | 'addRecord' | 'removeRecord' | 'records' | 'epoch'>
  readonly local: Pick<Store, 'saveRecord' | 'removeRecord' | 'records'>
  readonly breaker: Pick<Breaker, 'run' | 'met'>
  /** Throws unless this replica may serve alone while Redis is unreachable (REDIS_DOWN_MODE=local). */
  readonly assertLocal: () => void
  readonly logger: Logger
}

export interface SharedRecords extends Pick<Store, 'saveRecord' | 'addRecord' | 'removeRecord' | 'records'> {
  /** Reads which data Redis has. */
  meet(): Promise<MetRedis>
  readonly hasUnsent: boolean
  /** Sends Redis what it has missed; a new one everything that it does not have, in the order in which it was first saved.
   *  @returns how many records were sent */
  putBack(met: MetRedis): Promise<number>
  /** The file of this replica follows Redis. */
  pull(kind: RecordKind): Promise<void>
}

export interface MetRedis {
  readonly epoch: string
  /** Another one than this replica knew, or the same without its data. */
  readonly isNew: boolean
}

/** Records, in Redis while it is reachable, with a copy in the file of this replica: accounts that were added outlive the loss of
 *  Redis's data, and what changed while it was unreachable outlives this process too. */
export function createSharedRecords(options: SharedRecordsOptions): SharedRecords {
  const { redis, local, breaker, assertLocal, logger } = options
  /** Records that Redis has missed, by their marks: whether it never had them. */
  const unsent = new Map<string, boolean>()
  /** Of the Redis that the copy was made of. */
  let knownEpoch: string | undefined
  let fails = false
  /** A change and a pull that cross would leave the copy behind Redis. */
  const inTurn = createInTurn(recall())

  async function recall(): Promise<void> {
    for (const [id, text] of await mineOf('replica')) {
      if (id.startsWith(mark)) unsent.set(id, text === neverThere)
      else if (id === epochId) knownEpoch = text
    }
  }

  /** A file that fails costs the copy, not the change: that is in Redis. */
  async function attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action()
      fails = false
    } catch (error) {
      if (!fails) logger.warn({ err: error }, 'the copy of what Redis keeps cannot be written')
      fails = true
    }
  }

  async function mineOf(kind: RecordKind): Promise<ReadonlyMap<string, string>> {
    let mine: ReadonlyMap<string, string> = new Map()
    await attempt(async () => {
      mine = await local.records(kind)
    })
    return mine
  }

  async function change(kind: RecordKind, id: string, apply: (store: ChangedStore) => Promise<void>) {
    // The first meeting takes turns itself: a turn that waited for it would never end.
    await breaker.met()
    await inTurn(() =>
      breaker.run(
        async () => {
          await apply(redis)
          await attempt(() => apply(local))
        },
        async () => {
          assertLocal()
          await changeLocally(kind, id, () => apply(local))
        },
      ),
    )
  }

  async function changeLocally(kind: RecordKind, id: string, apply: () => Promise<void>): Promise<void> {
    const noted = markOf(kind, id)
    const before = unsent.get(noted)
    unsent.set(noted, false)
    try {
      const neverHad = before ?? (await isMissing(kind, id))
      await apply()
      const isThere = !(await isMissing(kind, id))
      // A record that came and went meanwhile needs no mark: hours of them would leave many.
      if (before && !isThere) {
        unsent.delete(noted)
        return await local.removeRecord('replica', noted)
      }
      unsent.set(noted, neverHad && isThere)
      await local.saveRecord('replica', noted, neverHad && isThere ? neverThere : '')
    } catch (error) {
      // A record that could not be written must not be sent as removed.
      if (before === undefined) unsent.delete(noted)
      else unsent.set(noted, before)
      throw error
    }
  }

  /** Only chats to be deleted are looked up: one comes with each answer, and soon goes. */
  async function isMissing(kind: RecordKind, id: string): Promise<boolean> {
    return kind === 'chat-deletion' && !(await local.records(kind)).has(id)
  }

  async function send(kind: RecordKind, id: string, text: string | undefined): Promise<void> {
    const noted = markOf(kind, id)
    const wasNoted = unsent.delete(noted)
    try {
      if (text === undefined) await redis.removeRecord(kind, id)
      else await redis.saveRecord(kind, id, text)
    } catch (error) {
      // It may have come all the same.
      if (wasNoted) unsent.set(noted, false)
      throw error
    }
    if (wasNoted) await attempt(() => local.removeRecord('replica', noted))
  }

  async function sendKind(kind: RecordKind, isNew: boolean): Promise<number> {
    const mine = await mineOf(kind)
    const theirs: ReadonlyMap<string, string> = isNew ? await redis.records(kind) : new Map()
    const changed = [...unsent.keys()].flatMap((noted) => idOf(kind, noted) ?? [])
    const missing = isNew ? [...mine.keys()].filter((id) => !theirs.has(id)) : []
    const ids = new Set([...missing, ...changed])
    for (const id of ids) await send(kind, id, mine.get(id))
    return ids.size
  }

  async function copy(kind: RecordKind): Promise<void> {
    const theirs = await redis.records(kind)
    // Redis has lost its data and not got it back yet: the copy is all that is left.
    if ((await redis.epoch()) !== knownEpoch) return
    await attempt(async () => {
      const mine = await local.records(kind)
      for (const [id, text] of theirs)
        if (mine.get(id) !== text && !unsent.has(markOf(kind, id))) await local.saveRecord(kind, id, text)
      for (const id of mine.keys())
        if (!theirs.has(id) && !unsent.has(markOf(kind, id))) await local.removeRecord(kind, id)
    })
  }

  return {
    saveRecord: (kind, id, text) => change(kind, id, (store) => store.saveRecord(kind, id, text)),
    async addRecord(kind, id, text) {
      await breaker.met()
      return inTurn(() =>
        breaker.run(
          async () => {
            const isAdded = await redis.addRecord(kind, id, text)
            if (isAdded) await attempt(() => local.saveRecord(kind, id, text))
            return isAdded
          },
          () => {
            throw redisUnreachable()
          },
        ),
      )
    },
    removeRecord: (kind, id) => change(kind, id, (store) => store.removeRecord(kind, id)),
    records: (kind) =>
      breaker.run(
        () => redis.records(kind),
        () => local.records(kind),
      ),

    meet: () =>
      inTurn(async () => {
        const epoch = await redis.epoch()
        return { epoch, isNew: epoch !== knownEpoch }
      }),

    get hasUnsent() {
      return unsent.size > 0
    },

    putBack: ({ epoch, isNew }) =>
      inTurn(async () => {
        let sent = 0
        for (const kind of sharedRecordKinds) sent += await sendKind(kind, isNew)
        if (!isNew) return sent
        // Not before all is there: a try that broke off begins anew.
        knownEpoch = epoch
        await attempt(() => local.saveRecord('replica', epochId, epoch))
        return sent
      }),

    pull: (kind) => inTurn(() => copy(kind)),
  }
}

type ChangedStore = Pick<Store, 'saveRecord' | 'removeRecord'>

const epochId = 'epoch'
const mark = 'unsent '
/** Text of the mark of a record that Redis never had. */
const neverThere = 'new'
const markOf = (kind: RecordKind, id: string) => `${mark}${kind} ${id}`

function idOf(kind: RecordKind, noted: string): string | undefined {
  const head = markOf(kind, '')
  return noted.startsWith(head) ? noted.slice(head.length) : undefined
}
