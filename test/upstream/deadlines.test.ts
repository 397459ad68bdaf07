import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { UpstreamError } from '../../src/core/errors.ts'
import { createDeadlines } from '../../src/upstream/deadlines.ts'

let expired: UpstreamError[]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  expired = []
})

afterEach(() => {
  vi.useRealTimers()
})

const create = () =>
  createDeadlines({ firstEventTimeoutMs: 100, idleTimeoutMs: 50, totalTimeoutMs: 1000 }, (error) =>
    expired.push(error),
  )
const kinds = () => expired.map((error) => error.kind)

test('the first event has its own time when nothing at all comes', () => {
  create()
  vi.advanceTimersByTime(99)
  expect(kinds()).toEqual([])
  vi.advanceTimersByTime(1)
  expect(kinds()).toEqual(['first-event-timeout'])
})

test('FINDINGS U3: the first event ends the first clock, and each event starts the idle one anew', () => {
  const deadlines = create()
  for (let elapsed = 0; elapsed < 400; elapsed += 40) {
    deadlines.heard(true)
    vi.advanceTimersByTime(40)
  }
  expect(kinds()).toEqual([])
  vi.advanceTimersByTime(10)
  expect(kinds()).toEqual(['idle-timeout'])
})

test('F8: keepalives are no first event', () => {
  const deadlines = create()
  for (let elapsed = 0; elapsed < 100; elapsed += 20) {
    deadlines.heard(false)
    vi.advanceTimersByTime(20)
  }
  expect(kinds()).toEqual(['first-event-timeout'])
})

test('the idle time counts from the first event and anew from each that is no keepalive', () => {
  const deadlines = create()
  deadlines.heard(true)
  vi.advanceTimersByTime(40)
  deadlines.heard(true)
  vi.advanceTimersByTime(40)
  deadlines.heard(false)
  vi.advanceTimersByTime(9)
  expect(kinds()).toEqual([])
  vi.advanceTimersByTime(1)
  expect(kinds()).toEqual(['idle-timeout'])
})

test('the idle clock stands still while our own consumer does not pull', () => {
  const deadlines = create()
  deadlines.heard(true)
  vi.advanceTimersByTime(30)
  deadlines.pause()
  vi.advanceTimersByTime(500)
  deadlines.resume()
  vi.advanceTimersByTime(19)
  expect(kinds()).toEqual([])
  vi.advanceTimersByTime(1)
  expect(kinds()).toEqual(['idle-timeout'])
})

test('the total time runs on whatever comes and whoever waits', () => {
  const deadlines = create()
  deadlines.heard(true)
  deadlines.pause()
  vi.advanceTimersByTime(1000)
  expect(kinds()).toEqual(['total-timeout'])
})

test('a whole answer gives its connection a moment to close', () => {
  const deadlines = create()
  deadlines.heard(true)
  deadlines.closing()
  vi.advanceTimersByTime(250)
  expect(kinds()).toEqual(['reset'])
})

test('events do not touch the timer, and none is left behind', () => {
  const deadlines = create()
  deadlines.heard(true)
  const set = vi.spyOn(globalThis, 'setTimeout')
  for (let count = 0; count < 1000; count += 1) deadlines.heard(true)
  expect(set).not.toHaveBeenCalled()
  deadlines.stop()
  expect(vi.getTimerCount()).toBe(0)
})

test('FINDINGS X8: one that passed while our own process stood still is missed only after as long again', () => {
  const deadlines = create()
  deadlines.heard(true)
  const now = performance.now.bind(performance)
  // The clock goes on while no timer fires.
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 300)
  vi.advanceTimersByTime(50)
  expect(kinds()).toEqual([])
  deadlines.heard(true)
  vi.advanceTimersByTime(320)
  expect(kinds()).toEqual(['idle-timeout'])
})
