import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import type { ChatRequest } from '../../../src/core/chat-request.ts'
import { UnavailableError, UpstreamError } from '../../../src/core/errors.ts'
import type { RunChat } from '../../../src/gateway/chat.ts'
import { dallE, making, publicFile } from '../support/media.ts'
import { answerOf, finished, startApp, type TestApp, text, untilAborted } from '../support/start-app.ts'

const model = 'claude-sonnet-5'
const request = { model, input: 'Hi there' }
const thought = { type: 'reasoning-delta', text: 'Hm' } as const
const calling: ChatEventBatch[] = [
  [
    { type: 'tool-call-started', id: 'call_1', name: 'time' },
    { type: 'tool-call-delta', argumentsText: '{"zone":' },
    { type: 'tool-call-delta', argumentsText: '"UTC"}' },
    { type: 'finished', reason: 'tool-calls' },
  ],
]
const timeTool = {
  type: 'function' as const,
  name: 'time',
  parameters: { type: 'object', properties: { zone: { type: 'string' } } },
  strict: false,
}

/** Answers with these batches, one list a request; the last again and again. */
function answering(...answers: ChatEventBatch[][]) {
  const asked: ChatRequest[] = []
  const runChat: RunChat = (chat) => {
    asked.push(chat)
    return Promise.resolve(answerOf(answers[Math.min(asked.length, answers.length) - 1] ?? []))
  }
  return { runChat, asked }
}

const hello = [[thought], text('Hello', ' you'), [finished]]
const withKey = (app: TestApp, apiKey: string) =>
  new OpenAI({ baseURL: `${app.url}/v1`, apiKey, maxRetries: 0 })

