import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from './emulator.ts'
import { normalised } from './normalise-stream.ts'
import { agentBody, askAgent, askCopilot, copilotBody } from './raw-request.ts'
import type { FailureScenario } from './scenario.ts'

let emulator: Emulator
beforeAll(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterAll(() => emulator.close())

async function failed(scenario: Omit<FailureScenario, 'type'>, ask = askCopilot) {
  emulator.answerWith({ type: 'failure', ...scenario })
  const { status, headers, body } = await ask(emulator.url)
  expect(emulator.violations).toEqual([])
  return { status, contentType: headers['content-type'], body: normalised(body.toString()), headers }
}

describe('gen 1 (WIRE 4.11)', () => {
  const start = 'data: {"id": "ID1", "type": "project_start"}\n\n'
  const overloaded =
    'data: {"id": "", "role": "assistant", "content": "Server overloaded, please try again later.", "action": null, "recommend_actions": null, "is_prompt": false, "render_template": null, "session_state": null, "message_type": null, "type": "message_result"}'
  const quota =
    'data: {"id": "", "role": "assistant", "content": "You\'ve reached your free usage limit today", "action": {"type": "ACTION_QUOTA_EXCEEDED", "query_string": null, "update_flow_data": null, "label": null, "user_s_input": null, "action_params": null}, "recommend_actions": null, "is_prompt": true, "render_template": null, "session_state": {"consume_usage_quota_exceeded": true}, "message_type": null, "type": "message_result"}'
  const challenge =
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body><script>window._cf_chl_opt={}</script></body></html>'
  const servicePage =
    '<!doctype html><html><head><title>Genspark</title></head><body><div class="bb"><div class="s1"></div><div class="s2"></div><div class="s3"></div></div><div class="tt">Service Unavailable</div></body></html>'

  test.each([
    ['F1', 429, 'text/plain; charset=utf-8', 'Rate limit exceeded cf1'],
    ['F2', 200, 'application/json', '{"status":-5,"message":"not login","data":{}}'],
    ['F3', 500, 'text/plain; charset=utf-8', 'Internal Server Error'],
    ['F4', 200, 'text/event-stream; charset=utf-8', `${start}${overloaded}\n\n`],
    ['F5', 200, 'text/event-stream; charset=utf-8', `${start}${quota}\n\n`],
    ['F6', 403, 'text/html; charset=utf-8', challenge],
    ['F8', 503, 'text/html; charset=utf-8', servicePage],
    ['F10', 200, 'text/event-stream; charset=utf-8', start],
  ] as const)(
    '%s is answered with HTTP %i and the exact text',
    async (failure, status, contentType, body) => {
      expect(await failed({ failure })).toMatchObject({ status, contentType, body })
    },
  )

  test('F7 holds the block headline, F9 the two marks of a retired feature', async () => {
    expect((await failed({ failure: 'F7' })).body).toContain(
      '<h1 data-translate="block_headline">Sorry, you have been blocked</h1>',
    )
    const { body } = await failed({ failure: 'F9' })
    expect(body).toContain('This feature has been retired')
    expect(body).toContain('AI Chat')
  })

  test('F6 has a variant for each mark of a challenge', async () => {
    const marks = {
      title: '<title>Just a moment...</title>',
      options: 'window._cf_chl_opt',
      orchestrate: 'challenge-platform/h/b/orchestrate/chl_page',
      platform: 'cdn-cgi/challenge-platform',
      refresh: '<meta http-equiv="refresh"',
    }
    for (const [variant, mark] of Object.entries(marks)) {
      const { body } = await failed({ failure: 'F6', variant })
      expect(body).toMatch(/^<!DOCTYPE html><html.*<\/html>$/)
      expect(body).toContain(mark)
    }
  })

  test('F12: the same failure comes as event, JSON or text, with other spacing, order and extra keys', async () => {
    expect(await failed({ failure: 'F2', as: 'event' })).toMatchObject({
      status: 200,
      body: 'data: {"status": -5, "message": "not login", "data": {}}\n\n',
    })
    expect(await failed({ failure: 'F2', status: 401, as: 'text' })).toMatchObject({
      status: 401,
      body: 'not login',
    })
    expect(
      await failed({ failure: 'F2', spacing: 'python', shuffleKeys: true, extraFields: { odd: 1 } }),
    ).toMatchObject({ body: '{"odd": 1, "data": {}, "message": "not login", "status": -5}' })
    expect((await failed({ failure: 'F5', as: 'json' })).body).toContain(
      '"action":{"type":"ACTION_QUOTA_EXCEEDED","query_string":null,',
    )
    expect((await failed({ failure: 'F4', as: 'text' })).body).toBe(
      'Server overloaded, please try again later.',
    )
    expect((await failed({ failure: 'F1', as: 'event', variant: 'cf2' })).body).toBe(
      'data: Rate limit exceeded cf2\n\n',
    )
  })

  test('F11: status and Retry-After can be set', async () => {
    const { status, headers } = await failed({ failure: 'F1', status: 503, headers: { 'Retry-After': '7' } })
    expect([status, headers['retry-after']]).toEqual([503, '7'])
  })
})

describe('gen 2 (WIRE 5.10)', () => {
  test.each([
    ['A1', 401, '{"status":-5,"message":"not login","data":{}}'],
    ['A2', 400, 'bad request cf'],
    ['A4', 403, 'Forbidden'],
    ['A5', 418, ''],
    ['A7', 429, 'Too Many Requests'],
    ['A8', 500, 'Internal Server Error'],
    ['A14', 200, '{"status":-8,"message":"You\'ve run out of credits. Please upgrade your plan."}'],
  ] as const)('%s is answered with HTTP %i', async (failure, status, body) => {
    const reply = await failed({ failure }, askAgent)
    expect(reply).toMatchObject({ status, body })
    expect(reply.headers['retry-after']).toBeUndefined()
  })

  test('A3 is a challenge page, A6 HTTP 422', async () => {
    const challenge = await failed({ failure: 'A3', variant: 'attention-required' }, askAgent)
    expect(challenge.status).toBe(403)
    expect(challenge.body).toContain('Attention Required')
    expect((await failed({ failure: 'A6' }, askAgent)).status).toBe(422)
  })

  test.each([
    [
      'A9',
      undefined,
      '"message": {"id": "", "role": "assistant", "content": "You\'re sending messages too quickly. Rate limit reached."}',
    ],
    ['A10', undefined, "You've used all your credits."],
    ['A10', 'chinese', '积分已用完'],
    ['A10', 'code', '"code": "CREDIT_EXHAUSTED"'],
    ['A11', 'text', '5-hour limit'],
    ['A12', undefined, "Sorry, I couldn't produce a response this turn."],
    ['A12', 'declined', 'The model declined to answer'],
    ['A13', undefined, '"type": "error"'],
  ] as const)('%s (%s) stands as event in a stream that ends as usual', async (failure, variant, text) => {
    const { status, body } = await failed({ failure, ...(variant ? { variant } : {}) }, askAgent)
    expect(status).toBe(200)
    expect(body.split('\n\n')[0]).toBe('data: {"id": "ID1", "type": "project_start", "_event_index": 0}')
    expect(body.split('\n\n')[1]).toContain(text)
    expect(body.split('\n\n')[2]).toBe(
      'data: {"id": "ID1", "field_name": "status", "field_value": "FINISHED", "type": "project_field", "_event_index": 2}',
    )
  })

  test('A11 tells when the window opens again, as text or as object', async () => {
    expect((await failed({ failure: 'A11', resetAt: 1_790_595_239 }, askAgent)).body).toContain(
      '{"field_name": "session_state.session_limit_message", "field_value": "AI Chat [5-hour limit](https://www.genspark.ai/pricing) reached. Resets {time:1790595239}"',
    )
    expect((await failed({ failure: 'A11', variant: 'object-value', resetAt: 1 }, askAgent)).body).toContain(
      '"field_value": {"value": "AI Chat [5-hour limit]',
    )
  })

  test('A15 is a stream without content', async () => {
    expect((await failed({ failure: 'A15' }, askAgent)).body).toBe(
      'data: {"id": "ID1", "type": "project_start", "_event_index": 0}\n\ndata: {"id": "ID1", "field_name": "status", "field_value": "FINISHED", "type": "project_field", "_event_index": 1}\n\n',
    )
  })

  test('F5 in gen 2 is nested in message', async () => {
    expect((await failed({ failure: 'F5' }, askAgent)).body).toContain(
      'data: {"message_id": "", "message": {"id": "", "role": "assistant", "content": "You\'ve reached your free usage limit today", "action": {"type": "ACTION_QUOTA_EXCEEDED"',
    )
  })
})

test('a prompt chooses its failure by magic', async () => {
  emulator.answerWith(undefined)
  const messages = [{ role: 'user', content: 'please [[f1]]' }]
  expect((await askCopilot(emulator.url, { ...copilotBody, messages })).body.toString()).toBe(
    'Rate limit exceeded cf1',
  )
  expect((await askAgent(emulator.url, { ...agentBody, messages })).status).toBe(429)
})
