import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UpstreamError } from '../../src/core/errors.ts'
import { wireGenerations } from '../../src/core/wire-generation.ts'
import { asEvents, type Respond, type Site, send, sendEvents, startSite } from './site.ts'
import { askWhole, createTestUpstream, fixture, kindOf, textOf } from './support.ts'

let site: Site
let upstream: ReturnType<typeof createTestUpstream>

beforeAll(async () => {
  site = await startSite(() => undefined)
  upstream = createTestUpstream(site.url)
})

afterAll(async () => {
  await upstream.close()
  await site.close()
})

const message = (content: string, fields: object = {}) => ({
  id: '',
  role: 'assistant',
  content,
  action: null,
  is_prompt: false,
  session_state: null,
  type: 'message_result',
  ...fields,
})

const quotaFields = {
  action: { type: 'ACTION_QUOTA_EXCEEDED', query_string: null },
  session_state: { consume_usage_quota_exceeded: true },
}

const notices = [
  { kind: 'signed-out', text: 'not login', object: { status: -5, message: 'not login', data: {} } },
  {
    kind: 'quota-spent',
    text: "You've reached your free usage limit today",
    object: message("You've reached your free usage limit today", quotaFields),
  },
  {
    kind: 'overloaded',
    text: 'Server overloaded, please try again later.',
    object: message('Server overloaded, please try again later.'),
  },
  { kind: 'rate-limited', text: 'Rate limit exceeded cf1', object: message('Rate limit exceeded cf1') },
  { kind: 'rate-limited', text: 'Rate limit exceeded cf2', object: { message: 'Rate limit exceeded cf2' } },
]

/** JSON as Python writes it. */
const python = (object: object) =>
  JSON.stringify(object, undefined, 1).replaceAll(/\n\s*/g, ' ').replaceAll('{ ', '{')

const reversed = (object: object) => Object.fromEntries(Object.entries(object).reverse())

const forms: readonly [string, (notice: { text: string; object: object }) => Respond][] = [
  ['event', ({ object }) => sendEvents(object)],
  ['event with Python spacing', ({ object }) => sendEvents(python(object))],
  [
    'event with extra, re-ordered keys',
    ({ object }) => sendEvents(reversed({ ...object, trace_id: 'x', n: 1 })),
  ],
  ['event after a start', ({ object }) => sendEvents({ id: 'p', type: 'project_start' }, object)],
  [
    'event in gen-2 shape',
    ({ object, text }) => sendEvents({ type: 'message_result', message: { ...object, content: text } }),
  ],
  ['text event', ({ text }) => sendEvents(text)],
  ['JSON body', ({ object }) => send(200, JSON.stringify(object), { 'content-type': 'application/json' })],
  [
    'JSON body, indented, re-ordered',
    ({ object }) => send(200, JSON.stringify(reversed({ ...object, trace_id: 'x' }), undefined, 2)),
  ],
  ['plain text', ({ text }) => send(200, text, { 'content-type': 'text/plain' })],
  [
    'plain text labelled as a stream',
    ({ text }) => send(200, `${text}\n`, { 'content-type': 'text/event-stream' }),
  ],
  ['JSON string', ({ text }) => send(200, JSON.stringify(text))],
  [
    'events labelled as JSON',
    ({ object }) => send(200, asEvents(object), { 'content-type': 'application/json' }),
  ],
]

