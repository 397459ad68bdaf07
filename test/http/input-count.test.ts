import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { beginInputCount } from '../../src/http/input-count.ts'

const request = {
  messages: [
    { role: 'system', parts: [{ type: 'text', text: 'x'.repeat(40) }] },
    { role: 'user', parts: [{ type: 'text', text: '漢'.repeat(14) }] },
  ],
} as const

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Seven tokens a text. */
function begin() {
  const over = new AbortController()
  const countTokens = vi.fn(() => Promise.resolve(7))
  const input = beginInputCount(request, { countTokens, signal: over.signal, headStartMs: 100 })
  return { input, over, countTokens }
}

it('suggests a number by the length while the question has its head start', async () => {
  const { input, countTokens } = begin()
  await vi.advanceTimersByTimeAsync(99)
  expect(await input.soFar()).toBe(10 + 11)
  expect(countTokens).not.toHaveBeenCalled()
})

it('knows the number when it has counted', async () => {
  const { input, countTokens } = begin()
  await vi.advanceTimersByTimeAsync(100)
  expect(await input.soFar()).toBe(14)
  expect(await input.exact()).toBe(14)
  expect(countTokens).toHaveBeenCalledTimes(2)
})

it('counts at once for an answer that is over before', async () => {
  const { input, countTokens } = begin()
  expect(await input.exact()).toBe(14)
  await vi.advanceTimersByTimeAsync(100)
  expect(countTokens).toHaveBeenCalledTimes(2)
})

it('counts nothing for a request that is over', async () => {
  const { over, countTokens } = begin()
  over.abort()
  await vi.advanceTimersByTimeAsync(100)
  expect(countTokens).not.toHaveBeenCalled()
})

it('leaves no failure behind when nobody asks', async () => {
  const { signal } = new AbortController()
  const countTokens = () => Promise.reject(new Error('no tokenizer'))
  const input = beginInputCount(request, { countTokens, signal, headStartMs: 0 })
  await vi.advanceTimersByTimeAsync(1)
  expect(await input.soFar()).toBe(21)
  await expect(input.exact()).rejects.toThrow('no tokenizer')
})
