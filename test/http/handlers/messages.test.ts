import Anthropic from '@anthropic-ai/sdk'
import { describe, expect, it } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import type { ChatRequest } from '../../../src/core/chat-request.ts'
import { UnavailableError, UpstreamError } from '../../../src/core/errors.ts'
import { imagePart, making, png, publicFile } from '../support/media.ts'
import { answerOf, finished, startApp, type TestApp, text } from '../support/start-app.ts'

const request = {
  model: 'claude-sonnet-5',
  max_tokens: 1000,
  messages: [{ role: 'user' as const, content: 'Hi there' }],
}
const thought = { type: 'reasoning-delta', text: 'Hm' } as const
const thinking = { type: 'enabled' as const, budget_tokens: 1024 }
const callEvents = [
  { type: 'tool-call-started', id: 'call_1', name: 'weather' },
  { type: 'tool-call-delta', argumentsText: '{"city":' },
  { type: 'tool-call-delta', argumentsText: '"Paris"}' },
] as const

function answering(...batches: ChatEventBatch[]) {
  const asked: ChatRequest[] = []
  const runChat = (chat: ChatRequest) => {
    asked.push(chat)
    return Promise.resolve(answerOf(batches))
  }
  return { asked, runChat }
}

const clientOf = ({ url }: Pick<TestApp, 'url'>, apiKey = 'sk-test') =>
  new Anthropic({ baseURL: url, apiKey, maxRetries: 0 })

describe('messages through the official client', () => {
  it('answers whole', async () => {
    const { asked, runChat } = answering([thought], text('Hello', ' you'), [finished])
    const message = await clientOf(await startApp({ runChat })).messages.create({
      ...request,
      thinking,
      system: 'Be brief.',
    })
    expect(asked[0]?.messages).toEqual([
      { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Hi there' }] },
    ])
    expect(message).toMatchObject({
      id: `msg_${message._request_id?.replaceAll('-', '')}`,
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet-5',
      content: [
        { type: 'thinking', thinking: 'Hm', signature: expect.any(String) },
        { type: 'text', text: 'Hello you' },
      ],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 4, output_tokens: 3 },
    })
  })

  it('streams text, thinking and calls', async () => {
    const { runChat } = answering(
      [thought],
      text('I ', 'look.'),
      [...callEvents],
      [{ ...finished, reason: 'tool-calls' } as ChatEventBatch[number]],
    )
    const stream = clientOf(await startApp({ runChat })).messages.stream({ ...request, thinking })
    const texts: string[] = []
    const thoughts: string[] = []
    stream.on('text', (delta) => texts.push(delta)).on('thinking', (delta) => thoughts.push(delta))
    const message = await stream.finalMessage()
    expect(texts).toEqual(['I ', 'look.'])
    expect(thoughts).toEqual(['Hm'])
    expect(message).toMatchObject({
      content: [
        { type: 'thinking', thinking: 'Hm', signature: expect.stringMatching(/./) },
        { type: 'text', text: 'I look.' },
        { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Paris' } },
      ],
      stop_reason: 'tool_use',
      usage: { input_tokens: 2 },
    })
  })

  it('hides thinking from who did not ask for it, and from all with REASONING_HIDE', async () => {
    const shown = await startApp(answering([thought], text('Hi'), [finished]))
    const plain = await clientOf(shown).messages.create(request)
    expect(plain.content).toMatchObject([{ type: 'text', text: 'Hi' }])
    const hidden = await startApp({
      ...answering([thought], text('Hi'), [finished]),
      env: { REASONING_HIDE: '1' },
    })
    const message = await clientOf(hidden)
      .messages.stream({ ...request, thinking })
      .finalMessage()
    expect(message.content).toMatchObject([{ type: 'text', text: 'Hi' }])
  })

  it('reads a history of calls, a picture in a result among it', async () => {
    const { asked, runChat } = answering(text('Yes'), [finished])
    await clientOf(await startApp({ runChat })).messages.create({
      ...request,
      tools: [{ name: 'see', input_schema: { type: 'object' } }],
      messages: [
        { role: 'user', content: 'Look' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'see', input: { at: 1 } }] },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              content: [
                {
                  type: 'image',
                  source: { type: 'base64', media_type: 'image/png', data: png.toString('base64') },
                },
              ],
            },
          ],
        },
      ],
    })
    expect(asked[0]?.tools?.definitions.map(({ name }) => name)).toEqual(['see'])
    expect(asked[0]?.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        parts: [],
        toolCalls: [{ id: 'toolu_1', name: 'see', argumentsText: '{"at":1}' }],
      },
      { role: 'tool', callId: 'toolu_1', parts: [imagePart(png, 'image/png')], failed: false },
    ])
  })

  it('counts tokens without asking', async () => {
    const { asked, runChat } = answering()
    const count = await clientOf(await startApp({ runChat })).messages.countTokens({
      model: 'claude-sonnet-5',
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'one two three' }],
    })
    expect(count).toEqual({ input_tokens: 5 })
    expect(asked).toEqual([])
  })

  it('gets the pictures of an image model as links', async () => {
    const { asked, runMedia } = making(publicFile)
    const app = await startApp({ runMedia })
    const message = await clientOf(app)
      .messages.stream({ ...request, model: 'dall-e-3' })
      .finalMessage()
    expect(message.content).toMatchObject([{ type: 'text', text: `![image](${publicFile.url})` }])
    expect(asked).toMatchObject([{ kind: 'image', prompt: 'Hi there' }])
  })

  it('throws an error event in the middle of a stream', async () => {
    const runChat = () => Promise.resolve(answerOf([text('Half')], new UpstreamError('reset')))
    const stream = await clientOf(await startApp({ runChat })).messages.create({ ...request, stream: true })
    const types: string[] = []
    const failure = await (async () => {
      for await (const event of stream) types.push(event.type)
    })().catch((error: unknown) => error)
    expect(types).toEqual(['message_start', 'content_block_start', 'content_block_delta'])
    expect(failure).toBeInstanceOf(Anthropic.APIError)
    expect(failure).toMatchObject({ type: 'api_error', requestID: expect.stringMatching(/^[\da-f-]{36}$/) })
  })

  it('throws a true error before the stream', async () => {
    const runChat = () =>
      Promise.reject(new UnavailableError('all_accounts_cooling', { retryAfterMs: 2_000 }))
    const app = await startApp({ runChat })
    const failure = await clientOf(app)
      .messages.create({ ...request, stream: true })
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Anthropic.RateLimitError)
    const { headers, error } = failure as InstanceType<typeof Anthropic.RateLimitError>
    expect(headers?.get('retry-after')).toBe('2')
    expect(error).toEqual({
      type: 'error',
      error: { type: 'rate_limit_error', message: 'All cookies are temporarily unavailable.' },
      request_id: headers?.get('request-id'),
    })
  })
})

