import { expect, it } from 'vitest'
import { createUsageMeter } from '../../../src/dialects/openai-chat/measure-usage.ts'

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
  const meter = createUsageMeter(prompt, (text) => {
    counted.push(text)
    return Promise.resolve(text.length)
  })
  meter.add({ type: 'text-delta', text: 'xyz' })
  expect(counted).toEqual([])
  expect(await meter.total()).toMatchObject({ prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 })
  expect(counted).toEqual(['xyz', 'ab', 'cd'])
})

it('lets go of a long answer part by part', async () => {
  const counted: number[] = []
  const meter = createUsageMeter([], (text) => {
    counted.push(text.length)
    return Promise.resolve(text.length)
  })
  for (let index = 0; index < 100; index++) {
    meter.add({ type: 'text-delta', text: 'x'.repeat(10_000) })
    if (meter.isFull()) await meter.count()
  }
  expect((await meter.total()).completion_tokens).toBe(1_000_000)
  expect(Math.max(...counted)).toBeLessThan(80_000)
})
