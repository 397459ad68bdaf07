import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../../src/core/chat-request.ts'
import { send, sendEvents } from '../site.ts'
import { askInput, askWhole, chatRequest, kindOf, reasoningOf, textOf } from '../support.ts'
import { keyAccount, startVendorEmulator, startVendorSite } from './vendor-site.ts'

const askClaude = { account: keyAccount }
const gpt = { upstreamIds: { copilot: ['gpt-5.2'], agent: ['gpt-5.4'] } }
const ask = { ...askClaude, request: chatRequest(gpt) }

const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  model: 'gpt-5.4-served',
  choices: [{ index: 0, delta, finish_reason }],
})
const usage = { id: 'chatcmpl-1', choices: [], usage: { total_tokens: 18 } }

test('a chat is asked with the key alone, and its answer decoded', async () => {
  const { emulator, upstream } = await startVendorEmulator()
  const outcome = await askWhole(upstream, ask)
  expect(outcome.error).toBeUndefined()
  expect(textOf(outcome)).toBe('[canned answer of the emulator] model gpt-5.4 | by API key | you said: Hello')
  expect(emulator.vendor.asks[0]).toMatchObject({ route: 'openai', apiKey: 'gsk-canary-1', stream: true })
  expect(emulator.asks).toEqual([])
  expect(emulator.violations).toEqual([])
})

test('the request has the shape of OpenAI and nothing of a session', async () => {
  const { site, upstream } = await startVendorSite(
    sendEvents(chunk({ content: 'Hi' }), chunk({}, 'stop'), '[DONE]'),
  )
  const messages: ChatMessage[] = [
    { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
    {
      role: 'user',
      parts: [
        { type: 'text', text: 'Read this.' },
        { type: 'image', mimeType: 'image/png', base64: 'aW1n' },
        { type: 'file', name: 'a.pdf', mimeType: 'application/pdf', base64: 'cGRm' },
      ],
    },
  ]
  const mixture = { upstreamIds: { copilot: ['x'], agent: ['lead', 'second', 'third'] }, mixture: true }
  await askWhole(upstream, {
    ...ask,
    request: { ...chatRequest(mixture), messages },
    chatId: 'p-1',
    token: 'token-1',
  })
  const [request] = site.requests
  expect(request).toMatchObject({ method: 'POST', path: '/api/llm_proxy/v1/chat/completions' })
  expect(request?.headers).toMatchObject({
    authorization: 'Bearer gsk-canary-1',
    'content-type': 'application/json',
  })
  for (const header of ['cookie', 'origin', 'referer']) expect(request?.headers).not.toHaveProperty(header)
  expect(JSON.parse(request?.body ?? '')).toEqual({
    model: 'lead',
    stream: true,
    stream_options: { include_usage: true },
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Read this.' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aW1n' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,cGRm' } },
        ],
      },
    ],
  })
})

test.each([
  ['stop', 'stop'],
  ['length', 'length'],
  ['content_filter', 'content-filter'],
])('reasoning and text are told apart, and finish reason %s is %s', async (finish, reason) => {
  const { upstream } = await startVendorSite(
    sendEvents(
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'Let me ' }),
      chunk({ reasoning_content: 'think.', content: null }),
      chunk({ content: 'Rate limit ' }),
      chunk({ content: 'exceeded cf1' }),
      chunk({}, finish),
      usage,
      '[DONE]',
    ),
  )
  const outcome = await askWhole(upstream, ask)
  expect(outcome.error).toBeUndefined()
  expect(reasoningOf(outcome)).toBe('Let me think.')
  expect(textOf(outcome)).toBe('Rate limit exceeded cf1')
  expect(outcome.events.at(-1)).toEqual({ type: 'finished', reason, servedModel: 'gpt-5.4-served' })
  expect((await upstream.metrics.unknownEvents.get()).values).toEqual([])
})

test('the usage that comes after the finish reason, in a chunk of its own, ends the answer', async () => {
  const figures = {
    prompt_tokens: 7,
    completion_tokens: 11,
    completion_tokens_details: { reasoning_tokens: 3 },
    total_tokens: 18,
  }
  const { upstream } = await startVendorSite(
    sendEvents(chunk({ content: 'Hi' }), chunk({}, 'stop'), { ...usage, usage: figures }, '[DONE]'),
  )
  expect((await askWhole(upstream, ask)).events.at(-1)).toMatchObject({
    type: 'finished',
    usage: { prompt: 7, completion: 11, reasoning: 3 },
  })
})

test('a stream that ends before its finish reason is broken', async () => {
  const { upstream } = await startVendorSite(sendEvents(chunk({ content: 'half' })))
  const outcome = await askWhole(upstream, ask)
  expect(textOf(outcome)).toBe('half')
  expect(kindOf(outcome)).toBe('reset')
})

test('an answer without a word is empty', async () => {
  const { upstream } = await startVendorSite(sendEvents(chunk({}, 'stop'), '[DONE]'))
  expect(kindOf(await askWhole(upstream, ask))).toBe('empty')
})

const json = { 'content-type': 'application/json' }

