import { setImmediate as nextTurn } from 'node:timers/promises'
import { createInTurn } from '../../core/in-turn.ts'
import type { Logger } from '../../core/logger.ts'
import { createJournal } from '../journal.ts'
import { blame } from '../redis/redis-failure.ts'
import type { LastChange, RecordChanges, RedisRecords, StoredRecord } from '../redis/redis-records.ts'
import { type RecordKind, type Store, sharedRecordKinds } from '../store.ts'
import { type Breaker, redisUnreachable } from './breaker.ts'

export interface SharedRecordsOptions {
  readonly redis: Pick<
    RedisRecords,
    'writeRecords' | 'addRecord' | 'records' | 'readRecords' | 'readChanges' | 'removals' | 'meet'
  >
  readonly local: Pick<Store, 'changeRecords' | 'records'>
  readonly breaker: Pick<Breaker, 'run' | 'met' | 'refresh'>
  /** Throws unless this replica may serve alone while Redis is unreachable (REDIS_DOWN_MODE=local). */
  readonly assertLocal: () => void
  readonly logger: Logger
}

export interface SharedRecords
  extends Pick<Store, 'saveRecord' | 'addRecord' | 'removeRecord' | 'changeRecords' | 'records'> {
  /** Reads which data Redis has. */
  meet(): Promise<MetRedis>
  readonly hasUnsent: boolean
  /** Sends Redis what it has missed; one that has lost data everything that it does not have any more, in the order in which it was
   *  first saved. @returns how many records were sent */
  putBack(met: MetRedis): Promise<number>
  /** The file of this replica follows Redis: by what changed since it last looked, or by all there is.
   *  @returns the ids of what became different here; undefined: nobody knows */
  pull(kind: RecordKind, extent: 'changes' | 'all'): Promise<readonly string[] | undefined>
}

export interface MetRedis {
  readonly epoch: string
  /** Another one than this replica knew, or the same without its latest data. */
  readonly isNew: boolean
}

/** Records, in Redis while it is reachable, with a copy in the file of this replica: accounts that were added outlive the loss of
 *  Redis's data, and what changed while it was unreachable outlives this process too. Data that is older than what was known is
 *  merged, never obeyed: nothing is removed here but what somebody is known to have removed. */