describe('responses through the official client', () => {
  it('answers whole, and the same when it is asked for again', async () => {
    const app = await startApp(answering(hello))
    const response = await app.openai().responses.create(request)
    expect(response).toMatchObject({
      id: expect.stringMatching(/^resp_[0-9a-f]{32}$/),
      status: 'completed',
      model,
      output_text: 'Hello you',
      output: [{ type: 'reasoning' }, { type: 'message', role: 'assistant' }],
      usage: { input_tokens: 2, output_tokens: 3, total_tokens: 5 },
    })
    const { _request_id, ...again } = await app.openai().responses.retrieve(response.id)
    const { _request_id: _first, ...first } = response
    expect(again).toEqual(first)
  })

  it('streams what its own helper puts together to the same response', async () => {
    const app = await startApp(answering([...hello.slice(0, 2), ...calling]))
    const stream = app.openai().responses.stream({ ...request, tools: [timeTool] })
    const types: string[] = []
    let deltas = ''
    stream.on('event', (event) => types.push(event.type))
    stream.on('response.output_text.delta', (event) => {
      deltas += event.delta
      expect(event.snapshot).toBe(deltas)
    })
    const final = await stream.finalResponse()
    expect(deltas).toBe('Hello you')
    expect(types.at(0)).toBe('response.created')
    expect(types.at(-1)).toBe('response.completed')
    expect(final.output).toMatchObject([
      { type: 'reasoning', summary: [{ text: 'Hm' }] },
      { type: 'message', content: [{ text: 'Hello you' }] },
      { type: 'function_call', call_id: 'call_1', name: 'time', arguments: '{"zone":"UTC"}' },
    ])
    const kept = await app.openai().responses.retrieve(final.id)
    expect(final.output).toMatchObject(kept.output)
    expect(kept.usage).toEqual(final.usage)
  })

  it('goes through a call of a tool and back, by its id and by references', async () => {
    const { runChat, asked } = answering(calling, hello)
    const app = await startApp({ runChat })
    const client = app.openai()
    const first = await client.responses.create({ ...request, tools: [timeTool] })
    const [call] = first.output
    if (call?.type !== 'function_call') throw new Error('expected a call')
    const output = { type: 'function_call_output' as const, call_id: call.call_id, output: '12:00' }
    const second = await client.responses.create({ model, previous_response_id: first.id, input: [output] })
    await client.responses.create({
      model,
      input: [{ role: 'user', content: 'Hi there' }, { type: 'item_reference', id: call.id ?? '' }, output],
    })
    const turns = [
      { role: 'user', parts: [{ type: 'text', text: 'Hi there' }] },
      {
        role: 'assistant',
        parts: [],
        toolCalls: [{ id: 'call_1', name: 'time', argumentsText: '{"zone":"UTC"}' }],
      },
      { role: 'tool', callId: 'call_1', parts: [{ type: 'text', text: '12:00' }], failed: false },
    ]
    expect(asked[1]?.messages).toEqual(turns)
    expect(asked[2]?.messages).toEqual(turns)
    const third = await client.responses.create({ model, previous_response_id: second.id, input: 'Thanks' })
    expect(third.previous_response_id).toBe(second.id)
    expect(asked[3]?.messages.slice(0, 3)).toEqual(turns)
    expect(asked[3]?.messages.slice(3).map(({ role }) => role)).toEqual(['assistant', 'user'])
  })

  it('parses structured output', async () => {
    const { runChat, asked } = answering([text('{"a":1}'), [finished]])
    const app = await startApp({ runChat })
    const schema = { type: 'object', properties: { a: { type: 'number' } } }
    const response = await app.openai().responses.parse({
      ...request,
      text: { format: { type: 'json_schema', name: 'answer', schema } },
    })
    expect(JSON.parse(response.output_text)).toEqual({ a: 1 })
    expect(asked[0]?.output).toEqual({ type: 'json-schema', name: 'answer', description: undefined, schema })
  })

  it('lists what a response was asked with', async () => {
    const app = await startApp(answering(hello))
    const client = app.openai()
    const { id } = await client.responses.create({
      model,
      input: [
        { role: 'user', content: 'One' },
        { role: 'assistant', content: 'Two' },
        { role: 'user', content: 'Three' },
      ],
    })
    const words: unknown[] = []
    for await (const item of client.responses.inputItems.list(id, { order: 'asc', limit: 2 }))
      words.push(item.type === 'message' && item.content[0])
    expect(words).toMatchObject([
      { type: 'input_text', text: 'One' },
      { type: 'output_text', text: 'Two' },
      { type: 'input_text', text: 'Three' },
    ])
    const newest = await client.responses.inputItems.list(id, { limit: 1 })
    expect(newest.data).toMatchObject([{ content: [{ text: 'Three' }] }])
    expect(newest.has_more).toBe(true)
  })

  it('forgets a response that is deleted, and keeps none that is not to be stored', async () => {
    const app = await startApp(answering(hello))
    const client = app.openai()
    const { id } = await client.responses.create(request)
    await client.responses.delete(id)
    const unkept = await client.responses.create({ ...request, store: false })
    for (const gone of [id, unkept.id, 'resp_never', 'x'.repeat(500)]) {
      await expect(client.responses.retrieve(gone)).rejects.toMatchObject({ status: 404, code: 'not_found' })
      await expect(client.responses.delete(gone)).rejects.toMatchObject({ status: 404 })
      await expect(client.responses.create({ ...request, previous_response_id: gone })).rejects.toMatchObject(
        { status: 400, code: 'previous_response_not_found' },
      )
    }
  })

  it('shows a response to nobody with another key', async () => {
    const app = await startApp({ ...answering(hello), env: { API_SECRET: 'sk-alice,sk-bob' } })
    const [alice, bob] = [withKey(app, 'sk-alice'), withKey(app, 'sk-bob')]
    const { id } = await alice.responses.create(request)
    await expect(bob.responses.retrieve(id)).rejects.toMatchObject({ status: 404 })
    await expect(bob.responses.delete(id)).rejects.toMatchObject({ status: 404 })
    await expect(bob.responses.cancel(id)).rejects.toMatchObject({ status: 404 })
    await expect(bob.responses.inputItems.list(id)).rejects.toMatchObject({ status: 404 })
    await expect(bob.responses.create({ ...request, previous_response_id: id })).rejects.toMatchObject({
      status: 400,
    })
    expect((await alice.responses.retrieve(id)).output_text).toBe('Hello you')
  })

  it('makes a picture, in the background too', async () => {
    const app = await startApp(making(publicFile))
    const client = app.openai()
    const picture = '![image](https://cdn.example.com/a.png)'
    const asked = { model: dallE.id, input: 'A cat' }
    expect((await client.responses.create(asked)).output_text).toBe(picture)
    const { id } = await client.responses.create({ ...asked, background: true })
    await expect.poll(async () => (await client.responses.retrieve(id)).status).toBe('completed')
    expect((await client.responses.retrieve(id)).output_text).toBe(picture)
    const wire = await (await app.send('/v1/responses', { ...asked, stream: true })).text()
    expect(wire).toContain('\n\n: progress 1/2\n\n')
  })

  it('answers though it cannot be kept', async () => {
    const keptResponses = {
      keep: () => Promise.reject(new UnavailableError('dependency_unavailable')),
      find: () => Promise.resolve(undefined),
      replace: () => Promise.resolve(false),
      remove: () => Promise.resolve(false),
    }
    const app = await startApp({ ...answering(hello), services: { keptResponses } })
    expect((await app.openai().responses.create(request)).output_text).toBe('Hello you')
    expect(app.logs).toContainEqual(expect.objectContaining({ msg: 'a response could not be kept' }))
  })
})

