import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createImageTurns } from '../../src/accounts/image-turns.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

it('FINDINGS A8: images of one account are 35 s apart while another can make them', () => {
  const turns = createImageTurns()
  const next = (open?: readonly string[]) => {
    const account = turns.preferred(['a', 'b', 'c'], open)?.[0] ?? 'a'
    turns.chosen(account)
    return account
  }
  expect(next()).toBe('a')
  vi.advanceTimersByTime(1_000)
  expect(next(['a', 'c'])).toBe('c')
  expect(next()).toBe('b')
  // None has rested: the one that has rested longest.
  expect(next(['b'])).toBe('a')
  vi.advanceTimersByTime(35_000)
  expect(next(['b'])).toBe('b')
})

it('FINDINGS A8: a single account waits for nobody', () => {
  const turns = createImageTurns()
  turns.chosen('a')
  expect(turns.preferred(['a'])).toBeUndefined()
})
