import { expect, test } from 'vitest'
import { decodeAnthropicEvent } from '../../../src/upstream/vendor-api/decode-anthropic-chat.ts'
import { decodeWith } from '../decode.ts'
import { kindOf, reasoningOf, textOf } from '../support.ts'

const decode = (...events: (string | object)[]) => decodeWith(decodeAnthropicEvent, events)

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
    { type: 'text-delta', text: 'Rate limit ' },
    { type: 'text-delta', text: 'exceeded cf1' },
    { type: 'finished', reason: 'stop', servedModel: 'claude-sonnet-5-served' },
  ])
  expect(decoded.unknown).toBe(0)
})

test.each([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['refusal', 'stop'],
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
  expect(kindOf(decode(start, stopped('refusal'), stop))).toBe('empty')
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
