import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { ChatEventBatch } from '../../../src/core/chat-event.ts'
import type { ChatRequest } from '../../../src/core/chat-request.ts'
import { UpstreamError } from '../../../src/core/errors.ts'
import { answerOf, finished, startApp, text, untilAborted } from '../support/start-app.ts'

const messages = [{ role: 'user' as const, content: 'Weather in Rome?' }]
const request = { model: 'claude-sonnet-5', messages }
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const weather = {
  type: 'function',
  function: { name: 'weather', description: 'Tells it', parameters },
} as const

const call = (id: string, city: string) =>
  [
    { type: 'tool-call-started', id, name: 'weather' },
    { type: 'tool-call-delta', argumentsText: '{"city":' },
    { type: 'tool-call-delta', argumentsText: `${JSON.stringify(city)}}` },
  ] as const
const called = { type: 'finished', reason: 'tool-calls' } as const

/** Answers the asks in turn, and remembers them. */
function answering(...answers: readonly (readonly ChatEventBatch[])[]) {
  const asked: ChatRequest[] = []
  const runChat = (chat: ChatRequest) => {
    asked.push(chat)
    return Promise.resolve(answerOf(answers[asked.length - 1] ?? []))
  }
  return { asked, runChat }
}

describe('tools through the official client', () => {
  it('makes a round trip, with two calls at once and results of them', async () => {
    const chats = answering(
      [text('Let me look.'), [...call('c1', 'Rome')], [...call('c2', 'Milan'), called]],
      [text('Sunny'), [finished]],
    )
    const client = (await startApp(chats)).openai()
    const cities: string[] = []
    const runner = client.chat.completions.runTools({
      ...request,
      tools: [
        {
          type: 'function',
          function: {
            ...weather.function,
            parse: JSON.parse,
            function: ({ city }: { city: string }) => {
              cities.push(city)
              return `12 in ${city}`
            },
          },
        },
      ],
    })
    expect(await runner.finalContent()).toBe('Sunny')
    expect(cities).toEqual(['Rome', 'Milan'])
    expect(chats.asked[0]?.tools).toEqual({
      definitions: [{ name: 'weather', description: 'Tells it', parameters, strict: false }],
      choice: { type: 'auto' },
      parallel: true,
    })
    const result = (callId: string, words: string) => ({
      role: 'tool',
      callId,
      parts: [{ type: 'text', text: words }],
      failed: false,
    })
    expect(chats.asked[1]?.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        parts: [{ type: 'text', text: 'Let me look.' }],
        toolCalls: [
          { id: 'c1', name: 'weather', argumentsText: '{"city":"Rome"}' },
          { id: 'c2', name: 'weather', argumentsText: '{"city":"Milan"}' },
        ],
      },
      result('c1', '12 in Rome'),
      result('c2', '12 in Milan'),
    ])
  })

  it('streams calls that the stream helper puts together', async () => {
    const app = await startApp(answering([[...call('c1', 'Rome')], [...call('c2', 'Milan')], [called]]))
    const stream = app.openai().chat.completions.stream({ ...request, tools: [weather] })
    const { message, finish_reason } = (await stream.finalChatCompletion()).choices[0] ?? {}
    expect(finish_reason).toBe('tool_calls')
    expect(message).toMatchObject({
      content: null,
      tool_calls: [
        { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
        { id: 'c2', type: 'function', function: { name: 'weather', arguments: '{"city":"Milan"}' } },
      ],
    })
  })

  it.each([[false], [true]])('answers functions in kind, streamed: %s', async (stream) => {
    const chats = answering([[...call('c1', 'Rome'), called]])
    const app = await startApp(chats)
    const body = {
      ...request,
      functions: [{ name: 'weather', parameters }],
      function_call: { name: 'weather' },
    }
    const completion = stream
      ? await app.openai().chat.completions.stream(body).finalChatCompletion()
      : await app.openai().chat.completions.create(body)
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'function_call',
      message: { content: null, function_call: { name: 'weather', arguments: '{"city":"Rome"}' } },
    })
    expect(chats.asked[0]?.tools).toMatchObject({
      choice: { type: 'named', name: 'weather' },
      parallel: false,
    })
  })

  it('counts the calls and the definitions into the usage', async () => {
    const app = await startApp(answering([[...call('c1', 'Rome'), called]]))
    const { usage } = await app.openai().chat.completions.create({ ...request, tools: [weather] })
    expect(usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 1, total_tokens: 8 })
  })

  it('names the field of a bad tool', async () => {
    const app = await startApp()
    const bad = { ...request, tools: [{ ...weather, function: { ...weather.function, name: '' } }] }
    await expect(app.openai().chat.completions.create(bad)).rejects.toMatchObject({
      status: 400,
      param: 'tools',
    })
  })
})

