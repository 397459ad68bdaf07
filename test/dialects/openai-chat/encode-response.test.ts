import { describe, expect, it } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import { UpstreamError } from '../../../src/core/errors.ts'
import { createChoiceMeters } from '../../../src/dialects/openai-chat/choices.ts'
import {
  type ChatResponseOptions,
  encodeResponse,
} from '../../../src/dialects/openai-chat/encode-response.ts'

async function* eventsOf(batches: Iterable<ChatEventBatch>, failure?: Error) {
  yield* batches
  if (failure) throw failure
}

const batches: ChatEventBatch[] = [
  [{ type: 'reasoning-delta', text: 'Hm' }],
  [
    { type: 'text-delta', text: 'Hel' },
    { type: 'text-delta', text: 'lo' },
  ],
  [{ type: 'finished', reason: 'stop' }],
]

const options = {
  id: 'chatcmpl-1',
  created: 17,
  model: 'm',
  reasoning: 'reasoning-content',
  callStyle: 'tool-calls',
} as const

const chat = {
  model: { id: 'm', upstreamIds: { copilot: ['m'], agent: ['m'] }, mixture: false, search: false },
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'four' }] }],
} as const

const metersOf = (choices: number) =>
  createChoiceMeters(choices, chat, (words) => Promise.resolve(words.length))

function encode(events: AsyncIterable<ChatEventBatch>, changes: Partial<ChatResponseOptions> = {}) {
  return encodeResponse(() => Promise.resolve({ events }), { ...options, usage: metersOf(1), ...changes })
}

const messageOf = async (events: ChatEventBatch, changes: Partial<ChatResponseOptions> = {}) =>
  (await encode(eventsOf([events]), changes)).choices[0]

describe('encodeResponse', () => {
  it('collects an answer', async () => {
    expect(await encode(eventsOf(batches))).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 17,
      model: 'm',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello', reasoning_content: 'Hm', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: 4,
        completion_tokens: 7,
        total_tokens: 11,
        completion_tokens_details: { reasoning_tokens: 2 },
      },
    })
  })

  it('presents reasoning as the stream does', async () => {
    const tagged = await encode(eventsOf(batches), { reasoning: 'think-tags' })
    expect(tagged.choices[0]?.message).toEqual({
      role: 'assistant',
      content: '<think>Hm</think>Hello',
      refusal: null,
    })
    const hidden = await encode(eventsOf(batches), { reasoning: 'hidden' })
    expect(hidden.choices[0]?.message).toEqual({ role: 'assistant', content: 'Hello', refusal: null })
  })

  const calls: ChatEventBatch = [
    { type: 'tool-call-started', id: 'c1', name: 'add' },
    { type: 'tool-call-delta', argumentsText: '{"a":' },
    { type: 'tool-call-delta', argumentsText: '1}' },
    { type: 'finished', reason: 'tool-calls' },
  ]

  it('gives calls, and null for content without words', async () => {
    const toolCalls = [{ id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }]
    expect(await messageOf(calls)).toEqual({
      index: 0,
      message: { role: 'assistant', content: null, refusal: null, tool_calls: toolCalls },
      logprobs: null,
      finish_reason: 'tool_calls',
    })
    expect((await messageOf([{ type: 'text-delta', text: 'So' }, ...calls]))?.message).toEqual({
      role: 'assistant',
      content: 'So',
      refusal: null,
      tool_calls: toolCalls,
    })
  })

  it('answers functions in kind', async () => {
    expect(await messageOf(calls, { callStyle: 'function-call' })).toMatchObject({
      message: { content: null, function_call: { name: 'add', arguments: '{"a":1}' } },
      finish_reason: 'function_call',
    })
  })

  it('gives a refusal in the place of content', async () => {
    expect(
      await messageOf([
        { type: 'refusal', text: 'It did not fit' },
        { type: 'finished', reason: 'stop' },
      ]),
    ).toMatchObject({ message: { content: null, refusal: 'It did not fit' }, finish_reason: 'stop' })
  })

  it('asks for all choices at once; the prompt is counted once, the answers are summed', async () => {
    const all = Promise.withResolvers<void>()
    let asked = 0
    const body = await encodeResponse(
      async () => {
        asked += 1
        const own = `answer ${asked}`
        if (asked === 3) all.resolve()
        await all.promise
        return {
          events: eventsOf([[{ type: 'text-delta', text: own }], [{ type: 'finished', reason: 'stop' }]]),
        }
      },
      { ...options, usage: metersOf(3) },
    )
    expect(body.choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, 'answer 1'],
      [1, 'answer 2'],
      [2, 'answer 3'],
    ])
    expect(body.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 24, total_tokens: 28 })
  })

  it('F3: gives nothing of an answer that breaks', async () => {
    const failure = new UpstreamError('reset')
    await expect(encode(eventsOf(batches.slice(0, 2), failure))).rejects.toBe(failure)
  })

  it('fails when the answer ends without being finished', async () => {
    await expect(encode(eventsOf(batches.slice(0, 2)))).rejects.toMatchObject({ code: 'upstream_reset' })
  })

  it('cuts an answer without end, and says so', async () => {
    let left = false
    async function* endless() {
      try {
        for (;;) yield [{ type: 'text-delta', text: 'x'.repeat(1024 * 1024) }] as const
      } finally {
        left = true
      }
    }
    const body = await encode(endless())
    expect(body.choices[0]?.finish_reason).toBe('length')
    expect(left).toBe(true)
  })
})
