import { expect, it } from 'vitest'
import { beginRecord, type RequestRecord } from '../../src/records/record.ts'
import { createSeries, minuteMs } from '../../src/records/series.ts'

const beginMs = Date.UTC(2026, 10, 28)

function start() {
  const clock = { ms: beginMs, now: () => clock.ms }
  const series = createSeries(clock)
  const add = (more: Partial<RequestRecord> = {}) =>
    series.add({ ...beginRecord('r', 0), status: 200, totalMs: 10, ...more })
  return { clock, series, add }
}

it('counts by minute how requests ended', () => {
  const { clock, series, add } = start()
  add({ tokens: { prompt: 5, completion: 7, reasoning: 1 } })
  add({ status: 502, code: 'upstream_reset' })
  add({ status: 499 })
  clock.ms += 2 * minuteMs
  add()
  const steps = series.read(beginMs, clock.ms + 1, minuteMs)
  expect(steps.map(({ atMs, requests, abandoned }) => [atMs - beginMs, requests, abandoned])).toEqual([
    [0, 3, 1],
    [minuteMs, 0, 0],
    [2 * minuteMs, 1, 0],
  ])
  expect(steps[0]).toMatchObject({ tokensIn: 5, tokensOut: 7, failed: new Map([['upstream_reset', 1]]) })
  expect(series.read(beginMs, clock.ms + 1, 5 * minuteMs).map(({ requests }) => requests)).toEqual([4])
})

it('tells times within a third of the true ones', () => {
  const { series, add } = start()
  for (let ms = 1; ms <= 100; ms += 1) add({ totalMs: ms * 100, firstEventMs: ms * 10 })
  const [step] = series.read(beginMs, beginMs + 1, minuteMs)
  for (const [found, right] of [
    [step?.total?.p50, 5000],
    [step?.total?.p95, 9500],
    [step?.firstEvent?.p50, 500],
    [step?.firstEvent?.p95, 950],
  ] as const)
    expect(Math.abs(Math.log((found ?? 0) / right))).toBeLessThan(Math.log(1.7) / 2 + 0.01)
})

it('forgets what is older than a day', () => {
  const { clock, series, add } = start()
  add()
  clock.ms += 24 * 60 * minuteMs
  add()
  const steps = series.read(0, clock.ms + 1, minuteMs)
  expect(steps.reduce((sum, { requests }) => sum + requests, 0)).toBe(1)
  expect(steps.length).toBeLessThanOrEqual(24 * 60 + 1)
})
