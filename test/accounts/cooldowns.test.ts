import { expect, it } from 'vitest'
import { type CoolDown, coolingHold } from '../../src/accounts/cooldowns.ts'

const nowMs = Date.UTC(2026, 10, 23)
const hour = 3_600_000

const untilAfter = (verdict: Omit<CoolDown, 'type'>, failuresInARow = 1, maxBackOffMs = 600_000): number =>
  coolingHold({ type: 'cool-down', ...verdict }, { nowMs, failuresInARow, maxBackOffMs }).untilMs - nowMs

it.each([
  [1, 30_000],
  [2, 60_000],
  [3, 120_000],
  [4, 240_000],
  [5, 480_000],
  [6, 600_000],
  [2000, 600_000],
])('F11: backs off at failure %i in a row for %i ms', (failuresInARow, expected) => {
  expect(untilAfter({ kind: 'rate-limited' }, failuresInARow)).toBe(expected)
  expect(untilAfter({ kind: 'unavailable' }, failuresInARow)).toBe(expected)
})

it('F11: keeps the first back-off below a short lock duration', () => {
  expect(untilAfter({ kind: 'rate-limited' }, 1, 5000)).toBe(5000)
})

it('F11: obeys the time that the site names, whatever the count', () => {
  expect(untilAfter({ kind: 'rate-limited', retryAfterMs: 7000 }, 5)).toBe(7000)
  expect(untilAfter({ kind: 'rate-limited', retryAfterMs: 2 * hour }, 1)).toBe(2 * hour)
  expect(untilAfter({ kind: 'rate-limited', retryAfterMs: 1234.5 })).toBe(1235)
})

it('A7: a spent quota cools until its reset time, else for 24 h', () => {
  expect(untilAfter({ kind: 'quota-spent', untilMs: nowMs + 5 * hour })).toBe(5 * hour)
  expect(untilAfter({ kind: 'quota-spent' })).toBe(24 * hour)
})

it('cools for the first back-off when the reset time is past by our clock', () => {
  expect(untilAfter({ kind: 'quota-spent', untilMs: nowMs - hour })).toBe(30_000)
})

it('never cools for longer than 31 days or less than a second (FINDINGS X15)', () => {
  expect(untilAfter({ kind: 'quota-spent', untilMs: 9e15 })).toBe(31 * 24 * hour)
  expect(untilAfter({ kind: 'rate-limited', retryAfterMs: 0 })).toBe(1000)
})

it.each([
  [1, 1],
  [2, 2],
  [4, 8],
  [6, 24],
  [2000, 24],
])('FINDINGS K2: credits that are spent rest a key, at time %i in a row, for %i h', (inARow, hours) => {
  expect(untilAfter({ kind: 'quota-spent', doubles: true }, inARow)).toBe(hours * hour)
  expect(untilAfter({ kind: 'quota-spent', doubles: true, retryAfterMs: 60_000 }, inARow)).toBe(60_000)
})
