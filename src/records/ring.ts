import { createListeners } from '../core/listeners.ts'
import type { RequestRecord } from './record.ts'

/** The last requests, of all replicas where they share. */
export interface Records {
  add(record: RequestRecord): void
  /** Calls back with each request of this process that has ended. @returns unsubscribe */
  onEnded(listener: (record: RequestRecord) => void): () => void
  /** Of this process, the newest first. */
  list(): readonly RequestRecord[]
  /** The newest first. Never rejects: what cannot be read of the other replicas is left out, and told. */
  page(query: RecordQuery): Promise<RecordPage>
  find(id: string): Promise<RequestRecord | undefined>
  /** Hands over what the other replicas have not been told of. */
  close(): Promise<void>
}

export type RecordOutcome = 'ok' | 'failed' | 'abandoned'

/** Every part that is given must fit. */
export interface RecordFilter {
  readonly id?: string | undefined
  readonly outcome?: RecordOutcome | undefined
  readonly code?: string | undefined
  /** As it was asked for, catalogued or served. */
  readonly model?: string | undefined
  /** It answered, or was tried. */
  readonly account?: string | undefined
  readonly key?: string | undefined
  readonly dialect?: string | undefined
  readonly slowerThanMs?: number | undefined
  readonly attemptsAbove?: number | undefined
  readonly mismatch?: boolean | undefined
}

export interface RecordQuery extends RecordFilter {
  readonly limit: number
  /** Of the page before. */
  readonly cursor?: RecordCursor | undefined
}

/** Where a page ended. Should Redis have come or gone since, the time goes on from there. */
export interface RecordCursor {
  /** A number in the ring of this process, or a place in the stream of all. */
  readonly position: string
  readonly endedMs: number
}

export interface RecordPage {
  readonly records: readonly RequestRecord[]
  /** Absent: there are no more. */
  readonly next?: RecordCursor | undefined
  /** Only this process's: the others cannot be read now. */
  readonly isPartial: boolean
}

/** A list that all replicas write to and read, bounded by itself. */
export interface SharedRing {
  /** @returns false when it cannot be written to now */
  append(texts: readonly string[]): Promise<boolean>
  /** The newest first. @returns undefined when it cannot be read now */
  read(
    before: string | undefined,
    count: number,
  ): Promise<readonly { readonly position: string; readonly text: string }[] | undefined>
}

export interface RecordsOptions {
  /** Default 2,000. */
  readonly max?: number
  /** The name of this process among the replicas. */
  readonly replica?: string | undefined
  /** Absent: there is one process. */
  readonly shared?: SharedRing | undefined
  /** From the first record that waits to the write. Default 200 ms. */
  readonly delayMs?: number
}

/** How many texts of the others are read at once. */
const readAtOnce = 500

