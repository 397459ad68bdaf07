import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { countInput, createUsageMeter } from '../../src/dialects/measure-usage.ts'

const prompt = [
  { role: 'system', parts: [{ type: 'text', text: 'ab' }] },
  {
    role: 'user',
    parts: [
      { type: 'text', text: 'cd' },
      { type: 'image', mimeType: 'image/png', base64: 'AAAA' },
    ],
  },
] as const

it('counts nothing before it is asked', async () => {
  const counted: string[] = []
  const meter = createUsageMeter({ messages: prompt }, (text) => {
    counted.push(text)
    return Promise.resolve(text.length)
  })
  meter.add({ type: 'text-delta', text: 'xyz' })
  expect(counted).toEqual([])
  expect(await meter.total()).toEqual({ prompt: 4, completion: 3, reasoning: 0 })
  expect(counted).toEqual(['xyz', 'ab', 'cd'])
})

it('lets go of a long answer part by part', async () => {
  const counted: number[] = []
  const meter = createUsageMeter({ messages: [] }, (text) => {
    counted.push(text.length)
    return Promise.resolve(text.length)
  })
  for (let index = 0; index < 100; index++) {
    meter.add({ type: 'text-delta', text: 'x'.repeat(10_000) })
  }
  expect((await meter.total()).completion).toBe(1_000_000)
  expect(Math.max(...counted)).toBeLessThan(80_000)
})

it('counts calls, their results and the definitions of tools', async () => {
  const counted: string[] = []
  const meter = createUsageMeter(
    {
      messages: [
        {
          role: 'assistant',
          parts: [],
          toolCalls: [{ id: 'c', name: 'add', argumentsText: '{"a":1}' }],
        },
        { role: 'tool', callId: 'c', parts: [{ type: 'text', text: '3' }], failed: false },
      ],
      tools: {
        definitions: [
          { name: 'add', description: 'Adds', parameters: { type: 'object' }, strict: false },
          { name: 'sub', description: undefined, parameters: {}, strict: false },
        ],
        choice: { type: 'auto' },
        parallel: true,
      },
    },
    (text) => {
      counted.push(text)
      return Promise.resolve(1)
    },
  )
  meter.add({ type: 'reasoning-delta', text: 'Hm' })
  meter.add({ type: 'tool-call-started', id: 'd', name: 'sub' })
  meter.add({ type: 'tool-call-delta', argumentsText: '{}' })
  expect(await meter.total()).toEqual({ prompt: 3, completion: 2, reasoning: 1 })
  expect(counted).toEqual(['sub{}', 'Hm', 'add {"a":1}', '3', 'add Adds {"type":"object"}\nsub  {}'])
})

it('takes what the site counted for its own count, and counts nothing', async () => {
  const countTokens = vi.fn(() => Promise.resolve(1))
  const meter = createUsageMeter({ messages: prompt }, countTokens)
  const usage = { prompt: 120, completion: 7, reasoning: 2 }
  meter.add({ type: 'text-delta', text: 'xyz' })
  meter.add({ type: 'finished', reason: 'stop', usage })
  expect(await meter.total()).toEqual(usage)
  expect(countTokens).not.toHaveBeenCalled()
})

it('counts in the background what is long, and tells of a failure only in the end', async () => {
  const counted: number[] = []
  const meter = createUsageMeter({ messages: [] }, (text) => {
    counted.push(text.length)
    return Promise.reject(new Error('no tokenizer'))
  })
  meter.add({ type: 'text-delta', text: 'x'.repeat(100_000) })
  await vi.waitFor(() => expect(counted).toEqual([100_000]))
  await expect(meter.total()).rejects.toThrow('no tokenizer')
})

it('takes the tokens of a prompt that is counted elsewhere', async () => {
  const meter = createUsageMeter(
    { messages: prompt },
    () => Promise.resolve(1),
    () => Promise.resolve(9),
  )
  meter.add({ type: 'text-delta', text: 'xyz' })
  expect(await meter.total()).toEqual({ prompt: 9, completion: 1, reasoning: 0 })
})

describe('the count of an input', () => {
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
    const input = countInput(request, { countTokens, signal: over.signal, headStartMs: 100 })
    return { input, over, countTokens }
  }

  it('suggests a number by the length while the question has its head start', async () => {
    const { input, countTokens } = begin()
    await vi.advanceTimersByTimeAsync(99)
    expect(input.soFar()).toBe(10 + 11)
    expect(countTokens).not.toHaveBeenCalled()
  })

  it('knows the number when it has counted', async () => {
    const { input, countTokens } = begin()
    await vi.advanceTimersByTimeAsync(100)
    expect(input.soFar()).toBe(14)
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
    const input = countInput(request, { countTokens, signal, headStartMs: 0 })
    await vi.advanceTimersByTimeAsync(1)
    expect(input.soFar()).toBe(21)
    await expect(input.exact()).rejects.toThrow('no tokenizer')
  })
})