export function createSharedRecords(options: SharedRecordsOptions): SharedRecords {
  const { redis, local, breaker, assertLocal, logger } = options
  /** Records that Redis has missed, by their marks: whether it never had them. None is ever dropped: it would look removed. */
  const unsent = createJournal<boolean>({
    name: 'records',
    send: (mark) => sendMarked(mark),
    blames: blame,
    maxFailures: Number.POSITIVE_INFINITY,
    logger,
  })
  /** Marks of what was removed, so that older data does not bring it back. */
  const gone = new Set<string>()
  /** Of the Redis that the copy was made of. */
  let knownEpoch: string | undefined
  const known = new Map<RecordKind, LastChange>()
  let fails = false
  /** A change and a pull that cross would leave the copy behind Redis. */
  const inTurn = createInTurn(recall())

  async function recall(): Promise<void> {
    for (const [id, text] of await mineOf('replica')) {
      if (id.startsWith(unsentHead)) unsent.add(id.slice(unsentHead.length), text === neverThere)
      else if (id.startsWith(goneHead)) gone.add(id.slice(goneHead.length))
      else if (id === epochId) knownEpoch = text
      else if (id.startsWith(knownHead)) {
        const [revision = '', changedId = ''] = text.split(' ', 2)
        const kind = id.slice(knownHead.length) as RecordKind
        if (Number(revision) > 0) known.set(kind, { id: changedId, revision: Number(revision) })
      }
    }
  }

  /** A file that fails costs the copy, not the change: that is in Redis. @returns whether it did not */
  async function attempt(action: () => Promise<void>): Promise<boolean> {
    try {
      await action()
      fails = false
    } catch (error) {
      if (!fails) logger.warn({ err: error }, 'the copy of what Redis keeps cannot be written')
      fails = true
    }
    return !fails
  }

  async function mineOf(kind: RecordKind): Promise<ReadonlyMap<string, string>> {
    let mine: ReadonlyMap<string, string> = new Map()
    await attempt(async () => {
      mine = await local.records(kind)
    })
    return mine
  }

  /** Changes the copy, and notes what was removed; some at a time, so that nobody waits for many. */
  async function apply(kind: RecordKind, changes: RecordChanges): Promise<void> {
    const all = [...changes]
    for (let from = 0; from < all.length; from += applySize) {
      if (from > 0) await nextTurn()
      const some = new Map(all.slice(from, from + applySize))
      await local.changeRecords(kind, some)
      if (isFollowed(kind)) await local.changeRecords('replica', noteGone(kind, some))
    }
  }

  function noteGone(kind: RecordKind, changes: RecordChanges): Map<string, string | undefined> {
    const notes = new Map<string, string | undefined>()
    for (const [id, text] of changes) {
      const mark = markOf(kind, id)
      if (text !== undefined) {
        if (gone.delete(mark)) notes.set(goneHead + mark, undefined)
        continue
      }
      gone.add(mark)
      notes.set(goneHead + mark, '')
    }
    for (const mark of gone) {
      if (gone.size <= maxGone) break
      gone.delete(mark)
      notes.set(goneHead + mark, undefined)
    }
    return notes
  }

  async function learn(kind: RecordKind, last: LastChange): Promise<void> {
    if (last.revision === 0) return
    known.set(kind, last)
    await local.changeRecords('replica', new Map([[knownHead + kind, `${last.revision} ${last.id}`]]))
  }

  /** After a change of this replica: nothing to be read when nobody else changed anything meanwhile. */
  async function write(kind: RecordKind, changes: RecordChanges): Promise<void> {
    const { before, after } = await redis.writeRecords(kind, changes)
    await attempt(async () => {
      await apply(kind, changes)
      if (before.revision === (known.get(kind)?.revision ?? 0)) await learn(kind, after)
    })
  }

  async function change(kind: RecordKind, changes: RecordChanges): Promise<void> {
    // The first meeting takes turns itself: a turn that waited for it would never end.
    await breaker.met()
    await inTurn(() =>
      breaker.run(
        () => write(kind, changes),
        async () => {
          assertLocal()
          await changeLocally(kind, changes)
        },
      ),
    )
  }

  async function changeLocally(kind: RecordKind, changes: RecordChanges): Promise<void> {
    // Only chats to be deleted are looked up: one comes with each answer, and soon goes.
    const looksUp = kind === 'chat-deletion'
    const mine = looksUp ? await local.records(kind, [...changes.keys()]) : undefined
    const notes = new Map<string, string | undefined>()
    const marks: [mark: string, neverHad: boolean | undefined][] = []
    for (const [id, text] of changes) {
      const mark = markOf(kind, id)
      const before = unsent.get(mark)
      const neverHad = before ?? (mine !== undefined && !mine.has(id))
      // One that came and went meanwhile needs no mark: hours of them would leave many.
      const isNothing = before === true && text === undefined
      marks.push([mark, isNothing ? undefined : neverHad && text !== undefined])
      notes.set(unsentHead + mark, isNothing ? undefined : neverHad && text !== undefined ? neverThere : '')
    }
    await apply(kind, changes)
    await local.changeRecords('replica', notes)
    for (const [mark, neverHad] of marks)
      if (neverHad === undefined) unsent.delete(mark)
      else unsent.add(mark, neverHad)
  }

  async function sendMarked(mark: string): Promise<void> {
    const { kind, id } = kindAndId(mark)
    const text = (await local.records(kind, [id])).get(id)
    await redis.writeRecords(kind, new Map([[id, text]]))
    await attempt(() => local.changeRecords('replica', new Map([[unsentHead + mark, undefined]])))
  }

  async function readAll(kind: RecordKind) {
    const theirs = new Map<string, StoredRecord>()
    let last: LastChange | undefined
    let state: { epoch: string; revision: number } | undefined
    for (let place = '0'; place !== ''; ) {
      const page = await redis.readRecords(kind, place)
      if (state && state.epoch !== page.epoch) throw redisUnreachable()
      state = page
      last ??= page.last
      for (const record of page.records) theirs.set(record.id, record)
      place = page.next
    }
    return { theirs, last: last ?? { id: '', revision: 0 }, ...(state ?? { epoch: '', revision: 0 }) }
  }

  const isUnsent = (kind: RecordKind, id: string) => unsent.has(markOf(kind, id))

  /** Redis has other data than was known. What was changed there later than anything that was known here is obeyed; of the rest the copy
   *  is the newer. @returns how many records were sent */
  async function merge(kind: RecordKind): Promise<number> {
    const mine = await mineOf(kind)
    const { theirs, last } = await readAll(kind)
    const knownRevision = known.get(kind)?.revision ?? 0
    const missing = [...mine.keys()].filter((id) => !theirs.has(id) && !isUnsent(kind, id))
    const removals = await redis.removals(kind, missing)
    const toThem = new Map<string, string | undefined>()
    const toUs = new Map<string, string | undefined>()
    for (const id of missing) {
      if ((removals.get(id) ?? 0) > knownRevision) toUs.set(id, undefined)
      else toThem.set(id, mine.get(id))
    }
    for (const [id, { text, revision }] of theirs) {
      if (isUnsent(kind, id)) continue
      const own = mine.get(id)
      const isLater = revision > knownRevision || knownRevision === 0
      if (own === undefined) {
        if (!isLater && revision > 0 && gone.has(markOf(kind, id))) toThem.set(id, undefined)
        else toUs.set(id, text)
      } else if (own !== text) {
        if (isLater) toUs.set(id, text)
        else toThem.set(id, own)
      }
    }
    if (toThem.size > 0) await redis.writeRecords(kind, toThem)
    await attempt(async () => {
      await apply(kind, toUs)
      await learn(kind, last)
    })
    return toThem.size
  }

  async function pullAll(kind: RecordKind): Promise<readonly string[] | undefined> {
    const { theirs, last, epoch, revision } = await readAll(kind)
    if (!isAsKnown(kind, epoch, revision)) return []
    let changed: readonly string[] | undefined
    await attempt(async () => {
      const mine = await local.records(kind)
      const changes = new Map<string, string | undefined>()
      for (const [id, { text }] of theirs)
        if (mine.get(id) !== text && !isUnsent(kind, id)) changes.set(id, text)
      for (const id of mine.keys()) if (!theirs.has(id) && !isUnsent(kind, id)) changes.set(id, undefined)
      await apply(kind, changes)
      await learn(kind, last)
      changed = [...changes.keys()]
    })
    return changed
  }

  /** Data that was lost is not followed: it is met first. */
  function isAsKnown(kind: RecordKind, epoch: string, revision: number): boolean {
    if (epoch === knownEpoch && revision >= (known.get(kind)?.revision ?? 0)) return true
    breaker.refresh()
    return false
  }

  async function pullChanges(kind: RecordKind): Promise<readonly string[] | undefined> {
    const changed = new Set<string>()
    for (let after = known.get(kind); ; after = known.get(kind)) {
      if (!after) return pullAll(kind)
      const page = await redis.readChanges(kind, after.revision)
      if (!isAsKnown(kind, page.epoch, page.revision)) return [...changed]
      if (page.changesFrom > after.revision) return pullAll(kind)
      const last = page.changes.at(-1)
      if (!last) return [...changed]
      const isWritten = await attempt(async () => {
        const theirs = page.changes.filter(({ id }) => !isUnsent(kind, id))
        await apply(kind, new Map(theirs.map(({ id, text }) => [id, text])))
        await learn(kind, last)
      })
      for (const { id } of page.changes) changed.add(id)
      if (!isWritten) return undefined
    }
  }

  return {
    saveRecord: (kind, id, text) => change(kind, new Map([[id, text]])),
    removeRecord: (kind, id) => change(kind, new Map([[id, undefined]])),
    changeRecords: change,
    async addRecord(kind, id, text) {
      await breaker.met()
      return inTurn(() =>
        breaker.run(
          async () => {
            const isAdded = await redis.addRecord(kind, id, text)
            if (isAdded) await attempt(() => apply(kind, new Map([[id, text]])))
            return isAdded
          },
          () => {
            throw redisUnreachable()
          },
        ),
      )
    },
    records: (kind, ids) =>
      breaker.run(
        () => redis.records(kind, ids),
        () => local.records(kind, ids),
      ),

    meet: () =>
      inTurn(async () => {
        const epoch = await redis.meet({ epoch: knownEpoch, changes: known })
        return { epoch, isNew: epoch !== knownEpoch }
      }),

    get hasUnsent() {
      return unsent.size > 0
    },

    putBack: ({ epoch, isNew }) =>
      inTurn(async () => {
        let sent = 0
        if (isNew) for (const kind of sharedRecordKinds) sent += await merge(kind)
        sent += await unsent.replay()
        if (!isNew) return sent
        // Not before all is there: a try that broke off begins anew.
        knownEpoch = epoch
        await attempt(() => local.changeRecords('replica', new Map([[epochId, epoch]])))
        return sent
      }),

    pull: (kind, extent) =>
      inTurn(() => (extent === 'all' || !isFollowed(kind) ? pullAll(kind) : pullChanges(kind))),
  }
}

/** Of one write of the copy. */
const applySize = 250
const maxGone = 10_000

/** As the records of Redis: chats to be deleted concern one replica alone. */
const isFollowed = (kind: RecordKind): boolean => kind !== 'chat-deletion'

const epochId = 'epoch'
const unsentHead = 'unsent '
const goneHead = 'gone '
const knownHead = 'known '
/** Text of the mark of a record that Redis never had. */
const neverThere = 'new'
const markOf = (kind: RecordKind, id: string) => `${kind} ${id}`

function kindAndId(mark: string): { readonly kind: RecordKind; readonly id: string } {
  const at = mark.indexOf(' ')
  return { kind: mark.slice(0, at) as RecordKind, id: mark.slice(at + 1) }
}
