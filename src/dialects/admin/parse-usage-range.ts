import { z } from 'zod'
import { invalidValue } from '../check-shape.ts'

export interface UsageRange {
  readonly sinceMs: number
  readonly untilMs: number
}

const dayMs = 24 * 60 * 60 * 1000
const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()])

/** Reads `?from=...&to=...` of `/admin/usage`: ISO 8601 with a zone, or a day in UTC. Until now and for a day unless told.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseUsageRange({ from, to }: { from?: unknown; to?: unknown }, nowMs: number): UsageRange {
  const untilMs = parseTime(to, 'to') ?? nowMs
  const sinceMs = parseTime(from, 'from') ?? untilMs - dayMs
  if (sinceMs > untilMs) throw invalidValue('from', 'must not be later than `to`')
  return { sinceMs, untilMs }
}

function parseTime(value: unknown, param: string): number | undefined {
  if (value === undefined || value === '') return undefined
  const { data } = time.safeParse(value)
  if (data === undefined)
    throw invalidValue(param, 'must be a time as in ISO 8601, such as 2026-11-23T00:00:00Z')
  return Date.parse(data)
}
