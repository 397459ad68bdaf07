import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import type { ChatRequest } from '../../../src/core/chat-request.ts'
import {
  type ErrorCode,
  errorTable,
  ServiceError,
  UnavailableError,
  UpstreamError,
} from '../../../src/core/errors.ts'
import { imagePart, png } from '../support/media.ts'
import { answerOf, finished, startApp, text, untilAborted } from '../support/start-app.ts'

const messages = [{ role: 'user' as const, content: 'Hi there' }]
const request = { model: 'claude-sonnet-5', messages }
const thought = { type: 'reasoning-delta', text: 'Hm' } as const

function answering(...batches: ChatEventBatch[]) {
  return { runChat: () => Promise.resolve(answerOf(batches)) }
}

describe('chat completions through the official client', () => {
  it('answers whole', async () => {
    const asked: ChatRequest[] = []
    const app = await startApp({
      runChat: (chat) => {
        asked.push(chat)
        return Promise.resolve(answerOf([[thought], text('Hello', ' you'), [finished]]))
      },
    })
    const completion = await app.openai().chat.completions.create(request)
    expect(asked[0]?.messages).toEqual([{ role: 'user', parts: [{ type: 'text', text: 'Hi there' }] }])
    expect(completion).toMatchObject({
      id: `chatcmpl-${completion._request_id}`,
      object: 'chat.completion',
      model: 'claude-sonnet-5',
      created: expect.any(Number),
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello you', reasoning_content: 'Hm' },
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 },
    })
  })

  it('carries a PDF and two pictures, in any turn', async () => {
    const asked: ChatRequest[] = []
    const app = await startApp({
      runChat: (chat) => {
        asked.push(chat)
        return Promise.resolve(answerOf([text('Yes'), [finished]]))
      },
    })
    const pdf = Buffer.from('%PDF-1.4\n%%EOF\n').toString('base64')
    const pngUrl = `data:image/png;base64,${png.toString('base64')}`
    await app.openai().chat.completions.create({
      model: 'claude-sonnet-5',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${pdf}` } },
            { type: 'image_url', image_url: { url: pngUrl } },
          ],
        },
        { role: 'assistant', content: 'Seen' },
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'https://example.com/cat.jpg' } },
            { type: 'text', text: 'The same?' },
          ],
        },
      ],
    })
    expect(asked[0]?.messages.map(({ parts }) => parts)).toEqual([
      [
        { type: 'file', name: 'a.pdf', mimeType: 'application/pdf', base64: pdf },
        imagePart(png, 'image/png'),
      ],
      [{ type: 'text', text: 'Seen' }],
      [
        {
          type: 'image-url',
          url: 'https://example.com/cat.jpg',
          param: 'messages[2].content[0].image_url.url',
        },
        { type: 'text', text: 'The same?' },
      ],
    ])
  })

  it('streams, with usage in the last chunk when asked for', async () => {
    const app = await startApp(answering([thought], text('Hel', 'lo'), [finished]))
    const stream = app
      .openai()
      .chat.completions.stream({ ...request, stream_options: { include_usage: true } })
    const completion = await stream.finalChatCompletion()
    expect(completion.choices[0]?.message.content).toBe('Hello')
    expect(completion.choices[0]?.finish_reason).toBe('stop')
    expect(completion.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 })
  })

  it('counts nothing for a stream without usage', async () => {
    const app = await startApp({
      ...answering([...text('Hello'), finished]),
      services: { countTokens: () => Promise.reject(new Error('counted')) },
    })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of await app.openai().chat.completions.create({ ...request, stream: true })) {
      chunks.push(chunk)
    }
    expect(chunks.map((chunk) => chunk.choices[0]?.delta)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'Hello' },
      {},
    ])
    expect(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.model} ${chunk.created}`)).size).toBe(1)
  })

  it.each([
    [{}, {}, { content: 'Hi', reasoning_content: 'Hm' }],
    [{ REASONING_FORMAT: 'think-tags' }, {}, { content: '<think>Hm</think>Hi' }],
    [
      { REASONING_FORMAT: 'think-tags' },
      { reasoning_format: 'reasoning-content' },
      { reasoning_content: 'Hm' },
    ],
    [{}, { reasoning_format: 'think-tags' }, { content: '<think>Hm</think>Hi' }],
    [{}, { reasoning_format: 'hidden' }, { content: 'Hi' }],
    [{ REASONING_HIDE: '1' }, { reasoning_format: 'think-tags' }, { content: 'Hi' }],
    [
      { REASONING_FORMAT: 'think-tags' },
      { response_format: { type: 'json_object' } },
      { content: 'Hi', reasoning_content: 'Hm' },
    ],
  ])('presents reasoning as the settings %j and the request %j say', async (env, fields, message) => {
    const app = await startApp({ ...answering([thought], text('Hi'), [finished]), env })
    const completion = await app.openai().chat.completions.create({ ...request, ...fields } as typeof request)
    expect(completion.choices[0]?.message).toMatchObject(message)
  })

  it('C2: an abort reaches the call', async () => {
    const asked = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<void>()
    const app = await startApp({
      runChat: (_chat, call) => {
        asked.resolve()
        call.signal.addEventListener('abort', () => aborted.resolve())
        return untilAborted(call)
      },
    })
    const controller = new AbortController()
    const completion = app.openai().chat.completions.create(request, { signal: controller.signal })
    await asked.promise
    controller.abort()
    await expect(completion).rejects.toBeInstanceOf(OpenAI.APIUserAbortError)
    await aborted.promise
  })

  it('leaves the words of a break out where the request has tools (FINDINGS C23)', async () => {
    const runChat = () => Promise.resolve(answerOf([text('Hel')], new UpstreamError('reset')))
    const { post } = await startApp({ runChat })
    const tools = [{ type: 'function', function: { name: 'a' } }]
    const stream = await (await post({ ...request, stream: true, tools })).text()
    expect(stream).toContain('"code":"upstream_reset"')
    expect(stream).not.toContain('[Connection')
  })

  it('F3: a stream that breaks raises, after what came', async () => {
    const runChat = () => Promise.resolve(answerOf([text('Hel')], new UpstreamError('reset')))
    const app = await startApp({ runChat })
    const stream = await app.openai().chat.completions.create({ ...request, stream: true })
    let content = ''
    const read = async () => {
      for await (const chunk of stream) content += chunk.choices[0]?.delta.content ?? ''
    }
    await expect(read()).rejects.toMatchObject({ code: 'upstream_reset', type: 'server_error' })
    expect(content).toBe('Hel\n\n[Connection closed by Genspark before the answer was whole.]')
  })

  it('F3: a whole response that breaks is 502 without partial text', async () => {
    const runChat = () => Promise.resolve(answerOf([text('partial')], new UpstreamError('reset')))
    const response = await (await startApp({ runChat })).post(request)
    expect(response.status).toBe(502)
    expect(await response.text()).not.toContain('partial')
  })

  it('H1: a whole response that outlives the grace is 503', async () => {
    const asked = Promise.withResolvers<void>()
    const app = await startApp({
      runChat: (_chat, call) => {
        asked.resolve()
        return untilAborted(call)
      },
    })
    const response = app.post(request)
    await asked.promise
    app.endGrace()
    expect(await (await response).json()).toMatchObject({ error: { code: 'shutting_down' } })
  })
})

