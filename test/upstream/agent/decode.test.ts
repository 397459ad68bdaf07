import { expect, test } from 'vitest'
import { UpstreamError } from '../../../src/core/errors.ts'
import { dataOf, decode } from '../decode.ts'
import { fixture, fixtureText, kindOf, textOf } from '../support.ts'

const project = '6f1c0f8e-0d3b-4f0e-9a44-1b6c1a2d3e4f'
const delta = (text: string, message_id = 'M') => ({
  message_id,
  field_name: 'content',
  delta: text,
  type: 'message_field_delta',
})
const field = (field_name: string, field_value: unknown) => ({
  message_id: 'M',
  field_name,
  field_value,
  type: 'message_field',
})
const result = (content: string, message: object = {}) => ({
  message_id: 'M',
  message: { role: 'assistant', content, ...message },
  type: 'message_result',
})
const finished = { id: project, field_name: 'status', field_value: 'FINISHED', type: 'project_field' }

test('a plain answer is its project, its deltas and its end with the model that served it', async () => {
  const { events, error, unknown } = decode('agent', dataOf(await fixture('agent-plain.sse')))
  expect(error).toBeUndefined()
  expect(events).toEqual([
    { type: 'project-started', projectId: project },
    { type: 'text-delta', text: 'Grüße ' },
    { type: 'text-delta', text: 'aus 東京' },
    { type: 'text-delta', text: '! 👋🏽' },
    { type: 'text-delta', text: ' Done.' },
    { type: 'finished', reason: 'stop', servedModel: 'claude-4-5-haiku' },
  ])
  expect(unknown).toBe(0)
})

test.each([
  'agent-plain.sse',
  'agent-full-value.sse',
  'agent-message-fields.sse',
  'agent-result-only.sse',
  'agent-closed-after-result.sse',
])('%s has its text once, and its served model', async (name) => {
  const decoded = decode('agent', dataOf(await fixture(name)))
  expect(textOf(decoded)).toBe(fixtureText)
  expect(decoded.events.at(-1)).toEqual({
    type: 'finished',
    reason: 'stop',
    servedModel: 'claude-4-5-haiku',
  })
})

test('a tool turn is the words of the assistant, a paragraph a message', async () => {
  const decoded = decode('agent', dataOf(await fixture('agent-tool-turn.sse')))
  expect(textOf(decoded)).toBe('Let me look.\n\nIt is sunny.')
  expect(decoded.error).toBeUndefined()
  expect(decoded.unknown).toBe(0)
})

test('F4: a tool turn that ends before its last message is not whole', async () => {
  const data = dataOf(await fixture('agent-tool-turn.sse'))
  const untilSecondMessage = data.findIndex((line) => line.includes('"M2"'))
  expect(kindOf(decode('agent', data.slice(0, untilSecondMessage + 1)))).toBe('reset')
})

test('values that grow are one text, and so are values that are chunks', () => {
  const content = (text: string) => field('content', text)
  expect(
    textOf(decode('agent', [content('ab'), content('abc'), content('abcd'), result('abcd'), finished])),
  ).toBe('abcd')
  expect(
    textOf(decode('agent', [content('ab'), content('c'), content('ab'), result('abcab'), finished])),
  ).toBe('abcab')
  expect(
    textOf(decode('agent', [content('ab'), content('c'), content('abc'), result('abc'), finished])),
  ).toBe('abc')
})

test('a text that the model cut at its limit says so', () => {
  const decoded = decode('agent', [delta('a'), result('a', { _finish_reason: 'length' }), finished])
  expect(decoded.events.at(-1)).toEqual({ type: 'finished', reason: 'length' })
})

test('keepalives and times do not bring the answer forward', async () => {
  const { useful } = decode('agent', dataOf(await fixture('agent-plain.sse')).slice(0, 5))
  expect(useful).toEqual([true, false, false, true, true])
})

test('F15: unknown types and fields are ignored and counted', () => {
  const decoded = decode('agent', [
    { type: 'weather' },
    field('colour', 'red'),
    { ...delta('a'), colour: 'red' },
    result('a', { colour: 'red' }),
    finished,
  ])
  expect(textOf(decoded)).toBe('a')
  expect(decoded.unknown).toBe(2)
})

test('a used-up window ends an answer without text, with the time of its reset', async () => {
  const { error } = decode('agent', dataOf(await fixture('agent-limit.sse')))
  expect(kindOf({ error })).toBe('quota-spent')
  expect(error instanceof UpstreamError && error.resetAtMs).toBe(1_790_595_239_000)
})

test.each([
  ['beside an answer', 'AI Chat [5-hour limit](https://x) reached. Resets {time:1790595239}'],
  ['that is only near', 'Approaching 5-hour limit.'],
])('a window %s is no failure', (_name, message) => {
  const data = [
    field('session_state.session_limit_message', { value: message }),
    delta('a'),
    result('a'),
    finished,
  ]
  expect(textOf(decode('agent', data))).toBe('a')
  expect(kindOf(decode('agent', data))).toBeUndefined()
})

