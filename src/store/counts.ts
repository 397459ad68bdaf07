import {
  type AttemptOutcome,
  attemptOutcomes,
  type CountRow,
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
