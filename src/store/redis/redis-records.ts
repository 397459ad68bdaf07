import { randomUUID } from 'node:crypto'
import type { RecordKind, Store } from '../store.ts'
import { itemsOf, type Reply, type RunScript } from './redis-scripts.ts'

/** The last change of a kind that was seen: its number grows with every change, whatever the kind. */
export interface LastChange {
  readonly id: string
  readonly revision: number
}

/** Which data a page was read of. */
interface ReadState {
  readonly epoch: string
  readonly revision: number
  /** Up to this revision removals are no longer known. */
  readonly changesFrom: number
}

export interface RecordPage extends ReadState {
  readonly last: LastChange
  /** Where the next page begins; '' after the last. */
  readonly next: string
  readonly records: readonly StoredRecord[]
}

export interface StoredRecord {
  readonly id: string
  /** Of its last change; 0: by 0.1.0, which counts none. */
  readonly revision: number
  readonly text: string
}

export interface ChangePage extends ReadState {
  readonly changes: readonly (Omit<StoredRecord, 'text'> & { readonly text: string | undefined })[]
}

export type RecordChanges = ReadonlyMap<string, string | undefined>

export interface RedisRecords
  extends Pick<Store, 'saveRecord' | 'addRecord' | 'removeRecord' | 'changeRecords' | 'records'> {
  /** Changes in one go, with one message to the other replicas. An absent text removes.
   *  @returns the last change of the kind before and after */
  writeRecords(
    kind: RecordKind,
    changes: RecordChanges,
  ): Promise<{ readonly before: LastChange; readonly after: LastChange }>
  /** @param place  '0' at first, then `next` */
  readRecords(kind: RecordKind, place: string): Promise<RecordPage>
  readChanges(kind: RecordKind, afterRevision: number): Promise<ChangePage>
  /** At which revisions these were removed; those that were not, or nobody knows any more, are left out. */
  removals(kind: RecordKind, ids: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Identity of the data: a random id that the first replica writes; another one after data was lost, all of it or the latest.
   *  @param known  what this replica last knew of it */
  meet(known: {
    readonly epoch: string | undefined
    readonly changes: ReadonlyMap<RecordKind, LastChange>
  }): Promise<string>
}

/** Of one command: in number, and in UTF-16 units. */
const batchSize = 500
const batchLength = 512 * 1024

/** Records in Redis. @throws {UnavailableError} `dependency_unavailable` */
export function createRedisRecords(runScript: RunScript, replica: string): RedisRecords {
  async function writeRecords(kind: RecordKind, changes: RecordChanges) {
    let before: LastChange | undefined
    let after: LastChange | undefined
    for (const batch of batchesOf(changes)) {
      const args = batch.flatMap(([id, text]) => [id, text === undefined ? '0' : '1', text ?? ''])
      const [first, last] = itemsOf(await runScript('change-records', kind, replica, ...args))
      before ??= lastChangeOf(first)
      after = lastChangeOf(last)
    }
    return { before: before ?? noChange, after: after ?? noChange }
  }

  async function readRecords(kind: RecordKind, place: string): Promise<RecordPage> {
    const reply = itemsOf(await runScript('read-records', kind, place))
    const [, , , last, next, found] = reply
    const records = triplesOf(found).map(({ text = '', ...rest }) => ({ ...rest, text }))
    return { ...stateOf(reply), last: lastChangeOf(last), next: String(next), records }
  }

  async function find(kind: RecordKind, ids: readonly string[]) {
    const found: { id: string; text: string | undefined; removed: number }[] = []
    for (let from = 0; from < ids.length; from += batchSize) {
      const batch = ids.slice(from, from + batchSize)
      const reply = itemsOf(await runScript('find-records', kind, ...batch))
      for (const [index, id] of batch.entries()) {
        const text = reply[2 * index]
        found.push({
          id,
          text: typeof text === 'string' ? text : undefined,
          removed: Number(reply[2 * index + 1]),
        })
      }
    }
    return found
  }

  return {
    writeRecords,
    readRecords,

    async saveRecord(kind, id, text) {
      await writeRecords(kind, new Map([[id, text]]))
    },

    async removeRecord(kind, id) {
      await writeRecords(kind, new Map([[id, undefined]]))
    },

    async changeRecords(kind, changes) {
      await writeRecords(kind, changes)
    },

    async addRecord(kind, id, text) {
      return (await runScript('add-record', kind, id, text, replica)) === 1
    },

    async records(kind, ids) {
      const records = new Map<string, string>()
      if (ids) {
        for (const { id, text } of await find(kind, ids)) if (text !== undefined) records.set(id, text)
        return records
      }
      for (let place = '0'; place !== ''; ) {
        const page = await readRecords(kind, place)
        for (const { id, text } of page.records) records.set(id, text)
        place = page.next
      }
      return records
    },

    async readChanges(kind, afterRevision) {
      const reply = itemsOf(await runScript('read-changes', kind, afterRevision))
      return { ...stateOf(reply), changes: triplesOf(reply[3]) }
    },

    async removals(kind, ids) {
      const found = await find(kind, ids)
      return new Map(found.flatMap(({ id, removed }) => (removed > 0 ? [[id, removed] as const] : [])))
    },

    async meet({ epoch = '', changes }) {
      const known = [...changes].flatMap(([kind, { id, revision }]) => [kind, revision, id])
      return String(await runScript('meet', epoch, randomUUID(), ...known))
    },
  }
}

const noChange: LastChange = { id: '', revision: 0 }

function* batchesOf(changes: RecordChanges): Generator<[id: string, text: string | undefined][]> {
  let batch: [string, string | undefined][] = []
  let length = 0
  for (const change of changes) {
    batch.push(change)
    length += change[1]?.length ?? 0
    if (batch.length < batchSize && length < batchLength) continue
    yield batch
    batch = []
    length = 0
  }
  if (batch.length > 0) yield batch
}

function lastChangeOf(reply: Reply | undefined): LastChange {
  const [id, revision] = itemsOf(reply)
  return { id: String(id ?? ''), revision: Number(revision ?? 0) }
}

const stateOf = ([epoch, revision, changesFrom]: readonly Reply[]): ReadState => ({
  epoch: String(epoch),
  revision: Number(revision),
  changesFrom: Number(changesFrom),
})

function triplesOf(reply: Reply | undefined) {
  const flat = itemsOf(reply)
  return Array.from({ length: Math.ceil(flat.length / 3) }, (_, index) => {
    const text = flat[3 * index + 2]
    return {
      id: String(flat[3 * index]),
      revision: Number(flat[3 * index + 1]),
      text: typeof text === 'string' ? text : undefined,
    }
  })
}
