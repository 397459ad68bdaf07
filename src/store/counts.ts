import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '../core/clock.ts'
import {
  type AttemptOutcome,
  attemptOutcomes,
  type CountRow,
  countedMs,
  type LeaseRelease,
  otherLabel,
} from './store.ts'

/** Attempts of one hour that ended alike. */
export interface Count {
  readonly hourMs: number
  readonly account: string
  readonly model: string
  readonly caller: string
  readonly outcome: AttemptOutcome
  readonly count: number
}

/** Of so many combinations of account, model, caller and outcome an hour; the rest is counted under `otherLabel`. */
export const maxCountsAnHour = 10_000
export const countedHourMs = 60 * 60 * 1000
/** Clients may send a name of any length. */
const maxModelLength = 100

export const hourOf = (ms: number): number => Math.floor(ms / countedHourMs) * countedHourMs

/** @returns undefined when the release is not to be counted */
export function countOf({ account, model, counted }: LeaseRelease, nowMs: number): Count | undefined {
  if (!counted) return undefined
  const { outcome, caller = '' } = counted
  return { hourMs: hourOf(nowMs), account, model: model.slice(0, maxModelLength), caller, outcome, count: 1 }
}

export const otherOf = (count: Count): Count => ({
  ...count,
  account: otherLabel,
  model: otherLabel,
  caller: otherLabel,
})

/** `<account>|<model>|<caller>|<outcome>`; a model may hold a bar itself. */
export const fieldOf = ({ account, model, caller, outcome }: Omit<Count, 'hourMs' | 'count'>): string =>
  `${account}|${model}|${caller}|${outcome}`

/** @returns undefined for what `fieldOf` has not written */
export function parseField(field: string): Omit<Count, 'hourMs' | 'count'> | undefined {
  const [, account, model, caller, last] = fieldPattern.exec(field) ?? []
  const outcome = attemptOutcomes.find((each) => each === last)
  if (account === undefined || model === undefined || caller === undefined || !outcome) return undefined
  return { account, model, caller, outcome }
}

const fieldPattern = /^([^|]*)\|(.*)\|([^|]*)\|([^|]*)$/s

/** One row an hour, account, model and caller, in this order. */
export function rowsOf(counts: Iterable<Count>): readonly CountRow[] {
  const rows = new Map<string, CountRow>()
  for (const { count, outcome, ...labels } of counts) {
    const key = `${labels.hourMs} ${fieldOf({ ...labels, outcome: 'succeeded' })}`
    const row = rows.get(key) ?? { ...labels, succeeded: 0, failed: 0, abandoned: 0 }
    rows.set(key, { ...row, [outcome]: row[outcome] + count })
  }
  return [...rows.values()].sort(inOrder)
}

const inOrder = (one: CountRow, two: CountRow): number =>
  one.hourMs - two.hourMs ||
  compare(one.account, two.account) ||
  compare(one.model, two.model) ||
  compare(one.caller, two.caller)

const compare = (one: string, two: string): number => (one < two ? -1 : one > two ? 1 : 0)

export interface CountTableOptions {
  readonly clock: Clock
  /** Of each hour. */
  readonly maxCounts: number
}

/** The `attempt_count` table: how many attempts ended how, by hour. */
export function createCountTable(database: DatabaseSync, { clock, maxCounts }: CountTableOptions) {
  const update = database.prepare(
    `UPDATE attempt_count SET count = count + ?
     WHERE hour_ms = ? AND account = ? AND model = ? AND caller = ? AND outcome = ?`,
  )
  const insert = database.prepare(
    'INSERT INTO attempt_count (count, hour_ms, account, model, caller, outcome) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const selectSize = database.prepare('SELECT count(*) AS size FROM attempt_count WHERE hour_ms = ?')
  const select = database.prepare('SELECT * FROM attempt_count WHERE hour_ms >= ? AND hour_ms < ?')
  const removeOld = database.prepare('DELETE FROM attempt_count WHERE hour_ms < ?')
  const takeOldest = database.prepare(
    `DELETE FROM attempt_count WHERE (hour_ms, account, model, caller, outcome) IN (
       SELECT hour_ms, account, model, caller, outcome FROM attempt_count ORDER BY hour_ms LIMIT ?) RETURNING *`,
  )
  const oldestHour = () => hourOf(clock.now() - countedMs)

  function add(counts: Iterable<Count>): void {
    const sizes = new Map<number, number>()
    for (const count of counts) {
      if (update.run(...valuesOf(count)).changes > 0) continue
      const size = sizes.get(count.hourMs) ?? Number(selectSize.get(count.hourMs)?.size)
      sizes.set(count.hourMs, size + 1)
      const counted = size < maxCounts ? count : otherOf(count)
      if (counted === count || update.run(...valuesOf(counted)).changes === 0)
        insert.run(...valuesOf(counted))
    }
    removeOld.run(oldestHour())
  }

  return {
    /** All or nothing, in one write. */
    add(counts: Iterable<Count>): void {
      database.exec('BEGIN IMMEDIATE')
      try {
        add(counts)
        database.exec('COMMIT')
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    },

    /** Of the hours that any of this time is in. */
    between: (sinceMs: number, untilMs: number): Count[] =>
      select.all(Math.max(hourOf(sinceMs), oldestHour()), untilMs).map(parseRow),

    /** Removes the oldest. */
    take: (limit: number): Count[] => takeOldest.all(limit).map(parseRow),
  }
}

const valuesOf = ({ count, hourMs, account, model, caller, outcome }: Count) =>
  [count, hourMs, account, model, caller, outcome] as const

const parseRow = ({ hour_ms, account, model, caller, outcome, count }: Record<string, unknown>): Count => ({
  hourMs: Number(hour_ms),
  account: String(account),
  model: String(model),
  caller: String(caller),
  // The column is written from an `AttemptOutcome` alone.
  outcome: outcome as AttemptOutcome,
  count: Number(count),
})

export interface CountBufferOptions {
  /** @returns whether they are written; those that are not stay here */
  readonly write: (counts: readonly Count[]) => boolean
  /** How many combinations may wait here; the rest is counted under `otherLabel`. */
  readonly maxCounts: number
  /** From the first that waits to the write. */
  readonly delayMs: number
}

/** Counts wait here for a moment: many requests are one write. A process that is killed loses no more than that moment. */
export class CountBuffer {
  readonly #options: CountBufferOptions
  readonly #waiting = new Map<string, { readonly labels: Count; count: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: CountBufferOptions) {
    this.#options = options
  }

  add(count: Count): void {
    const known = this.#waiting.get(keyOf(count))
    if (known) known.count += count.count
    else this.#addNew(count)
    this.#timer ??= setTimeout(() => this.flush(), this.#options.delayMs).unref()
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.size === 0) return
    const counts = [...this.#waiting.values()].map(({ labels, count }) => ({ ...labels, count }))
    if (this.#options.write(counts)) this.#waiting.clear()
  }

  #addNew(count: Count): void {
    const labels = this.#waiting.size < this.#options.maxCounts ? count : otherOf(count)
    const key = keyOf(labels)
    const before = this.#waiting.get(key)?.count ?? 0
    this.#waiting.set(key, { labels, count: before + count.count })
  }
}

const keyOf = (count: Count): string => `${count.hourMs} ${fieldOf(count)}`
