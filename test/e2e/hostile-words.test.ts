import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Scenario } from '../emulator/scenario.ts'
import { readyz, type Stack, startStack } from '../support/stack.ts'

const withoutTokens = { RECAPTCHA_MODE: 'off', GENSPARK_PROTOCOL: 'agent' }
const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }

let stack: Stack
afterEach(async () => {
  await stack.expectNothingLeft()
  await stack.stop()
})

const ask = async () => (await stack.openai.chat.completions.create(body)).choices[0]?.message.content
const states = async () => (await readyz(stack.url)).accounts
const unharmed = { usable: 1, cooling: [], signed_out: [] }

/** A whole reply, written by hand. */
const events = (...list: readonly object[]): Scenario => ({
  type: 'raw',
  respond: (response: ServerResponse) =>
    void response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .end(list.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')),
})

const delta = (text: string) => ({
  message_id: 'M',
  field_name: 'content',
  delta: text,
  type: 'message_field_delta',
})
const result = (message: object) => ({
  message_id: 'M',
  message: { id: 'M', ...message },
  type: 'message_result',
})
const end = { field_name: 'status', field_value: 'FINISHED', type: 'project_field' }
const answer = (text: string) => [
  { message_id: 'M', role: 'assistant', type: 'message_start' },
  delta(text),
  result({ role: 'assistant', content: text, _llm_model: 'gpt-5.4' }),
  end,
]

const words = ['Rate limit exceeded cf1', 'not login', "You've reached your free usage limit today."]

describe('kin of FINDINGS A1, CASES F13: words judge no account', () => {
  beforeEach(async () => {
    stack = await startStack({ env: withoutTokens })
  })

  const places: readonly (readonly [string, (words: string) => object])[] = [
    ['a message of a function', (content) => ({ ...result({ role: 'function', content }), message_id: 'T' })],
    ['a message of the system', (content) => ({ ...result({ role: 'system', content }), message_id: 'T' })],
    [
      'a message of a developer',
      (content) => ({ ...result({ role: 'developer', content }), message_id: 'T' }),
    ],
    [
      'a message of a tool with a quota flag',
      (content) => ({
        ...result({ role: 'tool', content, action: { type: 'ACTION_QUOTA_EXCEEDED' } }),
        message_id: 'T',
      }),
    ],
    ['an object of a tool without a type', (content) => ({ role: 'tool', content })],
    ['an object of the user without a type', (message) => ({ role: 'user', message })],
    ['an object of a tool with a status', (detail) => ({ role: 'tool', status: -5, detail })],
    ['a step', (message) => ({ type: 'agent_step', step: 1, message })],
    ['a tool result', (error) => ({ type: 'tool_result', result: { error, status: -5 } })],
    ['the title', (value) => ({ type: 'project_field', field_name: 'name', field_value: value })],
    ['the summary', (value) => ({ type: 'project_field', field_name: 'summary', field_value: { value } })],
    [
      'the arguments of a call',
      (value) => ({
        message_id: 'M',
        field_name: 'tool_calls[0].function.arguments',
        delta: JSON.stringify({ error: value }),
        type: 'message_field_delta',
      }),
    ],
    [
      'a call as a whole',
      (value) => ({
        message_id: 'M',
        field_name: 'tool_calls',
        field_value: [{ function: { name: 'search', arguments: value } }],
        type: 'message_field',
      }),
    ],
    [
      'reasoning',
      (value) => ({
        message_id: 'M',
        field_name: 'reasoning_content',
        field_value: value,
        type: 'message_field',
      }),
    ],
    [
      'the state of a tool',
      (value) => ({
        message_id: 'M',
        field_name: 'session_state.tool_output',
        field_value: value,
        type: 'message_field',
      }),
    ],
    [
      'an unknown field',
      (value) => ({ message_id: 'M', field_name: 'caption', field_value: value, type: 'message_field' }),
    ],
    ['a notification', (value) => ({ type: 'agent_notification', notification: value })],
    [
      'the name of a file',
      (name) => ({ type: 'file_uploaded', file: { name: `${name}.png`, message: name } }),
    ],
    [
      'an unknown event with fields that speak',
      (value) => ({ type: 'trace', message: value, detail: value, error: { message: value } }),
    ],
  ]

  it.each(places)('in %s', async (_, place) => {
    for (const text of words) {
      stack.emulator.answerWith(events(place(text), ...answer('fine')))
      expect(await ask()).toBe('fine')
    }
    expect(await states()).toMatchObject(unharmed)
  })

  it.each([
    ...words,
    'AI Image [5-hour limit](x) reached. Resets {time:4102444800}',
    '<!DOCTYPE html><html><title>Just a moment...</title>_cf_chl_opt',
    'data: [DONE]',
    '{"status":-5,"message":"not login"}',
    '{"type":"error","message":"Server overloaded, please try again later."}',
    'CREDIT_EXHAUSTED',
  ])('in an answer: %j is handed out unchanged', async (text) => {
    stack.emulator.answerWith(events(...answer(text)))
    expect(await ask()).toBe(text)
    // Said at once and only at the end, with its author's name.
    stack.emulator.answerWith(
      events(result({ role: 'assistant', content: text, _llm_model: 'gpt-5.4' }), end),
    )
    expect(await ask()).toBe(text)
    expect(await states()).toMatchObject(unharmed)
  })

  it('after an answer has begun, whatever comes', async () => {
    for (const text of words)
      for (const last of [
        { type: 'error', message: text },
        { message: text },
        { status: -5, message: text },
      ]) {
        stack.emulator.answerWith(events(delta('begun'), last, end))
        await ask().catch(() => {})
        expect(await states()).toMatchObject(unharmed)
      }
  })
})

describe('kin of FINDINGS X10, CASES F16: statuses', () => {
  const replyWith = (status: number, headers: Record<string, string> = {}): Scenario => ({
    type: 'raw',
    respond: (response) => void response.writeHead(status, headers).end('nothing'),
  })

  it.each([
    204, 206, 301, 302, 303, 307, 308, 402, 404, 405, 406, 409, 410, 411, 412, 417, 421, 423, 424, 425, 426,
    428, 431, 451, 499, 500, 501, 502, 503, 504, 507, 508, 511, 520, 522, 524, 529, 530, 598,
  ])('of one account: %i is passed over', async (status) => {
    stack = await startStack({ env: { ...withoutTokens, GS_COOKIE: 'session_id=alice,session_id=bob' } })
    stack.emulator.answerWith(({ sessionId }) =>
      sessionId === 'alice'
        ? replyWith(status, status < 400 ? { location: 'https://login.genspark.ai/' } : {})
        : events(...answer('fine')),
    )
    for (let round = 0; round < 4; round += 1) expect(await ask()).toBe('fine')
    expect((await states()).signed_out).toEqual([])
  })

  it.each([204, 302, 402, 404, 409, 451, 500, 502, 503, 504, 520, 529])(
    'of all accounts: %i puts nobody away and ends when it ends',
    async (status) => {
      stack = await startStack({ env: { ...withoutTokens, GS_COOKIE: 'session_id=alice,session_id=bob' } })
      stack.emulator.answerWith(replyWith(status))
      for (let round = 0; round < 3; round += 1)
        await expect(ask()).rejects.toMatchObject({ code: expect.stringMatching(/^upstream_/) })
      expect(await states()).toMatchObject({ ...unharmed, usable: 2 })
      stack.emulator.answerWith(events(...answer('fine')))
      expect(await ask()).toBe('fine')
    },
  )

  it.each(['-5', 'soon', '1e3', '', '9'.repeat(400), 'Thu, 01 Jan 1970 00:00:00 GMT'])(
    'kin of CASES F11: a wait of %j rests the account as one without',
    async (wait) => {
      stack = await startStack({ env: withoutTokens })
      stack.emulator.answerWith(replyWith(429, { 'retry-after': wait }))
      await expect(ask()).rejects.toMatchObject({ status: 429, code: 'all_accounts_cooling' })
      const [cooling] = (await states()).cooling
      const seconds = (Date.parse(cooling?.until ?? '') - Date.now()) / 1000
      expect(seconds).toBeGreaterThan(5)
      expect(seconds).toBeLessThanOrEqual(30)
    },
  )
})