test.each([
  [401, '{"error":{"message":"Invalid API key","code":"invalid_api_key"}}', 'signed-out', 401],
  [402, '{"error":"payment required"}', 'quota-spent', undefined],
  [403, '{"error":"forbidden"}', 'unavailable', 403],
  [404, '{"error":{"message":"no such model"}}', 'malformed', undefined],
  [400, '{"error":{"message":"bad messages"}}', 'bad-request', 400],
  [429, '{"error":{"message":"slow down"}}', 'rate-limited', 429],
  [429, '{"error":{"message":"quota","code":"insufficient_quota"}}', 'quota-spent', undefined],
  [500, 'oops', 'unavailable', 500],
  [503, '<!doctype html><html><title>x</title></html>', 'unavailable', undefined],
  [403, '<!DOCTYPE html><html><title>Just a moment...</title></html>', 'challenged', undefined],
  [200, "You've run out of credits. Please upgrade your plan.", 'quota-spent', undefined],
  [200, '{"status":-8,"message":"no credits"}', 'quota-spent', undefined],
  [200, '{"error":"See https://www.genspark.ai/pricing"}', 'quota-spent', undefined],
  [200, '{"hello":"world"}', 'malformed', undefined],
  [200, '', 'empty', undefined],
])('HTTP %i with %s is %s in either style', async (status, body, kind, httpStatus) => {
  const { upstream } = await startVendorSite(send(status, body, json))
  for (const input of [ask, askClaude]) {
    const outcome = await askWhole(upstream, input)
    expect(kindOf(outcome)).toBe(kind)
    expect(outcome.error).toHaveProperty('httpStatus', httpStatus)
    expect(inspect(outcome.error, { depth: 10 })).not.toContain('gsk-canary-1')
  }
})

test('an error within the stream is read as what it says', async () => {
  const { site, upstream } = await startVendorSite(() => undefined)
  const within = async (error: unknown) => {
    site.respond = sendEvents({ error })
    return kindOf(await askWhole(upstream, ask))
  }
  expect(await within({ message: 'insufficient credits' })).toBe('quota-spent')
  expect(await within({ message: 'Rate limit exceeded' })).toBe('rate-limited')
  expect(await within({ message: 'something broke' })).toBe('unavailable')
  expect(await within('Internal Server Error')).toBe('unavailable')
})

test('a route that is gone for keys says nothing about the protocols of the site', async () => {
  const { upstream } = await startVendorSite(send(404, 'Not Found'))
  const before = upstream.generation()
  for (const _round of [1, 2]) await askWhole(upstream, ask)
  expect(upstream.generation()).toBe(before)
})

test.each([
  ['OpenAI', ask, chunk({ content: 'Hi' })],
  ['Anthropic', askClaude, { type: 'content_block_delta', delta: { type: 'text_delta', text: 'Hi' } }],
])('leaving closes the request in the style of %s', async (_style, input, event) => {
  const { site, upstream } = await startVendorSite((response) => {
    response.writeHead(200).write(`data: ${JSON.stringify(event)}\n\n`)
  })
  for await (const _batch of upstream.ask(askInput(input))) break
  await site.requests[0]?.closed
  expect(site.requests).toHaveLength(1)
})

