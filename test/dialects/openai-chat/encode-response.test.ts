import { describe, expect, it } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import { UpstreamError } from '../../../src/core/errors.ts'
import { encodeResponse } from '../../../src/dialects/openai-chat/encode-response.ts'
import { createUsageMeter } from '../../../src/dialects/openai-chat/measure-usage.ts'
import type { ReasoningFormat } from '../../../src/dialects/openai-chat/present-reasoning.ts'

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

function encode(events: AsyncIterable<ChatEventBatch>, reasoning: ReasoningFormat = 'reasoning-content') {
  const messages = [{ role: 'user', parts: [{ type: 'text', text: 'four' }] }] as const
  const usage = createUsageMeter(messages, (words) => Promise.resolve(words.length))
  return encodeResponse(Promise.resolve({ events }), {
    id: 'chatcmpl-1',
    created: 17,
    model: 'm',
    reasoning,
    usage,
  })
}

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
    const tagged = await encode(eventsOf(batches), 'think-tags')
    expect(tagged.choices[0]?.message).toEqual({
      role: 'assistant',
      content: '<think>Hm</think>Hello',
      refusal: null,
    })
    const hidden = await encode(eventsOf(batches), 'hidden')
    expect(hidden.choices[0]?.message).toEqual({ role: 'assistant', content: 'Hello', refusal: null })
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