describe.each(wireGenerations)('%s', (generation) => {
  const ask = async (respond: Respond, chatId?: string) => {
    site.respond = respond
    return askWhole(upstream, { generation, ...(chatId !== undefined && { chatId }) })
  }
  const errorOf = async (respond: Respond, chatId?: string): Promise<UpstreamError> => {
    const { error } = await ask(respond, chatId)
    if (error instanceof UpstreamError) return error
    throw new Error('an UpstreamError was expected', { cause: error })
  }

  describe.each(notices)('F12: $kind, "$text"', (notice) => {
    test.each(forms)('as %s', async (_form, respond) => {
      expect(kindOf(await ask(respond(notice)))).toBe(notice.kind)
    })
  })

  test.each([
    ['A9', 'You are sending messages too quickly. Please wait.', 'rate-limited'],
    ['A9', 'Rate limit reached for this account.', 'rate-limited'],
    ['A10', '您的积分已用完', 'quota-spent'],
    ['A10', "You've used all your credits.", 'quota-spent'],
    ['A11', 'AI Chat 5-hour limit reached.', 'quota-spent'],
    ['A12', "Sorry, I couldn't produce a response this turn.", 'empty'],
    ['A12', 'The model declined to answer this time.', 'empty'],
    ['F9', 'This feature has been retired. Please use AI Chat instead.', 'route-gone'],
  ])('%s: "%s" as a lone message is %s', async (_id, text, kind) => {
    const sent = sendEvents(
      generation === 'agent'
        ? { type: 'message_result', message: { role: 'assistant', content: text } }
        : message(text),
    )
    expect(kindOf(await ask(sent))).toBe(kind)
    upstream = createTestUpstream(site.url)
  })

  test.each([
    ['F4', 'overloaded.sse', 'overloaded'],
    ['F5', 'quota-spent.sse', 'quota-spent'],
  ])('%s: %s as seen on the wire is %s', async (_id, name, kind) => {
    const wire = await fixture(name)
    expect(kindOf(await ask((response) => response.end(wire)))).toBe(kind)
  })

  test('a spent window tells when it opens again', async () => {
    const error = await errorOf(sendEvents(message('AI Chat 5-hour limit reached. Resets {time:1790595239}')))
    expect(error).toMatchObject({ kind: 'quota-spent', resetAtMs: 1_790_595_239_000 })
  })

  test.each([
    [400, 'bad request cf', 'bad-request'],
    [400, '', 'bad-request'],
    [401, '', 'signed-out'],
    [401, '{"status":-5,"message":"not login"}', 'signed-out'],
    [403, 'Forbidden', 'token-refused'],
    [403, '{"status":-5,"message":"not login"}', 'signed-out'],
    [404, '{"detail":"Not Found"}', 'route-gone'],
    [405, '', 'route-gone'],
    [410, '', 'route-gone'],
    [418, '', 'token-refused'],
    [419, '', 'token-refused'],
    [422, '{"detail":[]}', 'bad-request'],
    [429, '', 'rate-limited'],
    [429, 'Rate limit exceeded cf1', 'rate-limited'],
    [500, 'Internal Server Error', 'unavailable'],
    [503, 'upstream connect error', 'unavailable'],
    [200, 'Internal Server Error', 'unavailable'],
    [200, '', 'empty'],
    [200, '{"hello":"world"}', 'malformed'],
    [200, 'hello', 'malformed'],
    [302, '', 'malformed'],
  ])('HTTP %i with "%s" is %s', async (status, body, kind) => {
    expect((await errorOf(send(status, body))).kind).toBe(kind)
    upstream = createTestUpstream(site.url)
  })

  test('F11: the status and the wait stand on the error where the verdict is read from them', async () => {
    const rateLimited = await errorOf(send(429, '', { 'retry-after': '7' }))
    expect(rateLimited).toMatchObject({ kind: 'rate-limited', httpStatus: 429, retryAfterMs: 7000 })
    const until = await errorOf(
      send(503, 'away', { 'retry-after': new Date(1_790_000_090_000).toUTCString() }),
    )
    expect(until).toMatchObject({ kind: 'unavailable', httpStatus: 503, retryAfterMs: 90_000 })
    expect(await errorOf(send(500, 'Internal Server Error'))).toMatchObject({
      httpStatus: 500,
      retryAfterMs: undefined,
    })
    expect(await errorOf(send(429, '', { 'retry-after': 'soon' }))).toMatchObject({ retryAfterMs: undefined })
  })

  test.each([
    ['cloudflare-challenge.html', 200, 'challenged'],
    ['cloudflare-challenge.html', 403, 'challenged'],
    ['cloudflare-block.html', 403, 'challenged'],
    ['service-unavailable.html', 200, 'unavailable'],
    ['service-unavailable.html', 503, 'unavailable'],
  ])('F10: %s with %i is %s, names no status and forwards no HTML', async (name, status, kind) => {
    const error = await errorOf(send(status, await fixture(name), { 'content-type': 'text/html' }))
    expect(error).toMatchObject({ kind, httpStatus: undefined })
    expect(error.message).not.toContain('<')
  })

  test('A3: other challenge pages and the edge’s own header are seen', async () => {
    const page = '<html><head><title>Attention Required! | Cloudflare</title></head></html>'
    expect((await errorOf(send(403, page))).kind).toBe('challenged')
    expect((await errorOf(send(403, 'no', { 'cf-mitigated': 'challenge' }))).kind).toBe('challenged')
  })

  test('a page that is not known goes by its status', async () => {
    expect(await errorOf(send(502, '<html>Bad gateway</html>'))).toMatchObject({
      kind: 'unavailable',
      httpStatus: undefined,
    })
    expect((await errorOf(send(200, '<html>Hello</html>'))).kind).toBe('malformed')
  })

  test('A10: in a chat that went on a server error or an empty answer means that the chat is gone', async () => {
    expect((await errorOf(send(500, 'Internal Server Error'), 'p-1')).kind).toBe('binding-stale')
    expect((await errorOf(sendEvents({ id: 'p-1', type: 'project_start' }), 'p-1')).kind).toBe(
      'binding-stale',
    )
    expect((await errorOf(send(200, ''), 'p-1')).kind).toBe('binding-stale')
    expect((await errorOf(send(503, await fixture('service-unavailable.html')), 'p-1')).kind).toBe(
      'unavailable',
    )
  })

  const quotes = 'Rate limit exceeded cf1, not login, 5-hour limit, <!DOCTYPE html>, data: [DONE]'
  const carriers: readonly [string, (text: string) => readonly object[]][] =
    generation === 'copilot'
      ? [
          [
            'deltas',
            (text) => [
              { type: 'message_field_delta', field_name: 'session_state.answer', delta: text },
              message(text),
            ],
          ],
          [
            'a full value',
            (text) => [
              { type: 'message_field', field_name: 'session_state.answer', field_value: text },
              message(text),
            ],
          ],
          ['a result', (text) => [message(text, { id: 'm-1', session_state: { answer: text } })]],
        ]
      : [
          [
            'deltas',
            (text) => [
              { type: 'message_field_delta', field_name: 'content', delta: text },
              { type: 'message_result', message: { content: text } },
              { type: 'project_end' },
            ],
          ],
          [
            'a full value',
            (text) => [
              { type: 'message_field', field_name: 'content', field_value: text },
              { type: 'project_end' },
            ],
          ],
          [
            'a result',
            (text) => [
              {
                type: 'message_result',
                message: { role: 'assistant', content: text, _llm_model: 'gpt-5.4' },
              },
              { type: 'project_end' },
            ],
          ],
          [
            'a result with the model in its state',
            (text) => [
              {
                type: 'message_result',
                message: { role: 'assistant', content: text, session_state: { _llm_model: 'gpt-5.4' } },
              },
              { type: 'project_end' },
            ],
          ],
        ]

  describe.each(carriers)('F13: in %s', (_carrier, events) => {
    test.each([
      quotes,
      'Rate limit exceeded cf1 is what it says.',
      'You are not login.',
      'The 5-hour limit has used all your credits, too quickly.',
      '<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>',
      'data: [DONE]',
      '[DONE]',
    ])('"%s" is delivered unchanged', async (text) => {
      const outcome = await ask(sendEvents(...events(text)))
      expect(outcome.error).toBeUndefined()
      expect(textOf(outcome)).toBe(text)
    })
  })

  test('F13: a lone message that quotes a notice, or is long, is an answer', async () => {
    for (const text of [
      'It answers `Rate limit exceeded cf1`, or "not login".',
      `${quotes}. ${'x'.repeat(300)}`,
    ]) {
      expect(textOf(await ask(sendEvents(message(text))))).toBe(text)
    }
  })

  test('words in public messages are neutral', async () => {
    for (const { object } of notices) {
      const { message: words } = await errorOf(sendEvents(object))
      expect(words).not.toMatch(/credit|balance|permission denied/i)
    }
  })
})

