import { z } from 'zod'
import { minuteMs, type Quantiles, type SeriesStep } from '../records/series.ts'
import type { CountRow } from '../store/store.ts'
import { checkShape, invalidValue } from './check-shape.ts'

const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()]).transform((text) => Date.parse(text))
const querySchema = z.strictObject({
  from: time.optional(),
  to: time.optional(),
  /** In seconds. */
  step: z.coerce.number().int().min(60).max(86_400).optional(),
})
const maxSteps = 2000

export interface SeriesRange {
  readonly sinceMs: number
  readonly untilMs: number
  readonly stepMs: number
  /** From the counts that are stored by the hour, of all replicas; else from this process's minutes. */
  readonly isHourly: boolean
}

/** The query of `GET /admin/series`: by default the last hour, by the minute; what reaches back further than a day, by the hour.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseSeriesQuery(query: object, nowMs: number): SeriesRange {
  const { from, to, step } = checkShape(querySchema, { ...query })
  const untilMs = to ?? nowMs + 1
  const sinceMs = from ?? untilMs - hourMs
  if (sinceMs > untilMs) throw invalidValue('from', 'must not be later than `to`')
  const isHourly = sinceMs < nowMs - dayMs - minuteMs
  const unitMs = isHourly ? hourMs : minuteMs
  const stepMs = step === undefined ? unitMs : step * 1000
  if (stepMs % unitMs !== 0) throw invalidValue('step', `must be whole ${isHourly ? 'hours' : 'minutes'}`)
  if ((untilMs - sinceMs) / stepMs > maxSteps) throw invalidValue('step', `gives more than ${maxSteps} steps`)
  return { sinceMs, untilMs, stepMs, isHourly }
}

interface Steps {
  readonly minutes?: readonly SeriesStep[]
  readonly hours?: readonly CountRow[]
}

/** Columns of one length; times are Unix seconds. */
export function encodeSeries(range: SeriesRange, { minutes, hours }: Steps) {
  const head = { object: 'series', step: range.stepMs / 1000, of: hours ? 'all' : 'replica' }
  if (hours) return { ...head, ...encodeHours(range, hours) }
  const steps = minutes ?? []
  const codes = new Set(steps.flatMap(({ failed }) => [...failed.keys()]))
  const column = <T>(of: (step: SeriesStep) => T) => steps.map(of)
  const quantiles = (of: (step: SeriesStep) => Quantiles | undefined) => ({
    p50: column((step) => of(step)?.p50 ?? null),
    p95: column((step) => of(step)?.p95 ?? null),
  })
  return {
    ...head,
    t: column(({ atMs }) => atMs / 1000),
    requests: column(({ requests }) => requests),
    abandoned: column(({ abandoned }) => abandoned),
    failed: Object.fromEntries(
      [...codes].map((code) => [code, column(({ failed }) => failed.get(code) ?? 0)]),
    ),
    tokens: { in: column(({ tokensIn }) => tokensIn), out: column(({ tokensOut }) => tokensOut) },
    first_event: quantiles(({ firstEvent }) => firstEvent),
    total: quantiles(({ total }) => total),
  }
}

/** Of attempts, which is what is stored. */
function encodeHours({ sinceMs, untilMs, stepMs }: SeriesRange, rows: readonly CountRow[]) {
  const sums = new Map<number, { requests: number; failed: number; abandoned: number }>()
  const floor = (ms: number) => Math.floor(ms / stepMs) * stepMs
  for (let atMs = floor(sinceMs); atMs < untilMs; atMs += stepMs)
    sums.set(atMs, { requests: 0, failed: 0, abandoned: 0 })
  for (const { hourMs: atMs, succeeded, failed, abandoned } of rows) {
    const sum = sums.get(floor(atMs))
    if (!sum) continue
    sum.requests += succeeded + failed + abandoned
    sum.failed += failed
    sum.abandoned += abandoned
  }
  const all = [...sums.values()]
  return {
    t: [...sums.keys()].map((ms) => ms / 1000),
    requests: all.map(({ requests }) => requests),
    abandoned: all.map(({ abandoned }) => abandoned),
    failed: { attempts: all.map(({ failed }) => failed) },
  }
}

export const encodeQuantiles = (quantiles: Quantiles | undefined) => quantiles ?? null
