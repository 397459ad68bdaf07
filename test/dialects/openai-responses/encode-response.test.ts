import type OpenAI from 'openai'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { UpstreamError } from '../../../src/core/errors.ts'
import { encodeResponse } from '../../../src/dialects/openai-responses/encode-response.ts'
import type { DeltaHead, WholeEvent } from '../../../src/dialects/openai-responses/response-events.ts'
import type { ResponseObject } from '../../../src/dialects/openai-responses/response-object.ts'
import { call, finished, text, reasoning as thought } from '../../support/chat-events.ts'
import { answerOf, encodeOptions, hex, responseBody } from './support.ts'

type RequiredKeys<T> = { [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? never : K }[keyof T]
type SdkEvent = OpenAI.Responses.ResponseStreamEvent
type Told = WholeEvent | DeltaHead
type MissingIn<E extends { readonly type: string }> = E extends unknown
  ? Exclude<RequiredKeys<Extract<SdkEvent, { type: E['type'] }>>, keyof E>
  : never

describe('encodeResponse', () => {
  it('has every field of a response, and the output in order', async () => {
    const batches = [[thought('Hm')], [text('Hel'), text('lo')], call('time', '{}'), [finished]]
    expect(await encodeResponse(answerOf(batches), encodeOptions())).toEqual(
      responseBody({
        status: 'completed',
        completed_at: 1_700_000_009,
        output: [
          { type: 'reasoning', id: `rs_${hex}00`, summary: [{ type: 'summary_text', text: 'Hm' }] },
          {
            type: 'message',
            id: `msg_${hex}01`,
            status: 'completed',
            role: 'assistant',
            content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }],
          },
          {
            type: 'function_call',
            id: `fc_${hex}02`,
            call_id: 'call_time',
            name: 'time',
            arguments: '{}',
            status: 'completed',
          },
        ],
        usage: {
          input_tokens: 4,
          input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
          output_tokens: 13,
          output_tokens_details: { reasoning_tokens: 2 },
          total_tokens: 17,
        },
      }),
    )
  })

  it('keeps what it answers with', async () => {
    const kept: ResponseObject[] = []
    const options = encodeOptions({
      keep: (response) => {
        kept.push(response)
        return Promise.resolve()
      },
    })
    expect([await encodeResponse(answerOf([[text('Hi')], [finished]]), options)]).toEqual(kept)
  })

  it('gives nothing of an answer that breaks, and keeps nothing', async () => {
    const options = encodeOptions({ keep: () => Promise.reject(new Error('kept')) })
    const reset = new UpstreamError('reset')
    await expect(encodeResponse(answerOf([[text('Hi')]], reset), options)).rejects.toBe(reset)
    await expect(encodeResponse(answerOf([[text('Hi')]]), options)).rejects.toMatchObject({ kind: 'reset' })
  })

  it('lacks nothing that the types of the SDK demand, but what is added where it is read or written', () => {
    type MissingFields = Exclude<RequiredKeys<OpenAI.Responses.Response>, keyof ResponseObject>
    expectTypeOf<MissingFields>().toEqualTypeOf<'output_text'>()
    expectTypeOf<Exclude<Told['type'], SdkEvent['type']>>().toEqualTypeOf<never>()
    expectTypeOf<MissingIn<Told>>().toEqualTypeOf<'sequence_number' | 'delta'>()
  })
})
