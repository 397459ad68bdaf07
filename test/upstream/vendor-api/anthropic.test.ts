import { expect, test } from 'vitest'
import type { ChatMessage, ContentPart } from '../../../src/core/chat-request.ts'
import { createAnthropicDecoder, encodeAnthropicChat } from '../../../src/upstream/vendor-api/anthropic.ts'
import { decodeWith } from '../decode.ts'
import { chatRequest, kindOf, reasoningOf, textOf } from '../support.ts'

const textPart = (words: string): ContentPart => ({ type: 'text', text: words })
const image: ContentPart = { type: 'image', mimeType: 'image/png', base64: 'aW1n' }
const says = (role: ChatMessage['role'], ...parts: (string | ContentPart)[]): ChatMessage => ({
  role,
  parts: parts.map((part) => (typeof part === 'string' ? textPart(part) : part)),
})
const encode = (...messages: ChatMessage[]) => encodeAnthropicChat({ ...chatRequest(), messages })

test('the system is told apart, pictures and PDFs are blocks, and the whole history goes along', () => {
  const pdf: ContentPart = { type: 'file', name: 'a.pdf', mimeType: 'application/pdf', base64: 'cGRm' }
  expect(
    encode(
      says('system', 'Be brief.'),
      says('user', 'What is this?', image, pdf),
      says('assistant', 'A cat'),
      says('system', 'Be kind.'),
      says('user', 'Sure?'),
    ),
  ).toEqual({
    model: 'claude-sonnet-5',
    max_tokens: 32_000,
    stream: true,
    system: [
      { type: 'text', text: 'Be brief.' },
      { type: 'text', text: 'Be kind.' },
    ],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aW1n' } },
          { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'cGRm' } },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'A cat' }] },
      { role: 'user', content: [{ type: 'text', text: 'Sure?' }] },
    ],
  })
})

test('a chat without system has none', () => {
  expect(encode(says('user', 'Hello'))).toEqual({
    model: 'claude-sonnet-5',
    max_tokens: 32_000,
    stream: true,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  })
})

test('messages of one role in a row are one turn, also around blank and system ones', () => {
  const history = [
    says('user', 'One'),
    says('system', 'Be brief.'),
    says('assistant', ' \n'),
    says('user', '', 'two'),
    says('assistant', 'Three'),
    says('assistant', 'four'),
    says('user', 'Five'),
  ]
  const before = structuredClone(history)
  expect(encode(...history)).toMatchObject({
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'One' },
          { type: 'text', text: 'two' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Three' },
          { type: 'text', text: 'four' },
        ],
      },
      { role: 'user', content: [{ type: 'text', text: 'Five' }] },
    ],
  })
  expect(history).toEqual(before)
})

test('a turn may have any number of parts', () => {
  const many = Array.from({ length: 200_000 }, () => textPart('a'))
  const turns = encode(says('user', 'Hello'), { role: 'user', parts: many })?.messages
  expect(turns?.map(({ content }) => content.length)).toEqual([200_001])
})

test.each<[string, ChatMessage[]]>([
  ['a system alone', [says('system', 'Say hello.')]],
  ['nothing but blanks', [says('user', ' ')]],
  ['a history that begins with the answer', [says('assistant', 'Hi'), says('user', 'Hello')]],
  ['an answer to go on with', [says('user', 'Hello'), says('assistant', 'Hi')]],
  ['a picture of the assistant', [says('user', 'a'), says('assistant', image), says('user', 'b')]],
  ['a picture of the system', [says('system', image), says('user', 'a')]],
  ['a picture of a kind it does not take', [says('user', { ...image, mimeType: 'image/avif' })]],
  [
    'another file',
    [says('user', { type: 'file', name: 'a.csv', mimeType: 'text/csv', base64: 'YSxi' }, 'Read this.')],
  ],
])('there is no form for %s', (_what, messages) => {
  expect(encode(...messages)).toBeUndefined()
})

const decode = (...events: (string | object)[]) => decodeWith(createAnthropicDecoder(), events)

const start = {
  type: 'message_start',
  message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-sonnet-5-served', content: [] },
}
const blockStart = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }
const delta = (fields: object) => ({ type: 'content_block_delta', index: 0, delta: fields })
const text = (words: string) => delta({ type: 'text_delta', text: words })
const thinking = (words: string) => delta({ type: 'thinking_delta', thinking: words })
const blockStop = { type: 'content_block_stop', index: 0 }
const stopped = (stop_reason: string | null) => ({
  type: 'message_delta',
  delta: { stop_reason, stop_sequence: null },
  usage: { output_tokens: 11 },
})
const stop = { type: 'message_stop' }
const ping = { type: 'ping' }

