import Anthropic from '@anthropic-ai/sdk'
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Stack } from '../../support/stack.ts'
import { pictures } from '../../upstream/pictures.ts'
import { answerWithCalls, clientKey, cutAnswer, startClientStack } from './client-stack.ts'

let stack: Stack
let client: Anthropic
beforeAll(async () => {
  stack = await startClientStack('copilot')
  client = new Anthropic({ baseURL: stack.url, apiKey: clientKey, maxRetries: 0 })
})
beforeEach(() => stack.emulator.answerWith({ type: 'answer', chunks: ['Hello ', 'from ', 'the ', 'model.'] }))
afterEach(() => stack.expectNothingLeft())
afterAll(() => stack.stop())

const ask = {
  model: 'claude-sonnet-4-6',
  max_tokens: 1024,
  messages: [{ role: 'user' as const, content: 'Hello' }],
}
const weatherTool = {
  name: 'get_weather',
  description: 'The weather of a city',
  input_schema: {
    type: 'object' as const,
    properties: { city: { type: 'string' } },
    required: ['city'],
  },
}
const weatherCalls = [
  { name: 'get_weather', arguments: { city: 'Paris' } },
  { name: 'get_weather', arguments: { city: 'Rome' } },
]
const weatherAnswer = 'Paris has 21 degrees, Rome 28.'
const askedText = () => JSON.stringify(stack.emulator.asks.at(-1)?.messages)