export function createRecords(options: RecordsOptions = {}): Records {
  const { max = 2000, replica, shared, delayMs = 200 } = options
  const ring: RequestRecord[] = []
  /** Of the next one. */
  let number = 0
  /** Not yet told to the others; beyond the bound the oldest are never told. */
  let waiting: RequestRecord[] = []
  const ended = createListeners<[record: RequestRecord]>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    writing ??= write().finally(() => {
      writing = undefined
    })
    return writing
  }

  async function write(): Promise<void> {
    while (shared && waiting.length > 0) {
      const batch = waiting.slice(0, readAtOnce)
      const isWritten = await shared.append(batch.map(textOf)).catch(() => false)
      if (!isWritten) return
      // Some may have been dropped meanwhile.
      const last = waiting.indexOf(batch.at(-1) as RequestRecord)
      waiting = waiting.slice(last + 1)
    }
  }

  function share(record: RequestRecord): void {
    waiting.push(record)
    if (waiting.length > 2 * max) waiting = waiting.slice(-max)
    timer ??= setTimeout(() => void flush(), delayMs).unref()
  }

  function* newestFirst(): Iterable<{ record: RequestRecord; position: string }> {
    for (let at = number - 1; at >= Math.max(number - max, 0); at -= 1) {
      const record = ring[at % max]
      if (record) yield { record, position: String(at) }
    }
  }

  function pageOfRing({ limit, cursor, ...filter }: RecordQuery): RecordPage {
    const isOwn = cursor !== undefined && /^\d+$/.test(cursor.position)
    const found = collect(limit)
    for (const { record, position } of newestFirst()) {
      if (isOwn ? Number(position) >= Number(cursor.position) : cursor && endOf(record) >= cursor.endedMs)
        continue
      if (fits(record, filter) && found.add(record, position)) break
    }
    return { ...found.page(), isPartial: shared !== undefined }
  }

  /** @returns undefined when the others cannot be read */
  async function pageOfAll(
    { read }: SharedRing,
    { limit, cursor, ...filter }: RecordQuery,
  ): Promise<RecordPage | undefined> {
    const isOwn = cursor !== undefined && /^\d+-\d+$/.test(cursor.position)
    const found = collect(limit)
    let before = isOwn ? cursor.position : undefined
    for (;;) {
      const entries = await read(before, readAtOnce).catch(() => undefined)
      if (!entries) return undefined
      for (const { position, text } of entries) {
        before = position
        const record = parseText(text)
        if (!record || (cursor && !isOwn && endOf(record) >= cursor.endedMs)) continue
        if (fits(record, filter) && found.add(record, position)) return { ...found.page(), isPartial: false }
      }
      if (entries.length < readAtOnce) return { ...found.page(), isPartial: false }
    }
  }

  async function page(query: RecordQuery): Promise<RecordPage> {
    if (!shared) return pageOfRing(query)
    await flush()
    return (await pageOfAll(shared, query)) ?? pageOfRing(query)
  }

  return {
    add(record) {
      if (replica !== undefined) record.replica = replica
      ring[number % max] = record
      number += 1
      if (shared) share(record)
      ended.tell(record)
    },
    onEnded: ended.add,
    list: () => [...newestFirst()].map(({ record }) => record),
    page,
    async find(id) {
      for (const { record } of newestFirst()) if (record.id === id) return record
      return (await page({ id, limit: 1 })).records[0]
    },
    async close() {
      await flush()
      clearTimeout(timer)
    },
  }
}

/** Gathers a page and notes where the next one begins. */
function collect(limit: number) {
  const records: RequestRecord[] = []
  const known = new Set<string>()
  let last: RecordCursor | undefined
  let next: RecordCursor | undefined
  return {
    /** @returns whether the page is full and more follow. One that was sent twice is there once. */
    add(record: RequestRecord, position: string): boolean {
      if (records.length === limit) {
        next = last
        return true
      }
      last = { position, endedMs: endOf(record) }
      if (!known.has(record.id)) records.push(record)
      known.add(record.id)
      return false
    },
    page: () => ({ records, next }),
  }
}

const endOf = ({ startedMs, totalMs = 0 }: RequestRecord): number => startedMs + totalMs

export function outcomeOf({ status, code }: RequestRecord): RecordOutcome {
  if (status === clientClosedRequest && code === undefined) return 'abandoned'
  return code !== undefined || (status ?? 0) >= 400 ? 'failed' : 'ok'
}

/** nginx's status for a client that left before it had the whole response. */
export const clientClosedRequest = 499

function fits(record: RequestRecord, filter: RecordFilter): boolean {
  const { id, outcome, code, model, account, key, dialect, slowerThanMs, attemptsAbove, mismatch } = filter
  const { attempts } = record
  return (
    (id === undefined || record.id === id) &&
    (outcome === undefined || outcomeOf(record) === outcome) &&
    (code === undefined || record.code === code) &&
    (model === undefined || [record.model, record.catalogued, record.served].includes(model)) &&
    (account === undefined ||
      record.account === account ||
      attempts.some((each) => each.account === account)) &&
    (key === undefined || record.key === key) &&
    (dialect === undefined || record.dialect === dialect) &&
    (slowerThanMs === undefined || (record.totalMs ?? 0) > slowerThanMs) &&
    (attemptsAbove === undefined || attempts.length > attemptsAbove) &&
    (mismatch === undefined || (record.mismatch === true) === mismatch)
  )
}

const textOf = (record: RequestRecord): string => JSON.stringify(record)

/** Another version may have written it. */
function parseText(text: string): RequestRecord | undefined {
  try {
    const record = JSON.parse(text) as Partial<RequestRecord> | null
    return typeof record?.id === 'string' &&
      typeof record.startedMs === 'number' &&
      Array.isArray(record.attempts) &&
      Array.isArray(record.warnings)
      ? (record as RequestRecord)
      : undefined
  } catch {
    return undefined
  }
}
