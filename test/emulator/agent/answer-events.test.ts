import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../emulator.ts'
import { normalised } from '../normalise-stream.ts'
import { agentBody, askAgent } from '../raw-request.ts'
import type { AnswerScenario } from '../scenario.ts'

let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterAll(() => emulator.close())

async function streamOf(scenario: Omit<AnswerScenario, 'type'>, body: unknown = agentBody): Promise<string> {
  emulator.answerWith({ type: 'answer', chunks: ['Hel', 'lo'], ...scenario })
  const reply = await askAgent(emulator.url, body)
  expect(reply.headers['content-type']).toBe('text/event-stream; charset=utf-8')
  expect(emulator.violations).toEqual([])
  return normalised(reply.body.toString())
}

/** Each event as `type` or `type field_name`. */
async function outlineOf(scenario: Omit<AnswerScenario, 'type'>, body?: unknown): Promise<string[]> {
  const lines = (await streamOf(scenario, body)).split('\n\n').slice(0, -1)
  return lines.map((line) => {
    const { type, field_name } = JSON.parse(line.slice('data: '.length))
    return field_name ? `${type} ${field_name}` : type
  })
}

test('a plain answer is that of WIRE 5.4, byte for byte', async () => {
  expect(await streamOf({})).toBe(
    `data: {"id": "ID1", "type": "project_start", "_event_index": 0}

data: {"type": "agent_notification", "notification": "keepalive", "_event_index": 1}

data: {"message_id": "ID1", "field_name": "_updatetime", "field_value": "2026-04-02T14:30:45.000000", "type": "message_field", "_event_index": 2}

data: {"message_id": "ID2", "role": "assistant", "project_id": "ID1", "tool_call_id": null, "type": "message_start", "_event_index": 3}

data: {"message_id": "ID2", "field_name": "content", "delta": "Hel", "project_id": "ID1", "type": "message_field_delta", "_event_index": 4}

data: {"message_id": "ID2", "field_name": "content", "delta": "lo", "project_id": "ID1", "type": "message_field_delta", "_event_index": 5}

data: {"message_id": "ID2", "field_name": "content", "field_value": "Hello", "project_id": "ID1", "type": "message_field", "_event_index": 6}

data: {"message_id": "ID2", "message": {"id": "ID2", "role": "assistant", "content": "Hello", "_llm_model": "claude-4-5-haiku", "_finish_reason": "stop", "session_state": {"_llm_model": "claude-4-5-haiku", "_llm_usage": {}}}, "project_id": "ID1", "type": "message_result", "_event_index": 7}

data: {"id": "ID1", "field_name": "name", "field_value": "Greeting", "type": "project_field", "_event_index": 8}

data: {"id": "ID1", "field_name": "status", "field_value": "FINISHED", "type": "project_field", "_event_index": 9}

`,
  )
})

test('search puts a tool turn with its own results before the answer', async () => {
  const outline = await outlineOf({ chunks: ['Hi'] }, { ...agentBody, ai_chat_enable_search: true })
  expect(outline).toEqual([
    'project_start',
    'agent_notification',
    'message_field _updatetime',
    'message_start',
    'message_field_delta content',
    'message_field_delta tool_calls.0.function.arguments',
    'message_field content',
    'message_result',
    'message_start',
    'message_field content',
    'message_result',
    'message_start',
    'message_field_delta content',
    'message_field content',
    'message_result',
    'project_field name',
    'project_field status',
  ])
})

test('the chunked form has fields in place of deltas', async () => {
  expect((await outlineOf({ carrier: 'message-fields' })).slice(3)).toEqual([
    'message_start',
    'message_field content',
    'message_field content',
    'message_result',
    'project_field name',
    'project_field status',
  ])
})

test('thinking is only seen encrypted', async () => {
  const stream = await streamOf({ thinking: ['secret'] })
  expect(stream).toContain('"field_name": "reasoning_id"')
  expect(stream).toContain('"field_name": "reasoning_encrypted_content"')
  expect(stream).not.toContain('secret')
})

test('project_end may stand in place of FINISHED, and the numbers may be missing', async () => {
  const stream = await streamOf({ terminator: 'project-end', eventIndex: false })
  expect(stream.endsWith('\n\ndata: {"type": "project_end"}\n\n')).toBe(true)
  expect(stream).not.toContain('_event_index')
})

test('a mixture is answered by its lead model', async () => {
  const moa_models = ['gpt-5.6-luna', 'claude-sonnet-5', 'gemini-3.7-flash']
  const stream = await streamOf({}, { ...agentBody, use_moa_proxy: true, moa_models })
  expect(stream).toContain('"_llm_model": "gpt-5.6-luna"')
  expect(emulator.asks.at(-1)?.models).toEqual(moa_models)
})

test('the served model is told at the place that the scenario names', async () => {
  expect(await streamOf({ servedModel: 'other', servedModelPlace: 'message' })).toContain(
    '"_llm_model": "other", "_finish_reason": "stop", "session_state": {"_llm_usage": {}}',
  )
  expect(await streamOf({ servedModel: 'other', servedModelPlace: 'session-state' })).toContain(
    '"content": "Hello", "_finish_reason": "stop", "session_state": {"_llm_model": "other", "_llm_usage": {}}',
  )
})

test('unknown events and fields, other spacing and key order are written on demand', async () => {
  const stream = await streamOf({
    spacing: 'compact',
    shuffleKeys: true,
    extraFields: { odd: 1 },
    extraEvents: [{ type: 'never_heard_of' }],
  })
  expect(stream.split('\n\n').slice(0, 2)).toEqual([
    'data: {"odd":1,"_event_index":0,"type":"project_start","id":"ID1"}',
    'data: {"odd":1,"_event_index":1,"type":"never_heard_of"}',
  ])
})

test('a continued project goes on counting its events', async () => {
  await streamOf({})
  const [project_id] = [...emulator.projects.keys()].slice(-1)
  const stream = await streamOf({}, { ...agentBody, project_id, last_seen_event_index: 9 })
  expect(stream).toContain('data: {"id": "ID1", "type": "project_start", "_event_index": 10}')
})