describe('a response that fails', () => {
  it('is a true HTTP error before its first event, streamed or not', async () => {
    const error = new UnavailableError('all_accounts_cooling', { retryAfterMs: 5000 })
    const app = await startApp({ runChat: () => Promise.reject(error) })
    for (const stream of [false, true])
      await expect(app.openai().responses.create({ ...request, stream })).rejects.toMatchObject({
        status: 429,
        code: 'all_accounts_cooling',
        type: 'rate_limit_error',
      })
  })

  it('throws in the middle of a stream, and is told in the way that Codex understands', async () => {
    const app = await startApp({
      runChat: () => Promise.resolve(answerOf([text('Hel')], new UpstreamError('reset'))),
    })
    const read = async () => {
      const events = await app.openai().responses.create({ ...request, stream: true })
      for await (const _event of events);
    }
    await expect(read()).rejects.toMatchObject({ code: 'upstream_reset' })
    const wire = await (await app.send('/v1/responses', { ...request, stream: true })).text()
    expect(wire).toContain('event: response.failed\n')
    expect(wire).not.toContain('response.completed')
    expect(wire).not.toContain('[DONE]')
  })

  it('frees everything when the client leaves in the middle', async () => {
    const left = Promise.withResolvers<void>()
    const app = await startApp({
      runChat: async (_chat, call) => {
        call.signal.addEventListener('abort', () => left.resolve())
        async function* events() {
          yield text('Hel')
          await untilAborted(call)
        }
        return { events: events() }
      },
    })
    const events = await app.openai().responses.create({ ...request, stream: true })
    for await (const event of events) if (event.type === 'response.output_text.delta') break
    await left.promise
  })

  it('tells a wrong request by its place', async () => {
    const app = await startApp(answering(hello))
    await expect(
      app.openai().responses.create({
        model,
        input: [{ role: 'user', content: [{ type: 'input_image', detail: 'auto', file_id: 'f' }] }],
      }),
    ).rejects.toMatchObject({ status: 400, param: 'input[0].content[0].file_id' })
  })
})

