import { expect, test } from 'vitest'
import { dataOf, decode } from '../decode.ts'
import { fixture, fixtureText, kindOf, reasoningOf, textOf } from '../support.ts'

const project = '6f1c0f8e-0d3b-4f0e-9a44-1b6c1a2d3e4f'
const start = { id: project, type: 'project_start' }
const delta = (field_name: string, text: string) => ({ field_name, delta: text, type: 'message_field_delta' })
const field = (field_name: string, field_value: unknown) => ({
  field_name,
  field_value,
  type: 'message_field',
})
const result = (content: string, session_state: object | null = null) => ({
  id: 'm-1',
  role: 'assistant',
  content,
  session_state,
  type: 'message_result',
})

test('a plain answer is its project, its deltas and its end', async () => {
  const { events, error, unknown } = decode('copilot', dataOf(await fixture('copilot-plain.sse')))
  expect(error).toBeUndefined()
  expect(events).toEqual([
    { type: 'project-started', projectId: project },
    { type: 'text-delta', text: 'Grüße ' },
    { type: 'text-delta', text: 'aus 東京' },
    { type: 'text-delta', text: '! 👋🏽' },
    { type: 'text-delta', text: ' Done.' },
    { type: 'finished', reason: 'stop' },
  ])
  expect(unknown).toBe(0)
})

test.each([
  'copilot-plain.sse',
  'copilot-full-value.sse',
  'copilot-deltas-then-full-value.sse',
  'copilot-result-only.sse',
])('%s has its text once', async (name) => {
  expect(textOf(decode('copilot', dataOf(await fixture(name))))).toBe(fixtureText)
})

test('thinking comes as reasoning before the text', async () => {
  const decoded = decode('copilot', dataOf(await fixture('copilot-thinking.sse')))
  expect(reasoningOf(decoded)).toBe('Let me think.')
  expect(textOf(decoded)).toBe(fixtureText)
  expect(decoded.unknown).toBe(0)
})

test('the drafts of a mixture come as reasoning, as deltas or as a value', async () => {
  const decoded = decode('copilot', dataOf(await fixture('copilot-mixture.sse')))
  expect(reasoningOf(decoded)).toBe('draft onedraft two')
  expect(textOf(decoded)).toBe(fixtureText)
})

test('a search answer is its detail answer and its mind map', async () => {
  const decoded = decode('copilot', dataOf(await fixture('copilot-search.sse')), { search: true })
  expect(textOf(decoded)).toBe('Rain today.\n# Weather')
})

test('a search answer that comes as JSON is its detail answer; without search JSON stays JSON', async () => {
  const data = dataOf(await fixture('copilot-search-json.sse'))
  expect(textOf(decode('copilot', data, { search: true }))).toBe('Rain today.')
  expect(textOf(decode('copilot', data))).toBe('{"detailAnswer": "Rain today."}')
})

test('a search answer that is no such JSON is taken as it is', () => {
  expect(textOf(decode('copilot', [start, result('{"a": 1}')], { search: true }))).toBe('{"a": 1}')
})

test('nothing after the closing event counts', () => {
  const decoded = decode('copilot', [
    start,
    delta('session_state.answer', 'a'),
    result('a'),
    delta('session_state.answer', 'b'),
    'not JSON',
  ])
  expect(textOf(decoded)).toBe('a')
  expect(decoded.error).toBeUndefined()
})

test('F15: unknown types and fields are ignored and counted', () => {
  const decoded = decode('copilot', [
    start,
    { type: 'weather', id: 'x' },
    field('session_state.colour', 'red'),
    delta('session_state.shape', 'round'),
    { type: 7 },
    {},
    { ...delta('session_state.answer', 'a'), colour: 'red' },
    result('a'),
  ])
  expect(textOf(decoded)).toBe('a')
  expect(decoded.unknown).toBe(5)
})

test('known fields with values of an unknown kind are ignored', () => {
  const decoded = decode('copilot', [
    field('session_state.answer', { text: 'x' }),
    { ...delta('session_state.answer', ''), delta: 5 },
    field('session_state', true),
    delta('session_state.answer', 'a'),
    result('a'),
  ])
  expect(textOf(decoded)).toBe('a')
  expect(decoded.unknown).toBe(0)
})

test('F4: an end without the closing event is a reset after text, empty before', () => {
  expect(kindOf(decode('copilot', [start, delta('session_state.answer', 'a')]))).toBe('reset')
  expect(kindOf(decode('copilot', [start]))).toBe('empty')
  expect(kindOf(decode('copilot', []))).toBe('empty')
})

test('an answer without text is empty, in a chat that went on the binding is stale', () => {
  expect(kindOf(decode('copilot', [start, result('')]))).toBe('empty')
  expect(kindOf(decode('copilot', [start, result('')], { bound: true }))).toBe('binding-stale')
})

test('event data that is not JSON is malformed, an end mark is not', () => {
  expect(kindOf(decode('copilot', [start, '{"type": "message_fi']))).toBe('malformed')
  expect(
    kindOf(decode('copilot', [start, delta('session_state.answer', 'a'), result('a'), '[DONE]'])),
  ).toBeUndefined()
})

test('FINDINGS X7: the rest of an answer that only its result has whole is not lost', () => {
  const decoded = decode('copilot', [start, delta('session_state.answer', 'Half '), result('Half and half')])
  expect(textOf(decoded)).toBe('Half and half')
})