describe('structured output through the official client', () => {
  const response_format = {
    type: 'json_schema',
    json_schema: { name: 'answer', strict: true, schema: parameters },
  } as const

  it('asks for the form and parses the answer', async () => {
    const chats = answering([text('{"city":', '"Rome"}'), [finished]])
    const app = await startApp(chats)
    const completion = await app.openai().chat.completions.parse({ ...request, response_format })
    expect(completion.choices[0]?.message.parsed).toEqual({ city: 'Rome' })
    expect(chats.asked[0]?.output).toEqual({
      type: 'json-schema',
      name: 'answer',
      description: undefined,
      schema: parameters,
    })
  })

  it.each([[false], [true]])('tells a refusal as one, streamed: %s', async (stream) => {
    const app = await startApp(answering([[{ type: 'refusal', text: 'It did not fit' }, finished]]))
    const { completions } = app.openai().chat
    const completion = stream
      ? await completions.stream({ ...request, response_format }).finalChatCompletion()
      : await completions.parse({ ...request, response_format })
    expect(completion.choices[0]?.message).toMatchObject({
      content: null,
      refusal: 'It did not fit',
      parsed: null,
    })
  })
})

describe('n through the official client', () => {
  const answers = [
    [text('One'), [finished]],
    [text('Two and three'), [{ type: 'finished', reason: 'length' }]],
  ] as const

  it('gives as many choices, the usage of them all', async () => {
    const chats = answering(...answers)
    const app = await startApp(chats)
    const completion = await app.openai().chat.completions.create({ ...request, n: 2 })
    expect(completion.choices).toMatchObject([
      { index: 0, message: { content: 'One' }, finish_reason: 'stop' },
      { index: 1, message: { content: 'Two and three' }, finish_reason: 'length' },
    ])
    expect(completion.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 })
    expect(chats.asked).toHaveLength(2)
  })

  it('streams them as one', async () => {
    const app = await startApp(answering(...answers))
    const stream = app
      .openai()
      .chat.completions.stream({ ...request, n: 2, stream_options: { include_usage: true } })
    const completion = await stream.finalChatCompletion()
    expect(completion.choices).toMatchObject([
      { index: 0, message: { content: 'One' }, finish_reason: 'stop' },
      { index: 1, message: { content: 'Two and three' }, finish_reason: 'length' },
    ])
    expect(completion.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 })
  })

  it.each([[false], [true]])(
    'fails when one of them fails, and stops the others, streamed: %s',
    async (stream) => {
      let asked = 0
      const aborted = Promise.withResolvers<void>()
      const app = await startApp({
        runChat: (_chat, chatCall) => {
          asked += 1
          if (asked === 2) return Promise.reject(new UpstreamError('empty'))
          chatCall.signal.addEventListener('abort', () => aborted.resolve())
          return untilAborted(chatCall)
        },
      })
      const completion = app.openai().chat.completions.create({ ...request, n: 3, stream })
      await expect(completion).rejects.toBeInstanceOf(OpenAI.InternalServerError)
      await aborted.promise
      expect(asked).toBe(3)
    },
  )
})

it('passes on stop and the limit', async () => {
  const chats = answering([text('a'), [finished]])
  const app = await startApp(chats)
  const sampling = {
    temperature: 2,
    top_p: 0.1,
    seed: 1,
    logit_bias: {},
    presence_penalty: 1,
    logprobs: true,
  }
  await app.openai().chat.completions.create({ ...request, ...sampling, stop: ['END'], max_tokens: 16 })
  expect(chats.asked[0]).toMatchObject({ stop: ['END'], maxTokens: 16 })
})