describe('a response in the background', () => {
  it('is queued, in progress and done', async () => {
    const begin = Promise.withResolvers<void>()
    const end = Promise.withResolvers<void>()
    const app = await startApp({
      runChat: async () => {
        await begin.promise
        async function* events() {
          yield text('Hello')
          await end.promise
          yield [finished]
        }
        return { events: events() }
      },
    })
    const client = app.openai()
    const { id, status } = await client.responses.create({ ...request, background: true })
    expect(status).toBe('queued')
    expect((await client.responses.retrieve(id)).status).toBe('queued')
    await expect(
      client.responses.create({ model, input: 'x', previous_response_id: id }),
    ).rejects.toMatchObject({ status: 400, param: 'previous_response_id' })
    begin.resolve()
    await expect.poll(async () => (await client.responses.retrieve(id)).status).toBe('in_progress')
    end.resolve()
    await expect.poll(async () => (await client.responses.retrieve(id)).status).toBe('completed')
    expect(await client.responses.retrieve(id)).toMatchObject({ background: true, output_text: 'Hello' })
  })

  it('FINDINGS C12: can be seen to come, left, and followed again from where it was left', async () => {
    const end = Promise.withResolvers<void>()
    const app = await startApp({
      runChat: async () => {
        async function* events() {
          yield text('Hello')
          await end.promise
          yield text(' there')
          yield [finished]
        }
        return { events: events() }
      },
    })
    const client = app.openai()
    const stream = await client.responses.create({ ...request, background: true, stream: true })
    let id = ''
    let seen = -1
    for await (const event of stream) {
      seen = event.sequence_number
      if (event.type === 'response.created') id = event.response.id
      if (event.type === 'response.output_text.delta') break
    }
    const follow = async (more: object) => {
      const events = []
      for await (const event of await client.responses.retrieve(id, { stream: true, ...more }))
        events.push(event)
      return events
    }
    const followed = follow({ starting_after: seen })
    await expect.poll(async () => (await client.responses.retrieve(id)).status).toBe('in_progress')
    end.resolve()
    const rest = await followed
    expect(rest.map((event) => event.sequence_number)).toEqual(rest.map((_, index) => seen + 1 + index))
    expect(rest[0]).toMatchObject({ type: 'response.output_text.delta', delta: ' there' })
    expect(rest.at(-1)).toMatchObject({ type: 'response.completed' })
    await expect.poll(async () => (await client.responses.retrieve(id)).status).toBe('completed')
    expect((await follow({})).slice(seen + 1)).toEqual(rest)
    expect((await client.responses.retrieve(id)).output_text).toBe('Hello there')
  })

  it('FINDINGS C12: is a true error where it fails before it has begun', async () => {
    const app = await startApp({ runChat: () => Promise.reject(new UpstreamError('overloaded')) })
    await expect(
      app.openai().responses.create({ ...request, background: true, stream: true }),
    ).rejects.toMatchObject({ status: 503 })
  })

  it('FINDINGS C12: is streamed when it was made before', async () => {
    const app = await startApp(answering([text('Hello'), [finished]]))
    const client = app.openai()
    const { id } = await client.responses.create(request)
    const events = []
    for await (const event of await client.responses.retrieve(id, { stream: true })) events.push(event)
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index))
    expect(events.at(-1)).toMatchObject({ response: { id, status: 'completed' } })
  })

  it('goes on when the client that asked for it has left, until it is cancelled', async () => {
    const { client, id, aborted } = await beginEndless()
    expect((await client.responses.cancel(id)).status).toBe('cancelled')
    await aborted
    expect((await client.responses.cancel(id)).status).toBe('cancelled')
    expect(await client.responses.retrieve(id)).toMatchObject({
      status: 'cancelled',
      output: [],
      error: null,
    })
  })

  it('is given up when it is deleted', async () => {
    const { client, id, aborted } = await beginEndless()
    await client.responses.delete(id)
    await aborted
    await expect(client.responses.retrieve(id)).rejects.toMatchObject({ status: 404 })
  })

  it('says why it failed', async () => {
    const app = await startApp({ runChat: () => Promise.reject(new UpstreamError('overloaded')) })
    const client = app.openai()
    const { id } = await client.responses.create({ ...request, background: true })
    await expect.poll(async () => (await client.responses.retrieve(id)).status).toBe('failed')
    expect(await client.responses.retrieve(id)).toMatchObject({
      error: { code: 'server_error', message: 'Genspark Service Unavailable' },
    })
  })

  it('leaves the upstream when it cannot be kept in the middle', async () => {
    const aborted = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const runChat: RunChat = async (_chat, { signal }) => {
      await begun.promise
      signal.addEventListener('abort', () => aborted.resolve())
      return answerOf(hello)
    }
    const away = () => Promise.reject(new UnavailableError('dependency_unavailable'))
    const services = {
      keptResponses: { keep: () => Promise.resolve(), find: away, replace: away, remove: away },
    }
    const app = await startApp({ runChat, services })
    await app.openai().responses.create({ ...request, background: true })
    begun.resolve()
    await aborted.promise
  })

  it('was lost with its process when it is unfinished for too long', async () => {
    let nowMs = Date.UTC(2026, 10, 23)
    const app = await startApp({
      runChat: (_chat, call) => untilAborted(call),
      services: { clock: { now: () => nowMs } },
    })
    const client = app.openai()
    const { id } = await client.responses.create({ ...request, background: true })
    nowMs += 3 * 60 * 60 * 1000
    expect(await client.responses.retrieve(id)).toMatchObject({
      status: 'failed',
      error: { code: 'server_error' },
    })
  })

  it('is the only one that can be cancelled', async () => {
    const app = await startApp(answering(hello))
    const client = app.openai()
    const { id } = await client.responses.create(request)
    await expect(client.responses.cancel(id)).rejects.toMatchObject({ status: 400 })
  })
})