describe('whose words they are', () => {
  const user = (role: string | undefined, content: string) => ({
    message_id: 'U',
    message: { id: 'U', ...(role !== undefined && { role }), content },
    type: 'message_result',
  })
  const answer = [
    { message_id: 'M', role: 'assistant', type: 'message_start' },
    { message_id: 'M', field_name: 'content', delta: 'Fine', type: 'message_field_delta' },
    { message_id: 'M', message: { id: 'M', role: 'assistant', content: 'Fine' }, type: 'message_result' },
    { field_name: 'status', field_value: 'FINISHED', type: 'project_field' },
  ]
  const ask = async (...events: object[]) => {
    site.respond = sendEvents(...events)
    return askWhole(upstream, { generation: 'agent' })
  }

  test.each([
    ['tool', '3 pages found: GitHub API rate limit; docs'],
    ['user', 'What does "rate limit" mean? I hit a rate limit today'],
    ['user', 'why does it say not login'],
    ['user', 'not login'],
    ['tool', 'Rate limit exceeded cf1'],
    ['system', "You've reached your free usage limit today"],
  ])('FINDINGS A1: what a %s says ("%s") is no verdict', async (role, text) => {
    const outcome = await ask(user(role, text), ...answer)
    expect(outcome.error).toBeUndefined()
    expect(textOf(outcome)).toBe('Fine')
  })

  test.each(['not login', 'Rate limit exceeded cf1', "You've reached your free usage limit today"])(
    'FINDINGS X11: "%s" by a named model is its answer',
    async (text) => {
      const outcome = await ask(
        {
          message_id: 'M',
          message: { role: 'assistant', content: text, _llm_model: 'm' },
          type: 'message_result',
        },
        { type: 'project_end' },
      )
      expect(outcome.error).toBeUndefined()
      expect(textOf(outcome)).toBe(text)
    },
  )

  test('FINDINGS A1: a lone message that only has a phrase is hearsay, and never signs out', async () => {
    const limited = await ask(user('assistant', 'I hit a rate limit today'))
    expect(limited.error).toMatchObject({ kind: 'rate-limited', isHearsay: true })
    const signedOut = await ask(user('assistant', 'You are not login there'), { type: 'project_end' })
    expect(textOf(signedOut)).toBe('You are not login there')
  })

  test.each([
    { type: 'error', message: 'tool failed: user not login to Gmail' },
    { type: 'error', message: 'tool failed: rate limit of the GitHub API' },
    { type: 'error', status: -5, message: 'not login' },
  ])('FINDINGS X11: nothing judges once text has come: %j', async (event) => {
    const { error } = await ask(...answer.slice(0, 2), event)
    expect(error).toMatchObject({ kind: 'unavailable', httpStatus: undefined })
  })

  test('FINDINGS X11: what refuses a request may quote it', async () => {
    site.respond = send(422, '{"detail":"messages.0.content: I hit a rate limit today"}')
    expect(kindOf(await askWhole(upstream, { generation: 'agent' }))).toBe('bad-request')
  })

  test.each([
    [408, 'reset'],
    [421, 'reset'],
    [425, 'reset'],
    [402, 'unavailable'],
    [407, 'unavailable'],
    [409, 'unavailable'],
    [423, 'unavailable'],
    [431, 'unavailable'],
    [451, 'unavailable'],
    [413, 'bad-request'],
    [414, 'bad-request'],
    [415, 'bad-request'],
  ])('FINDINGS X10: HTTP %i is %s', async (status, kind) => {
    site.respond = send(status, '')
    expect(kindOf(await askWhole(upstream, { generation: 'agent' }))).toBe(kind)
  })
})