describe('C1: errors through the official client', () => {
  const classes: Record<number, new (...args: never[]) => Error> = {
    400: OpenAI.BadRequestError,
    401: OpenAI.AuthenticationError,
    403: OpenAI.PermissionDeniedError,
    404: OpenAI.NotFoundError,
    405: OpenAI.APIError,
    413: OpenAI.APIError,
    415: OpenAI.APIError,
    426: OpenAI.APIError,
    429: OpenAI.RateLimitError,
    500: OpenAI.InternalServerError,
    502: OpenAI.InternalServerError,
    503: OpenAI.InternalServerError,
    504: OpenAI.InternalServerError,
  }

  it.each(Object.keys(errorTable) as ErrorCode[])(
    'C1: %s raises the right class, streamed or not',
    async (code) => {
      const { status, type } = errorTable[code]
      const app = await startApp({ runChat: () => Promise.reject(new ServiceError(code)) })
      for (const stream of [false, true]) {
        const failure = await app
          .openai()
          .chat.completions.create({ ...request, stream })
          .catch((error) => error)
        expect(failure).toBeInstanceOf(classes[status])
        expect(failure).toMatchObject({ status, code, type, param: null, requestID: expect.any(String) })
        expect(failure.headers.get('content-type')).toBe('application/json; charset=utf-8')
      }
    },
  )

  it('C1: a bug is a plain 500, logged whole under the request id', async () => {
    const app = await startApp({ runChat: () => Promise.reject(new TypeError('secret detail')) })
    const response = await app.post(request)
    expect(response.status).toBe(500)
    expect(await response.text()).toBe(
      '{"error":{"message":"An error of this server. It has been logged under this request id.","type":"internal_error","param":null,"code":"internal_error"}}',
    )
    expect(app.logs).toContainEqual(
      expect.objectContaining({
        requestId: response.headers.get('x-request-id'),
        err: expect.objectContaining({ stack: expect.stringContaining('secret detail') }),
      }),
    )
  })

  it('C1: names the field of a bad request', async () => {
    const app = await startApp()
    const bad = { ...request, messages: [{ role: 'user' as const, content: 7 as unknown as string }] }
    await expect(app.openai().chat.completions.create(bad)).rejects.toMatchObject({
      status: 400,
      code: 'invalid_value',
      param: 'messages[0].content',
    })
  })

  it.each([
    ['waiting helps', { retryAfterMs: 1 }, 2],
    ['waiting takes over a minute', { retryAfterMs: 61_000 }, 1],
    ['waiting does not help', { retryable: false }, 1],
  ])('A8: the client asks as often as it makes sense when %s', async (_case, options, calls) => {
    let asked = 0
    const app = await startApp({
      runChat: () => {
        asked += 1
        return Promise.reject(new UnavailableError('all_accounts_cooling', options))
      },
    })
    await expect(app.openai(1).chat.completions.create(request)).rejects.toBeInstanceOf(OpenAI.RateLimitError)
    expect(asked).toBe(calls)
  })
})