describe('GET /v1/responses', () => {
  it('finds nothing without an id, and POST is there under every base', async () => {
    const app = await startApp()
    expect((await fetch(`${app.url}/v1/responses`)).status).toBe(404)
    for (const path of ['/responses', '/v1/responses', '/v1/v1/responses'])
      expect((await app.send(path, request)).status).toBe(200)
  })
})

/** A response in the background that ends only by being given up. */
async function beginEndless() {
  const aborted = Promise.withResolvers<void>()
  const app = await startApp({
    runChat: (_chat, call) => {
      call.signal.addEventListener('abort', () => aborted.resolve())
      return untilAborted(call)
    },
  })
  const client = app.openai()
  const { id } = await client.responses.create({ ...request, background: true })
  return { client, id, aborted: aborted.promise }
}

describe('routes beside it (FINDINGS C12)', () => {
  it('counts the input of a request that is not asked', async () => {
    const app = await startApp(answering())
    const response = await app.send('/v1/responses/input_tokens', request)
    expect(await response.json()).toMatchObject({
      object: 'response.input_tokens',
      input_tokens: expect.any(Number),
    })
  })

  it('puts a conversation in short, and takes it back as history', async () => {
    const chats = answering([text('They want a cake.'), [finished]], [text('With cherries.'), [finished]])
    const app = await startApp(chats)
    const compact = await app.send('/v1/responses/compact', { ...request, input: 'Bake a cake' })
    const { object, output } = (await compact.json()) as { object: string; output: object[] }
    expect(object).toBe('response.compaction')
    expect(output).toMatchObject([{ type: 'compaction', encrypted_content: expect.any(String) }])
    const item = { type: 'message', role: 'user', content: 'Go on' }
    await app.send('/v1/responses', { ...request, input: [...output, item] })
    expect(JSON.stringify(chats.asked[1]?.messages)).toContain('They want a cake.')
  })

  it.each([
    ['/v1/conversations', 'previous_response_id'],
    ['/v1/conversations/conv_1/items', 'previous_response_id'],
    ['/v1/images/variations', '/v1/images/edits'],
    ['/v1/videos/video_1/remix', 'POST /v1/videos'],
    ['/threads', '/v1/responses'],
    ['/v1/batches', 'one by one'],
  ])('%s is not here, and says what is', async (path, instead) => {
    const { send } = await startApp()
    const response = await send(path, {})
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { error: { code: 'not_found', message: expect.stringContaining(instead) } },
    ])
  })
})
