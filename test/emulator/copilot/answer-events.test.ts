import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../emulator.ts'
import { normalised } from '../normalise-stream.ts'
import { askCopilot, copilotBody } from '../raw-request.ts'
import type { AnswerScenario } from '../scenario.ts'

let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterAll(() => emulator.close())

const bodyFor = (models: string[], search = false) => ({
  ...copilotBody,
  extra_data: { ...copilotBody.extra_data, models, request_web_knowledge: search },
})

async function streamOf(
  scenario: Omit<AnswerScenario, 'type'>,
  body: unknown = copilotBody,
): Promise<string> {
  emulator.answerWith({ type: 'answer', chunks: ['Hel', 'lo'], ...scenario })
  const reply = await askCopilot(emulator.url, body)
  expect(reply.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  expect(emulator.violations).toEqual([])
  return normalised(reply.body.toString())
}

/** The lines between `project_start` and the closing events. */
async function middleOf(scenario: Omit<AnswerScenario, 'type'>, body?: unknown): Promise<string[]> {
  const lines = (await streamOf(scenario, body)).split('\n\n')
  return lines.slice(
    1,
    lines.findIndex((line) => line.includes('session_state.answer_is_finished')),
  )
}

test('a plain answer is that of WIRE 4.7, byte for byte', async () => {
  expect(await streamOf({})).toBe(
    `data: {"id": "ID1", "type": "project_start"}

data: {"message_id": "ID2", "field_name": "session_state", "field_value": {"models": ["gpt-4o"], "layers": 1}, "type": "message_field"}

data: {"message_id": "ID2", "field_name": "session_state.answer", "delta": "Hel", "type": "message_field_delta"}

data: {"message_id": "ID2", "field_name": "session_state.answer", "delta": "lo", "type": "message_field_delta"}

data: {"message_id": "ID2", "field_name": "session_state.answer_is_finished", "field_value": true, "type": "message_field"}

data: {"message_id": "ID2", "field_name": "content", "field_value": "Hello", "type": "message_field"}

data: {"message_id": "ID2", "field_name": "_updatetime", "field_value": "2025-03-04 10:11:12", "type": "message_field"}

data: {"id": "ID1", "field_name": "name", "field_value": "Greeting", "type": "project_field"}

data: {"id": "ID2", "role": "assistant", "content": "Hello", "action": null, "recommend_actions": null, "is_prompt": false, "render_template": null, "session_state": {"answer": "Hello", "answer_is_finished": true}, "message_type": null, "type": "message_result"}

`,
  )
})

test('thinking comes before the answer, between its two flags', async () => {
  expect(await middleOf({ thinking: ['Hm', 'm.'], chunks: ['Hi'] })).toEqual([
    'data: {"message_id": "ID2", "field_name": "session_state", "field_value": {"models": ["gpt-4o"], "layers": 1}, "type": "message_field"}',
    'data: {"message_id": "ID2", "field_name": "session_state.answerthink_is_started", "field_value": true, "type": "message_field"}',
    'data: {"message_id": "ID2", "field_name": "session_state.answerthink", "delta": "Hm", "type": "message_field_delta"}',
    'data: {"message_id": "ID2", "field_name": "session_state.answerthink", "delta": "m.", "type": "message_field_delta"}',
    'data: {"message_id": "ID2", "field_name": "session_state.answerthink_is_finished", "field_value": true, "type": "message_field"}',
    'data: {"message_id": "ID2", "field_name": "session_state.answer", "delta": "Hi", "type": "message_field_delta"}',
  ])
})

test('a search answer comes as detail answer and mind map', async () => {
  const lines = await middleOf({ chunks: ['Hi'], markmap: ['# Map'] }, bodyFor(['gpt-4o'], true))
  expect(lines.slice(1)).toEqual([
    'data: {"message_id": "ID2", "field_name": "session_state.streaming_detail_answer_0", "delta": "Hi", "type": "message_field_delta"}',
    'data: {"message_id": "ID2", "field_name": "session_state.streaming_markmap", "delta": "# Map", "type": "message_field_delta"}',
  ])
})

test('o1 answers in one whole value', async () => {
  expect((await middleOf({}, bodyFor(['o1']))).slice(1)).toEqual([
    'data: {"message_id": "ID2", "field_name": "session_state.answer", "field_value": "Hello", "type": "message_field"}',
  ])
})

test('o1 with search answers in a JSON string', async () => {
  const stream = await streamOf({}, bodyFor(['o1'], true))
  expect(stream).toContain(String.raw`"content": "{\"detailAnswer\":\"Hello\"}", "action": null`)
  expect(stream).not.toContain('"delta"')
})

test('a mixture shows a draft of each model first', async () => {
  const lines = await middleOf({ chunks: ['Hi'] }, bodyFor(['gpt-5', 'claude-sonnet-4']))
  expect(lines).toEqual([
    'data: {"message_id": "ID2", "field_name": "session_state", "field_value": {"models": ["gpt-5", "claude-sonnet-4"], "layers": 2}, "type": "message_field"}',
    'data: {"message_id": "ID2", "field_name": "session_state.layer_1_answer_0", "delta": "Canned draft of gpt-5.", "type": "message_field_delta"}',
    'data: {"message_id": "ID2", "field_name": "session_state.layer_1_answer_1", "delta": "Canned draft of claude-sonnet-4.", "type": "message_field_delta"}',
    'data: {"message_id": "ID2", "field_name": "session_state.answer", "delta": "Hi", "type": "message_field_delta"}',
  ])
})

test('nothing but the result carries the text when the scenario says so', async () => {
  const stream = await streamOf({ carrier: 'result-only' })
  expect(stream).not.toContain('"field_name": "session_state.answer",')
  expect(stream).toContain('"role": "assistant", "content": "Hello"')
})

test('without its final event the stream ends cleanly after the name', async () => {
  const stream = await streamOf({ withoutFinal: true })
  expect(stream.endsWith('"field_value": "Greeting", "type": "project_field"}\n\n')).toBe(true)
})