describe('messages on the wire', () => {
  it.each(['/v1/messages', '/messages', '/v1/v1/messages', '/v1/messages?beta=true', '/v1/messages/'])(
    'answers at %s',
    async (path) => {
      const app = await startApp(answering(text('Hi'), [finished]))
      const reply = await app.send(path, request, {
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'claude-code-20250219,something-new-2030-01-01',
      })
      expect(reply.status).toBe(200)
      expect(reply.headers.get('request-id')).toBe(reply.headers.get('x-request-id'))
      expect(await reply.json()).toMatchObject({ type: 'message', content: [{ text: 'Hi' }] })
    },
  )

  it('answers under the prefix, errors too', async () => {
    const app = await startApp({ ...answering(text('Hi'), [finished]), env: { ROUTE_PREFIX: '/api' } })
    expect((await app.send('/api/v1/messages', request)).status).toBe(200)
    expect(await (await app.send('/api/messages', {})).json()).toMatchObject({ type: 'error' })
  })

  it('waits with comments', async () => {
    const gate = Promise.withResolvers<void>()
    const app = await startApp({
      runChat: async () => {
        await gate.promise
        return answerOf([text('Hi'), [finished]])
      },
      env: { HEADER_HOLD_S: '0' },
    })
    const reply = await app.send('/v1/messages', { ...request, stream: true })
    expect(reply.headers.get('content-type')).toMatch(/^text\/event-stream/)
    gate.resolve()
    expect(await reply.text()).toMatch(/^: waiting\n\nevent: message_start\n[\s\S]*\nevent: message_stop\n/)
  })

  const failures: readonly [string, Record<string, string>, string, RequestInit, number, string][] = [
    ['a wrong key', { API_SECRET: 'right' }, '/v1/messages', {}, 401, 'authentication_error'],
    ['a blocked address', { IP_BLACK_LIST: '127.0.0.1' }, '/messages', {}, 403, 'permission_error'],
    ['another method', {}, '/v1/messages', { method: 'GET' }, 405, 'invalid_request_error'],
    ['no such route', {}, '/v1/messages/batches', {}, 404, 'not_found_error'],
    [
      'a large body',
      { MAX_BODY_MB: '1' },
      '/v1/messages/count_tokens',
      { body: `"${'x'.repeat(1024 * 1024)}"` },
      413,
      'request_too_large',
    ],
    ['no JSON', {}, '/v1/v1/messages', { body: '{' }, 400, 'invalid_request_error'],
    [
      'another type',
      {},
      '/v1/messages',
      { headers: { 'content-type': 'text/html' } },
      415,
      'invalid_request_error',
    ],
  ]
  it.each(failures)('tells %s in the envelope', async (_what, env, path, init, status, type) => {
    const app = await startApp({ env })
    const body = init.method === 'GET' ? {} : { body: JSON.stringify(request) }
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(app.url + path, { method: 'POST', headers, ...body, ...init })
    expect(reply.status).toBe(status)
    expect(await reply.json()).toEqual({
      type: 'error',
      error: { type, message: expect.any(String) },
      request_id: reply.headers.get('request-id'),
    })
  })

  it('tells the limit of requests in the envelope', async () => {
    const app = await startApp({ ...answering(text('Hi'), [finished]), env: { REQUEST_RATE_LIMIT: '1' } })
    await app.send('/v1/messages', request)
    const reply = await app.send('/v1/messages', request)
    expect(reply.status).toBe(429)
    expect(reply.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await reply.json()).toMatchObject({ type: 'error', error: { type: 'rate_limit_error' } })
  })

  it('leaves the errors of other routes as they are', async () => {
    const app = await startApp()
    for (const path of ['/v1/chat/completions', '/v1/messagesx', '/v1/v1/v1/messages'])
      expect(await (await app.send(path, {})).json()).toEqual({ error: expect.any(Object) })
  })
})