test('an error event ends the answer, before and after text', () => {
  expect(kindOf(decode('agent', [{ type: 'error' }]))).toBe('unavailable')
  expect(kindOf(decode('agent', [delta('a'), { type: 'error', message: 'boom' }]))).toBe('unavailable')
  expect(kindOf(decode('agent', [{ type: 'error', error: { message: 'Rate limit reached' } }]))).toBe(
    'rate-limited',
  )
  expect(kindOf(decode('agent', [{ type: 'error', code: 'CREDIT_EXHAUSTED' }]))).toBe('quota-spent')
})

test('F4: an end without a closing event is a reset after text, empty before', () => {
  expect(kindOf(decode('agent', [delta('a')]))).toBe('reset')
  expect(kindOf(decode('agent', []))).toBe('empty')
  expect(kindOf(decode('agent', [finished]))).toBe('empty')
  expect(kindOf(decode('agent', [finished], { bound: true }))).toBe('binding-stale')
})

const resultWith = (usage: unknown, id = 'M') => ({
  message_id: id,
  message: { id, role: 'assistant', content: 'Hello', session_state: { _llm_usage: usage } },
  type: 'message_result',
})
const lastOf = (...events: object[]) => decode('agent', [...events, finished]).events.at(-1)

test('what the site counted ends the answer', () => {
  const usage = {
    prompt_tokens: 12,
    completion_tokens: 34,
    completion_tokens_details: { reasoning_tokens: 5 },
  }
  expect(lastOf(resultWith(usage))).toMatchObject({ usage: { prompt: 12, completion: 34, reasoning: 5 } })
})

test('of several messages the figures are added up, if each has them', () => {
  const usage = { prompt_tokens: 10, completion_tokens: 3 }
  expect(lastOf(resultWith(usage, 'M1'), resultWith(usage, 'M2'))).toMatchObject({
    usage: { prompt: 20, completion: 6, reasoning: 0 },
  })
  expect(lastOf(resultWith(usage, 'M1'), resultWith({}, 'M2'))).not.toHaveProperty('usage')
  expect(lastOf(resultWith({}, 'M1'), resultWith(usage, 'M2'))).not.toHaveProperty('usage')
})

test.each([{}, undefined, { prompt_tokens: 12 }, { prompt_tokens: 12, completion_tokens: -1 }])(
  'figures that are not whole are none: %j',
  (usage) => expect(lastOf(resultWith(usage))).not.toHaveProperty('usage'),
)

test('FINDINGS U11: a message that starts without a role is the assistant’s', () => {
  const start = { message_id: 'M', type: 'message_start' }
  expect(textOf(decode('agent', [start, delta('Hello'), result('Hello'), finished]))).toBe('Hello')
})

test('FINDINGS U7: a window that is only near is used up when nothing else comes', () => {
  const { error } = decode('agent', [
    field('session_state.session_limit_message', 'Approaching 5-hour limit.'),
    finished,
  ])
  expect(error).toMatchObject({ kind: 'quota-spent', retryAfterMs: 1_800_000 })
})

test('FINDINGS U3: events that are not known are progress', () => {
  const { useful } = decode('agent', [{ type: 'agent_step', step: 1 }, field('colour', 'red')])
  expect(useful).toEqual([true, true])
})

test.each([
  ['a result', [result('Héllo 汉字 😀 end.')]],
  ['a field', [field('content', 'Héllo 汉字 😀 end.'), result('Héllo 汉字 😀 end.')]],
])('FINDINGS X7: the rest of an answer that only %s has whole is not lost', (_what, closing) => {
  const decoded = decode('agent', [delta('Héllo '), delta('汉字 '), ...closing, finished])
  expect(textOf(decoded)).toBe('Héllo 汉字 😀 end.')
  expect(textOf(decode('agent', [delta('Other'), ...closing, finished]))).toBe('Other')
})

test.each([
  ['broken JSON', '{"broken": '],
  ['null', 'null'],
  ['a word', 'hello'],
])('FINDINGS X4: one event that is %s is skipped and counted, before the text and in it', (_what, odd) => {
  const start = { id: project, type: 'project_start' }
  const events = [start, odd, delta('one '), odd, delta('two'), result('one two'), finished]
  const decoded = decode(
    'agent',
    events.map((event) => (event === odd ? odd : JSON.stringify(event))),
  )
  expect(decoded.error).toBeUndefined()
  expect(textOf(decoded)).toBe('one two')
  expect(decoded.unknown).toBe(2)
})

test('FINDINGS X4: an event with numbers of Python is read, and strings stay as they are', () => {
  const odd = JSON.stringify(delta('NaN is "Infinity"')).replace('{', '{"score":NaN,"best":-Infinity,')
  const decoded = decode('agent', [odd, JSON.stringify(finished)])
  expect(decoded.error).toBeUndefined()
  expect(textOf(decoded)).toBe('NaN is "Infinity"')
  expect(decoded.unknown).toBe(0)
})

test('FINDINGS X4: ten odd events in a row are an answer that nobody understands', () => {
  const odd = (count: number) => Array<string>(count).fill('{"broken": ')
  const good = [JSON.stringify(delta('one')), JSON.stringify(finished)]
  expect(decode('agent', [...odd(9), ...good]).error).toBeUndefined()
  expect(kindOf(decode('agent', [...odd(10), ...good]))).toBe('malformed')
  expect(kindOf(decode('agent', odd(1)))).toBe('malformed')
})
