import fc from 'fast-check'
import type OpenAI from 'openai'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import {
  InvalidRequestError,
  type ServiceError,
  UnavailableError,
  UpstreamError,
} from '../../../src/core/errors.ts'
import {
  createResponseStreamEncoder,
  type EncodeResponseOptions,
  encodeResponse,
} from '../../../src/dialects/openai-responses/encode-response.ts'
import type { DeltaHead, WholeEvent } from '../../../src/dialects/openai-responses/response-events.ts'
import type { ResponseObject } from '../../../src/dialects/openai-responses/response-object.ts'
import { call, finished, text, reasoning as thought } from '../../support/chat-events.ts'
import { encodeAll } from '../support.ts'
import { answerOf, encodeOptions, hex, responseBody } from './support.ts'

type WireEvent = { readonly type: string; readonly [field: string]: unknown }

/** Every event is `event: TYPE` and `data: JSON`, and they are numbered from 0 on. */
function eventsIn(stream: string): WireEvent[] {
  const frames = stream.split('\n\n')
  expect(frames.pop()).toBe('')
  return frames
    .filter((frame) => !frame.startsWith(':'))
    .map((frame, index) => {
      const [, type, data = ''] = /^event: (.+)\ndata: (.+)$/.exec(frame) ?? []
      const { sequence_number, ...event }: WireEvent = JSON.parse(data)
      expect(event.type).toBe(type)
      expect(sequence_number).toBe(index)
      return event
    })
}

const createEncoder = (changes: Partial<EncodeResponseOptions> = {}) =>
  createResponseStreamEncoder(encodeOptions(changes))

const writesOf = (batches: readonly ChatEventBatch[], changes: Partial<EncodeResponseOptions> = {}) =>
  encodeAll(createEncoder(changes), batches)

const tell = async (batches: readonly ChatEventBatch[], changes: Partial<EncodeResponseOptions> = {}) =>
  eventsIn((await writesOf(batches, changes)).join(''))

/** What the client has when its answer breaks: the events, then the last words. */
function tellBroken(batches: readonly ChatEventBatch[], error: ServiceError) {
  const encoder = createEncoder()
  const stream = batches.map((batch) => encoder.encode(batch)).join('')
  return eventsIn(stream + encoder.encodeError(error))
}

const inProgress = responseBody({})
const usage = (output: number, reasoning = 0) => ({
  input_tokens: 4,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: output,
  output_tokens_details: { reasoning_tokens: reasoning },
  total_tokens: 4 + output,
})
const begin = [
  { type: 'response.created', response: inProgress },
  { type: 'response.in_progress', response: inProgress },
]
const completed = (fields: object) => ({
  type: 'response.completed',
  response: responseBody({ status: 'completed', completed_at: 1_700_000_009, ...fields }),
})

