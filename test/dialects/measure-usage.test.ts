import { expect, it } from 'vitest'
import { createUsageMeter } from '../../src/dialects/measure-usage.ts'

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