describe('a Claude model', () => {
  test('is asked in the style of Anthropic, with the key alone, and thinks aloud', async () => {
    const { emulator, upstream } = await startVendorEmulator()
    emulator.vendor.script = {
      type: 'answer',
      thinking: ['Let me ', 'think.'],
      finishReason: 'max_tokens',
      split: 'every-byte',
    }
    const outcome = await askWhole(upstream, { ...askClaude, chatId: 'p-1', token: 'token-1' })
    expect(outcome.error).toBeUndefined()
    expect(reasoningOf(outcome)).toBe('Let me think.')
    expect(textOf(outcome)).toBe(
      '[canned answer of the emulator] model claude-sonnet-5 | by API key | you said: Hello',
    )
    expect(outcome.events.at(-1)).toEqual({
      type: 'finished',
      reason: 'length',
      servedModel: 'claude-sonnet-5',
      usage: { prompt: 7, completion: 11, reasoning: 0, cached: 3 },
    })
    expect(emulator.vendor.asks).toMatchObject([
      { route: 'anthropic', apiKey: 'gsk-canary-1', stream: true, ended: 'whole' },
    ])
    expect((await upstream.metrics.unknownEvents.get()).values).toEqual([])
    expect(emulator.violations).toEqual([])
  })

  test('is asked with the version that the style wants, and nothing of a session', async () => {
    const { site, upstream } = await startVendorSite(send(200, ''))
    await askWhole(upstream, askClaude)
    const [request] = site.requests
    expect(request).toMatchObject({ method: 'POST', path: '/api/anthropic/v1/messages' })
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer gsk-canary-1',
      'x-api-key': 'gsk-canary-1',
      'anthropic-version': '2023-06-01',
      'content-type': 'application/json',
    })
    for (const header of ['cookie', 'origin', 'referer']) expect(request?.headers).not.toHaveProperty(header)
  })

  test('that leads a mixture is asked so too', async () => {
    const { emulator, upstream } = await startVendorEmulator()
    const upstreamIds = { copilot: ['x'], agent: ['claude-opus-5', 'gpt-5.4'] }
    await askWhole(upstream, { ...askClaude, request: chatRequest({ upstreamIds, mixture: true }) })
    expect(emulator.vendor.asks).toMatchObject([{ route: 'anthropic', model: 'claude-opus-5' }])
  })

  test.each([
    [401, 'authentication_error', 'signed-out', 401],
    [403, 'permission_error', 'unavailable', 403],
    [400, 'invalid_request_error', 'bad-request', 400],
    [413, 'request_too_large', 'bad-request', 413],
    [429, 'rate_limit_error', 'rate-limited', 429],
    [529, 'overloaded_error', 'unavailable', 529],
  ])('is refused by HTTP %i with %s as the status says', async (status, type, kind, httpStatus) => {
    const body = JSON.stringify({ type: 'error', error: { type, message: 'No.' } })
    const { site, upstream } = await startVendorSite(send(status, body, json))
    const { error } = await askWhole(upstream, askClaude)
    expect(error).toMatchObject({ kind, httpStatus })
    expect(site.requests).toHaveLength(1)
  })

  test.each([
    ['a page', 'Not Found'],
    ['an error', '{"type":"error","error":{"type":"not_found_error","message":"model: claude-sonnet-5"}}'],
  ])('is asked in the style of OpenAI, once, when the route says 404 with %s', async (_what, gone) => {
    const respond = sendEvents(chunk({ content: 'Hi' }), chunk({}, 'stop'), '[DONE]')
    const { site, upstream } = await startVendorSite((response, request) =>
      (request.path.startsWith('/api/anthropic/') ? send(404, gone) : respond)(response, request),
    )
    const outcome = await askWhole(upstream, askClaude)
    expect(outcome.error).toBeUndefined()
    expect(textOf(outcome)).toBe('Hi')
    site.respond = send(404, gone)
    expect(kindOf(await askWhole(upstream, askClaude))).toBe('malformed')
    expect(site.requests.map(({ path }) => path)).toEqual([
      '/api/anthropic/v1/messages',
      '/api/llm_proxy/v1/chat/completions',
      '/api/anthropic/v1/messages',
      '/api/llm_proxy/v1/chat/completions',
    ])
  })

  test('is asked in the style of OpenAI what the other has no form for', async () => {
    const { emulator, upstream } = await startVendorEmulator()
    const messages: ChatMessage[] = [
      {
        role: 'user',
        parts: [{ type: 'file', name: 'a.zip', mimeType: 'application/zip', base64: 'emlw' }],
      },
    ]
    const outcome = await askWhole(upstream, { ...askClaude, request: { ...chatRequest(), messages } })
    expect(outcome.error).toBeUndefined()
    expect(emulator.vendor.asks).toMatchObject([{ route: 'openai', model: 'claude-sonnet-5' }])
  })

  test('is not asked again once its answer has begun, whatever its end says', async () => {
    const { emulator, upstream } = await startVendorEmulator()
    const error = { type: 'api_error', message: 'This feature has been retired.' }
    emulator.vendor.script = { type: 'answer', chunks: ['half'], error, chunkDelayMs: 1 }
    const outcome = await askWhole(upstream, askClaude)
    expect(textOf(outcome)).toBe('half')
    expect(kindOf(outcome)).toBe('route-gone')
    expect(emulator.vendor.asks).toHaveLength(1)
  })

  test('that breaks off is broken, and one without credits is told so', async () => {
    const { emulator, upstream } = await startVendorEmulator()
    emulator.vendor.script = { type: 'answer', chunks: ['half'], withoutFinal: true }
    expect(kindOf(await askWhole(upstream, askClaude))).toBe('reset')
    emulator.vendor.spentKeys.add('gsk-canary-1')
    expect(kindOf(await askWhole(upstream, askClaude))).toBe('quota-spent')
    expect(emulator.vendor.asks.map(({ route }) => route)).toEqual(['anthropic', 'anthropic'])
  })
})

test.each([
  [{ 'retry-after': '7' }, '{"retry_after":30}', 7000],
  [{ 'retry-after': new Date(1_790_000_000_000 + 90_000).toUTCString() }, '{"retry_after":30}', 90_000],
  [{}, '{"message":"slow","retry_after":30,"instruction_for_agent":"wait"}', 30_000],
  [{}, '{"version":1,"debug":true}\n{"status":"error","retry_after":"12"}', 12_000],
  [{}, '{"error":{"message":"slow","retry_after":3}}', 3000],
  [{}, '{"error":{"message":"slow"}}', undefined],
])('FINDINGS K7: of a 429 the wait is read from %j, else from %s', async (headers, body, retryAfterMs) => {
  const { upstream } = await startVendorSite(send(429, body, { ...json, ...headers }))
  for (const input of [ask, askClaude])
    expect((await askWhole(upstream, input)).error).toMatchObject({ kind: 'rate-limited', retryAfterMs })
})