describe('createResponseStreamEncoder', () => {
  it('tells a plain answer in the full order, one write a read', async () => {
    const writes = await writesOf([[text('Hel'), text('lo')], [text('!')], [finished]])
    expect(writes).toHaveLength(4)
    const item_id = `msg_${hex}00`
    const place = { item_id, output_index: 0, content_index: 0 }
    const part = { type: 'output_text', text: 'Hello!', annotations: [], logprobs: [] }
    const item = { type: 'message', id: item_id, status: 'completed', role: 'assistant', content: [part] }
    const delta = (words: string) => ({
      type: 'response.output_text.delta',
      ...place,
      logprobs: [],
      delta: words,
    })
    expect(eventsIn(writes.join(''))).toEqual([
      ...begin,
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { ...item, status: 'in_progress', content: [] },
      },
      { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
      delta('Hel'),
      delta('lo'),
      delta('!'),
      { type: 'response.output_text.done', ...place, text: 'Hello!', logprobs: [] },
      { type: 'response.content_part.done', ...place, part },
      { type: 'response.output_item.done', output_index: 0, item },
      completed({ output: [item], usage: usage(6) }),
    ])
  })

  it('tells reasoning, a text and two calls as four items, one after the other', async () => {
    const events = await tell([
      [thought('Hm'), thought('m')],
      [text('Look:')],
      [...call('weather', '{"city":', '"Oslo"}'), ...call('time', '{}')],
      [{ type: 'finished', reason: 'tool-calls' }],
    ])
    const reasoning = { type: 'reasoning', id: `rs_${hex}00`, summary: [] }
    const summary = { type: 'summary_text', text: 'Hmm' }
    const thinking = { item_id: `rs_${hex}00`, output_index: 0, summary_index: 0 }
    const weather = {
      type: 'function_call',
      id: `fc_${hex}02`,
      call_id: 'call_weather',
      name: 'weather',
      arguments: '{"city":"Oslo"}',
      status: 'completed',
    }
    const calling = { item_id: `fc_${hex}02`, output_index: 2 }
    expect(events.slice(2, 9)).toEqual([
      { type: 'response.output_item.added', output_index: 0, item: reasoning },
      { type: 'response.reasoning_summary_part.added', ...thinking, part: { ...summary, text: '' } },
      { type: 'response.reasoning_summary_text.delta', ...thinking, delta: 'Hm' },
      { type: 'response.reasoning_summary_text.delta', ...thinking, delta: 'm' },
      { type: 'response.reasoning_summary_text.done', ...thinking, text: 'Hmm' },
      { type: 'response.reasoning_summary_part.done', ...thinking, part: summary },
      { type: 'response.output_item.done', output_index: 0, item: { ...reasoning, summary: [summary] } },
    ])
    const fromCall = events.findIndex(({ item }) => (item as { id?: string })?.id === weather.id)
    expect(events.slice(fromCall, fromCall + 5)).toEqual([
      {
        type: 'response.output_item.added',
        output_index: 2,
        item: { ...weather, arguments: '', status: 'in_progress' },
      },
      { type: 'response.function_call_arguments.delta', ...calling, delta: '{"city":' },
      { type: 'response.function_call_arguments.delta', ...calling, delta: '"Oslo"}' },
      { type: 'response.function_call_arguments.done', ...calling, arguments: '{"city":"Oslo"}' },
      { type: 'response.output_item.done', output_index: 2, item: weather },
    ])
    expect(events.at(-1)).toMatchObject({
      type: 'response.completed',
      response: {
        output: [
          { type: 'reasoning' },
          { type: 'message' },
          weather,
          { call_id: 'call_time', id: `fc_${hex}03` },
        ],
        usage: { output_tokens_details: { reasoning_tokens: 3 } },
      },
    })
  })

  it('gives a tool of free text its input, not the argument in which the model wrote it', async () => {
    const events = await tell(
      [
        [...call('apply_patch', '{"inp', 'ut":"*** \\"Begin\\"\\n"}')],
        [{ type: 'finished', reason: 'tool-calls' }],
      ],
      { toolForms: new Map([['apply_patch', { kind: 'custom', name: 'apply_patch' }]]) },
    )
    const item = {
      type: 'custom_tool_call',
      id: `ctc_${hex}00`,
      call_id: 'call_apply_patch',
      name: 'apply_patch',
      input: '*** "Begin"\n',
      status: 'completed',
    }
    const place = { item_id: item.id, output_index: 0 }
    expect(events.slice(2, -1)).toEqual([
      {
        type: 'response.output_item.added',
        output_index: 0,
        item: { ...item, input: '', status: 'in_progress' },
      },
      { type: 'response.custom_tool_call_input.delta', ...place, delta: item.input },
      { type: 'response.custom_tool_call_input.done', ...place, input: item.input },
      { type: 'response.output_item.done', output_index: 0, item },
    ])
  })

  it('tells a refusal in a part of its own, behind what was said', async () => {
    const events = await tell([[text('Well'), { type: 'refusal', text: 'No.' }], [finished]])
    const place = { item_id: `msg_${hex}00`, output_index: 0, content_index: 1 }
    expect(events.slice(7, -2)).toEqual([
      { type: 'response.content_part.added', ...place, part: { type: 'refusal', refusal: '' } },
      { type: 'response.refusal.delta', ...place, delta: 'No.' },
      { type: 'response.refusal.done', ...place, refusal: 'No.' },
      { type: 'response.content_part.done', ...place, part: { type: 'refusal', refusal: 'No.' } },
    ])
    expect(events.at(-1)).toMatchObject({
      type: 'response.completed',
      response: { output: [{ content: [{ text: 'Well' }, { refusal: 'No.' }] }] },
    })
  })

  it('ends an answer that hit its limit as incomplete', async () => {
    const events = await tell([[text('Hel')], [{ type: 'finished', reason: 'length' }]])
    expect(events.at(-2)).toMatchObject({
      type: 'response.output_item.done',
      item: { status: 'incomplete', content: [{ text: 'Hel' }] },
    })
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: {
        status: 'incomplete',
        completed_at: null,
        incomplete_details: { reason: 'max_output_tokens' },
        output: [{ status: 'incomplete' }],
        usage: usage(3),
      },
    })
  })

  it('leaves a call whole that came before the limit', async () => {
    const events = await tell([[...call('time', '{}')], [{ type: 'finished', reason: 'length' }]])
    expect(events.at(-1)).toMatchObject({
      response: { status: 'incomplete', output: [{ status: 'completed', arguments: '{}' }] },
    })
  })

  it('leaves hidden reasoning out and counts it', async () => {
    const events = await tell([[thought('Hm')], [text('Hi'), thought('Hm'), text('!')], [finished]], {
      reasoningHidden: true,
    })
    expect(JSON.stringify(events)).not.toContain('Hm')
    expect(events.at(-1)).toMatchObject({
      response: { output: [{ content: [{ text: 'Hi!' }] }], usage: usage(7, 4) },
    })
    const plain = await tell([[text('Hi'), text('!')], [finished]])
    expect(events.map(({ type }) => type)).toEqual(plain.map(({ type }) => type))
  })

  it('keeps the response before the client hears of its end', async () => {
    const heard: string[] = []
    const encoder = createEncoder({
      keep: async (response, encoded) => {
        expect(heard.join('')).not.toContain('response.completed')
        expect(JSON.parse(encoded())).toEqual(response)
        heard.push(`kept ${response.status}`)
      },
    })
    heard.push(encoder.encode([text('Hi')]), encoder.encode([finished]))
    heard.push(await encoder.end())
    expect(heard.at(-2)).toBe('kept completed')
    expect(heard.at(-1)).toContain('event: response.completed')
  })

  it('writes progress as comments', async () => {
    const writes = await writesOf([[{ type: 'progress', done: 1, tasks: 2 }], [text('Hi'), finished]])
    expect(writes[0]?.endsWith('}\n\n: progress 1/2\n\n')).toBe(true)
  })

  describe('an answer that breaks', () => {
    it('is told as an error and as a failed response, without the item that is not whole', async () => {
      const events = await tellBroken([[...call('time', '{}'), text('Hel')]], new UpstreamError('reset'))
      const message = 'Connection closed by Genspark before the answer was whole.'
      expect(events.slice(-2)).toMatchObject([
        { type: 'error', code: 'upstream_reset', message, param: null },
        {
          type: 'response.failed',
          response: {
            status: 'failed',
            error: { code: 'server_error', message },
            output: [{ type: 'function_call', status: 'completed' }],
            usage: null,
          },
        },
      ])
      expect(events.filter(({ type }) => type === 'response.output_item.done')).toHaveLength(1)
    })

    it('begins before it fails when nothing has come yet', async () => {
      const encoder = createEncoder()
      const events = eventsIn(encoder.encodeError(new UpstreamError('overloaded')))
      expect(events.map(({ type }) => type)).toEqual([
        'response.created',
        'response.in_progress',
        'error',
        'response.failed',
      ])
    })

    it('tells Codex when to come back (CLIENTS 11)', async () => {
      const error = new UnavailableError('all_accounts_cooling', { retryAfterMs: 1200 })
      expect((await tellBroken([[text('a')]], error)).at(-1)).toMatchObject({
        response: {
          error: {
            code: 'rate_limit_exceeded',
            message: 'All cookies are temporarily unavailable. Please try again in 2s.',
          },
        },
      })
    })

    it('is not to be repeated when the caller is at fault', async () => {
      const error = new InvalidRequestError('image_fetch_failed', { param: 'input[0].content[0].image_url' })
      expect((await tellBroken([[text('a')]], error)).slice(-2)).toMatchObject([
        { type: 'error', code: 'image_fetch_failed', param: 'input[0].content[0].image_url' },
        { response: { error: { code: 'invalid_prompt' } } },
      ])
    })

    it('is one that ends without its end', async () => {
      await expect(writesOf([[text('Hel')]])).rejects.toMatchObject({ kind: 'reset' })
    })
  })

  it('keeps the lines of deltas under 16 KiB and the text whole, whatever it is (CLIENTS rule 7)', async () => {
    const unit = fc.constantFrom('😀', '漢', 'a', '\u0000', '"', '\u2028', '\ud800')
    const longText = fc
      .array(unit, { minLength: 1, maxLength: 8 })
      .chain((units) => fc.nat(5000).map((length) => units.join('').repeat(length).slice(0, 12_000)))
    await fc.assert(
      fc.asyncProperty(longText, async (words) => {
        const stream = (await writesOf([[text('a'), text(words)], [thought(words)], [finished]])).join('')
        expect(stream).not.toMatch(/[\u0085\u2028\u2029]/)
        const lines = stream.split('\n').filter((line) => line.includes('.delta","'))
        expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(16 * 1024)
        const deltas = eventsIn(stream).filter(({ type }) => type === 'response.output_text.delta')
        expect(deltas.map(({ delta }) => delta).join('')).toBe(`a${words}`)
      }),
      { numRuns: 20 },
    )
  })

  it('cuts an answer that no client could hold, and drops the call that the cut halves', async () => {
    const long = 'x'.repeat(1024 * 1024)
    const endless = function* () {
      yield [text('Hi'), ...call('time', '{"a":"')]
      for (;;) yield [{ type: 'tool-call-delta', argumentsText: long }] as const
    }
    const last = (await encodeAll(createEncoder(), endless())).at(-1) ?? ''
    const data = last.split('data: ').at(-1) ?? ''
    expect(JSON.parse(data)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', output: [{ type: 'message' }] },
    })
  })
})

type RequiredKeys<T> = { [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? never : K }[keyof T]
type SdkEvent = OpenAI.Responses.ResponseStreamEvent
type Emitted = WholeEvent | DeltaHead
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
    expectTypeOf<Exclude<Emitted['type'], SdkEvent['type']>>().toEqualTypeOf<never>()
    expectTypeOf<MissingIn<Emitted>>().toEqualTypeOf<'sequence_number' | 'delta'>()
  })
})