describe('messages', () => {
  it('answers whole, with usage and a request id', async () => {
    const message = await client.messages.create({ ...ask, system: 'Be brief.' })
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: ask.model,
      content: [{ type: 'text', text: 'Hello from the model.' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
    })
    expect(message.usage.input_tokens).toBeGreaterThan(0)
    expect(message.usage.output_tokens).toBeGreaterThan(2)
    expect(message._request_id).toBeTruthy()
    expect(askedText()).toContain('Be brief.')
  })

  it('streams through the stream helper', async () => {
    const stream = client.messages.stream(ask)
    const pieces: string[] = []
    stream.on('text', (piece) => pieces.push(piece))
    const message = await stream.finalMessage()
    expect(pieces.join('')).toBe('Hello from the model.')
    expect(message.content).toMatchObject([{ type: 'text', text: 'Hello from the model.' }])
    expect(message.usage.output_tokens).toBeGreaterThan(2)
  })

  it.each([false, true])('makes a round trip through tools (stream: %s)', async (streamed) => {
    answerWithCalls(stack, weatherCalls, weatherAnswer)
    const send = (messages: Anthropic.MessageParam[]) => {
      const request = { ...ask, messages, tools: [weatherTool] }
      return streamed ? client.messages.stream(request).finalMessage() : client.messages.create(request)
    }
    const question = { role: 'user' as const, content: 'How is the weather in Paris and Rome?' }
    const first = await send([question])
    const calls = first.content.filter((block) => block.type === 'tool_use')
    expect(first.stop_reason).toBe('tool_use')
    expect(calls.map(({ input }) => input)).toEqual([{ city: 'Paris' }, { city: 'Rome' }])
    const results = calls.map(({ id }) => ({
      type: 'tool_result' as const,
      tool_use_id: id,
      content: [{ type: 'text' as const, text: '21 degrees' }],
    }))
    const second = await send([
      question,
      { role: 'assistant', content: first.content },
      { role: 'user', content: results },
    ])
    expect(second.content).toMatchObject([{ type: 'text', text: weatherAnswer }])
    expect(askedText()).toContain('21 degrees')
  })

  it.each([false, true])('runs tools to the end with the tool runner (stream: %s)', async (stream) => {
    answerWithCalls(stack, weatherCalls, weatherAnswer)
    const cities: string[] = []
    const runner = client.beta.messages.toolRunner({
      ...ask,
      stream,
      tools: [
        betaZodTool({
          name: 'get_weather',
          description: 'The weather of a city',
          inputSchema: z.object({ city: z.string() }),
          run({ city }) {
            cities.push(city)
            return '21 degrees'
          },
        }),
      ],
    })
    const message = await runner.runUntilDone()
    expect(cities).toEqual(['Paris', 'Rome'])
    expect(message.content).toMatchObject([{ type: 'text', text: weatherAnswer }])
  })

  it('parses structured output', async () => {
    stack.emulator.answerWith({ type: 'answer', text: '```json\n{"name": "Ada", "age": 36}\n```' })
    const format = zodOutputFormat(z.object({ name: z.string(), age: z.number() }))
    const message = await client.messages.parse({ ...ask, output_config: { format } })
    expect(message.parsed_output).toEqual({ name: 'Ada', age: 36 })
  })

  it('shows thinking when asked for it, and only then', async () => {
    stack.emulator.answerWith({ type: 'answer', thinking: ['Let me ', 'think.'], chunks: ['Done.'] })
    const thinking = { type: 'enabled', budget_tokens: 1024 } as const
    const message = await client.messages.stream({ ...ask, max_tokens: 2048, thinking }).finalMessage()
    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'Let me think.' },
      { type: 'text', text: 'Done.' },
    ])
    const plain = await client.messages.create(ask)
    expect(plain.content).toMatchObject([{ type: 'text', text: 'Done.' }])

    const next = { role: 'user' as const, content: 'Go on.' }
    const turns = [...ask.messages, { role: 'assistant' as const, content: message.content }, next]
    await client.messages.create({ ...ask, messages: turns })
    expect(askedText()).toContain('Go on.')
  })

  it('cuts at a stop sequence and at a limit', async () => {
    expect(await client.messages.create({ ...ask, stop_sequences: ['the model'] })).toMatchObject({
      content: [{ type: 'text', text: 'Hello from ' }],
      stop_reason: 'stop_sequence',
      stop_sequence: 'the model',
    })
    expect(await client.messages.create({ ...ask, max_tokens: 2 })).toMatchObject({
      content: [{ type: 'text', text: 'Hello from' }],
      stop_reason: 'max_tokens',
    })
  })

  it('takes pictures', async () => {
    const data = pictures.png.toString('base64')
    const image = {
      type: 'image' as const,
      source: { type: 'base64' as const, media_type: 'image/png' as const, data },
    }
    const content = [image, { type: 'text' as const, text: 'What is this?' }]
    await client.messages.create({ ...ask, messages: [{ role: 'user', content }] })
    expect(askedText()).toContain(data)
  })

  it('counts tokens without asking the site', async () => {
    const before = stack.emulator.asks.length
    const { max_tokens: _limit, ...counted } = ask
    const short = await client.messages.countTokens(counted)
    const long = await client.messages.countTokens({ ...counted, system: 'Be brief. '.repeat(50) })
    expect(short.input_tokens).toBeGreaterThan(0)
    expect(long.input_tokens).toBeGreaterThan(short.input_tokens + 50)
    expect(stack.emulator.asks.length).toBe(before)
  })

  it('raises when an answer breaks in its middle', async () => {
    stack.emulator.answerWith(cutAnswer)
    const stream = client.messages.stream(ask)
    let text = ''
    stream.on('text', (piece) => {
      text += piece
    })
    await expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIError)
    expect(text).toBe('Half an ')
  })
})

describe('errors', () => {
  it.each([
    ['a wrong key', { apiKey: 'wrong' }, {}, Anthropic.AuthenticationError, 'authentication_error'],
    [
      'a wrong value',
      {},
      { max_tokens: 'many' as never },
      Anthropic.BadRequestError,
      'invalid_request_error',
    ],
  ] as const)('raises the right class for %s', async (_fault, options, more, errorClass, type) => {
    const error = await client
      .withOptions(options)
      .messages.create({ ...ask, ...more })
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(errorClass)
    expect(error).toMatchObject({
      error: { type: 'error', error: { type, message: expect.any(String) } },
      requestID: expect.any(String),
    })
  })

  it('raises an overload as one that may be tried again', async () => {
    stack.emulator.answerWith({ type: 'failure', failure: 'F4' })
    const error = await client.messages.create(ask).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Anthropic.APIError)
    expect(error).toMatchObject({ status: expect.any(Number), error: { type: 'error' } })
  })
})

describe('models', () => {
  it('are listed as the SDK reads them', async () => {
    const page = await client.models.list({ limit: 1000 })
    expect(page.data.map(({ id }) => id)).toContain('claude-sonnet-5')
    expect(page.hasNextPage()).toBe(false)
  })
})