test('thinking and text are told apart, and the model that served is named', () => {
  const decoded = decode(
    start,
    blockStart,
    ping,
    thinking('Let me '),
    thinking('think.'),
    delta({ type: 'signature_delta', signature: 'c2ln' }),
    blockStop,
    blockStart,
    text('Rate limit '),
    text('exceeded cf1'),
    blockStop,
    stopped('end_turn'),
    stop,
  )
  expect(decoded.error).toBeUndefined()
  expect(decoded.events).toEqual([
    { type: 'reasoning-delta', text: 'Let me ' },
    { type: 'reasoning-delta', text: 'think.' },
    { type: 'reasoning-delta', text: '', signature: 'c2ln' },
    { type: 'text-delta', text: 'Rate limit ' },
    { type: 'text-delta', text: 'exceeded cf1' },
    { type: 'finished', reason: 'stop', servedModel: 'claude-sonnet-5-served' },
  ])
  expect(decoded.unknown).toBe(0)
})

test.each([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['refusal', 'content-filter'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
])('stop reason %s is %s', (stopReason, reason) => {
  expect(decode(text('Hi'), stopped(stopReason), stop).events.at(-1)).toEqual({ type: 'finished', reason })
})

test('a ping brings nothing forward, and nothing counts after the end', () => {
  expect(decode(start, ping, text('Hi'), stopped('end_turn'), stop, text('more')).useful).toEqual([
    ...[true, false, true, true, true],
    false,
  ])
})

test('the message is whole with its stop reason, and broken before', () => {
  expect(decode(start, text('Hi'), stopped('end_turn')).error).toBeUndefined()
  for (const end of [[], [blockStop], [stopped(null)]]) {
    const decoded = decode(start, text('Hi'), ...end)
    expect(textOf(decoded)).toBe('Hi')
    expect(kindOf(decoded)).toBe('reset')
  }
})

test('an answer without a word is empty', () => {
  expect(kindOf(decode(start, stopped('end_turn'), stop))).toBe('empty')
})

test('unknown events and deltas are ignored and counted', () => {
  const decoded = decode(
    start,
    { type: 'content_block_glow', index: 0 },
    delta({ type: 'hum_delta', hum: 'Rate limit exceeded' }),
    { type: 'content_block_delta', index: 0 },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 7 } },
    thinking('Hm.'),
    text('Hi'),
    stopped('end_turn'),
    stop,
  )
  expect(decoded.error).toBeUndefined()
  expect([reasoningOf(decoded), textOf(decoded)]).toEqual(['Hm.', 'Hi'])
  expect(decoded.unknown).toBe(3)
})

test.each([
  ['overloaded_error', 'Overloaded', 'overloaded'],
  ['rate_limit_error', 'No.', 'rate-limited'],
  ['authentication_error', 'No.', 'signed-out'],
  ['billing_error', 'No.', 'quota-spent'],
  ['invalid_request_error', 'No.', 'bad-request'],
  ['invalid_request_error', 'insufficient credits', 'quota-spent'],
  ['request_too_large', 'No.', 'bad-request'],
  ['not_found_error', 'No.', 'malformed'],
  ['permission_error', 'No.', 'unavailable'],
  ['api_error', 'Internal server error', 'unavailable'],
  ['api_error', 'Rate limit exceeded', 'rate-limited'],
  ['glow_error', 'No.', 'unavailable'],
])('an error event of type %s that says "%s" is %s, at the beginning and later', (type, message, kind) => {
  const error = { type: 'error', error: { type, message } }
  expect(kindOf(decode(error))).toBe(kind)
  const later = decode(start, text('half'), error)
  expect(textOf(later)).toBe('half')
  expect(kindOf(later)).toBe(kind)
})

test('an error without a form is a failure too', () => {
  for (const event of [{ type: 'error' }, { error: 'oops' }, { type: 'error', error: {} }])
    expect(kindOf(decode(start, event))).toBe('unavailable')
})

const startWith = (usage: object) => ({ ...start, message: { ...start.message, usage } })
const stoppedWith = (usage?: object) => ({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage })
const usageOf = (...events: object[]) => decode(...events, stop).events.at(-1)

test('the figures of the first and the last event make the usage, the cached prompt counted in', () => {
  const first = startWith({
    input_tokens: 5,
    cache_creation_input_tokens: 20,
    cache_read_input_tokens: 300,
    output_tokens: 1,
  })
  expect(usageOf(first, text('Hi'), stoppedWith({ output_tokens: 42 }))).toMatchObject({
    usage: { prompt: 325, completion: 42, reasoning: 0 },
  })
})

test.each([
  ['no figures at all', start, stoppedWith()],
  ['none of the prompt', startWith({}), stoppedWith({ output_tokens: 42 })],
  ['none of the answer', startWith({ input_tokens: 5, output_tokens: 1 }), stoppedWith()],
  ['a figure that is no number', startWith({ input_tokens: '5' }), stoppedWith({ output_tokens: 42 })],
])('without both figures there is no usage: %s', (_what, first, last) => {
  expect(usageOf(first, text('Hi'), last)).not.toHaveProperty('usage')
})
