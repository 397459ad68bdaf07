import OpenAI from 'openai'
import { zodFunction, zodResponseFormat, zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Stack } from '../../support/stack.ts'
import { pictures } from '../../upstream/pictures.ts'
import { answerWithCalls, clientKey, cutAnswer, startClientStack } from './client-stack.ts'

let stack: Stack
let client: OpenAI
beforeAll(async () => {
  stack = await startClientStack()
  client = new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: clientKey, maxRetries: 0 })
})
beforeEach(() => stack.emulator.answerWith({ type: 'answer', chunks: ['Hello ', 'from ', 'the ', 'model.'] }))
afterEach(() => stack.expectNothingLeft())
afterAll(() => stack.stop())

const model = 'gpt-5.4'
const hello = [{ role: 'user', content: 'Hello' }] as const
const weatherQuestion = 'How is the weather in Paris and Rome?'
const weatherCalls = [
  { name: 'get_weather', arguments: { city: 'Paris' } },
  { name: 'get_weather', arguments: { city: 'Rome' } },
]
const citySchema = z.object({ city: z.string() })
const weatherAnswer = 'Paris has 21 degrees, Rome 28.'
const personSchema = z.object({ name: z.string(), age: z.number() })
const personText = 'Here it is:\n```json\n{"name": "Ada", "age": 36}\n```'
const askedText = () => JSON.stringify(stack.emulator.asks.at(-1)?.messages)

describe('chat completions', () => {
  it('answers whole, with usage', async () => {
    const completion = await client.chat.completions.create({ model, messages: [...hello] })
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: 'Hello from the model.' },
    })
    expect(completion.usage?.total_tokens).toBeGreaterThan(4)
    expect(completion._request_id).toBeTruthy()
  })

  it('streams through the stream helper', async () => {
    const stream = client.chat.completions.stream({
      model,
      messages: [...hello],
      stream_options: { include_usage: true },
    })
    const pieces: string[] = []
    stream.on('content', (piece) => pieces.push(piece))
    const completion = await stream.finalChatCompletion()
    expect(pieces.join('')).toBe('Hello from the model.')
    expect(completion.choices[0]?.finish_reason).toBe('stop')
    expect(completion.usage?.completion_tokens).toBeGreaterThan(2)
  })

  it.each([false, true])('runs tools to the end with runTools (stream: %s)', async (stream) => {
    answerWithCalls(stack, weatherCalls, weatherAnswer)
    const cities: string[] = []
    const params = {
      model,
      messages: [{ role: 'user' as const, content: weatherQuestion }],
      tools: [
        zodFunction({
          name: 'get_weather',
          description: 'The weather of a city',
          parameters: citySchema,
          function({ city }) {
            cities.push(city)
            return { degrees: city === 'Paris' ? 21 : 28 }
          },
        }),
      ],
    }
    const runner = stream
      ? client.chat.completions.runTools({ ...params, stream })
      : client.chat.completions.runTools({ ...params, stream })
    expect(await runner.finalContent()).toBe(weatherAnswer)
    expect(cities).toEqual(['Paris', 'Rome'])
    expect(askedText()).toMatch(/degrees.+21.+degrees.+28/)
  })

  it('keeps to one call with parallel_tool_calls: false', async () => {
    answerWithCalls(stack, weatherCalls, weatherAnswer)
    const completion = await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: weatherQuestion }],
      tools: [zodFunction({ name: 'get_weather', parameters: citySchema })],
      parallel_tool_calls: false,
    })
    const { message, finish_reason } = completion.choices[0] ?? {}
    expect(finish_reason).toBe('tool_calls')
    expect(message?.content).toBeNull()
    expect(message?.tool_calls).toHaveLength(1)
  })

  it('says nothing of tools to the model with tool_choice none', async () => {
    const completion = await client.chat.completions.create({
      model,
      messages: [...hello],
      tools: [zodFunction({ name: 'get_weather', parameters: citySchema })],
      tool_choice: 'none',
    })
    expect(completion.choices[0]?.message.content).toBe('Hello from the model.')
    expect(askedText()).not.toContain('get_weather')
  })

  it('parses structured output', async () => {
    stack.emulator.answerWith({ type: 'answer', text: personText })
    const completion = await client.chat.completions.parse({
      model,
      messages: [{ role: 'user', content: 'Who was she?' }],
      response_format: zodResponseFormat(personSchema, 'person'),
    })
    expect(completion.choices[0]?.message.parsed).toEqual({ name: 'Ada', age: 36 })
  })

  it('refuses when the answer cannot be brought into the form', async () => {
    stack.emulator.answerWith({ type: 'answer', text: 'I would rather not.' })
    const completion = await client.chat.completions.parse({
      model,
      messages: [{ role: 'user', content: 'Who was she?' }],
      response_format: zodResponseFormat(personSchema, 'person'),
    })
    expect(completion.choices[0]?.message).toMatchObject({ parsed: null, refusal: expect.any(String) })
  })

  it('parses the arguments of a call', async () => {
    answerWithCalls(stack, weatherCalls.slice(0, 1), weatherAnswer)
    const completion = await client.chat.completions.parse({
      model,
      messages: [{ role: 'user', content: weatherQuestion }],
      tools: [zodFunction({ name: 'get_weather', parameters: citySchema })],
    })
    const call = completion.choices[0]?.message.tool_calls?.[0]
    expect(call).toMatchObject({ function: { name: 'get_weather', parsed_arguments: { city: 'Paris' } } })
  })

  it('cuts at a stop sequence and at a limit, and answers n times', async () => {
    const ask = async (more: object) => {
      const completion = await client.chat.completions.create({ model, messages: [...hello], ...more })
      return completion.choices.map(({ message, finish_reason }) => [message.content, finish_reason])
    }
    expect(await ask({ stop: ['the model'] })).toEqual([['Hello from ', 'stop']])
    expect(await ask({ max_tokens: 2 })).toEqual([['Hello from', 'length']])
    expect(await ask({ n: 2 })).toEqual([
      ['Hello from the model.', 'stop'],
      ['Hello from the model.', 'stop'],
    ])
  })

  it('raises when an answer breaks in its middle', async () => {
    stack.emulator.answerWith(cutAnswer)
    const stream = await client.chat.completions.create({ model, messages: [...hello], stream: true })
    let text = ''
    const reading = (async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    })()
    await expect(reading).rejects.toThrow(OpenAI.APIError)
    expect(text).toContain('Half an ')
  })

  it('takes pictures', async () => {
    const url = `data:image/png;base64,${pictures.png.toString('base64')}`
    const parts = [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'image_url' as const, image_url: { url } },
    ]
    await client.chat.completions.create({ model, messages: [{ role: 'user', content: parts }] })
    expect(askedText()).toContain(pictures.png.toString('base64'))
  })
})

describe('responses', () => {
  it('answers whole', async () => {
    const response = await client.responses.create({ model, instructions: 'Be brief.', input: 'Hello' })
    expect(response).toMatchObject({ status: 'completed', output_text: 'Hello from the model.', error: null })
    expect(response.usage?.total_tokens).toBeGreaterThan(4)
    expect(askedText()).toContain('Be brief.')
  })

  it('streams through the stream helper', async () => {
    const stream = client.responses.stream({ model, input: 'Hello' })
    const pieces: string[] = []
    stream.on('response.output_text.delta', ({ delta }) => pieces.push(delta))
    const response = await stream.finalResponse()
    expect(pieces.join('')).toBe('Hello from the model.')
    expect(response.output_text).toBe('Hello from the model.')
  })

  it('goes on from an earlier response, which can be read and deleted', async () => {
    const first = await client.responses.create({
      model,
      instructions: 'Be brief.',
      input: 'My name is Ada.',
    })
    await client.responses.create({ model, input: 'What is my name?', previous_response_id: first.id })
    expect(askedText()).toMatch(/My name is Ada.+Hello from the model.+What is my name/)
    expect(askedText()).not.toContain('Be brief.')
    expect((await client.responses.retrieve(first.id)).output_text).toBe('Hello from the model.')
    await client.responses.delete(first.id)
    await expect(client.responses.retrieve(first.id)).rejects.toThrow(OpenAI.NotFoundError)
  })

  it('parses structured output', async () => {
    stack.emulator.answerWith({ type: 'answer', text: personText })
    const response = await client.responses.parse({
      model,
      input: 'Who was she?',
      text: { format: zodTextFormat(personSchema, 'person') },
    })
    expect(response.output_parsed).toEqual({ name: 'Ada', age: 36 })
  })

  it('makes a round trip through tools', async () => {
    answerWithCalls(stack, weatherCalls, weatherAnswer)
    const tools = [zodResponsesFunction({ name: 'get_weather', parameters: citySchema })]
    const first = await client.responses.parse({ model, input: weatherQuestion, tools })
    const calls = first.output.filter((item) => item.type === 'function_call')
    expect(calls.map((call) => call.parsed_arguments)).toEqual([{ city: 'Paris' }, { city: 'Rome' }])
    const second = await client.responses.create({
      model,
      previous_response_id: first.id,
      tools,
      input: calls.map(({ call_id }) => ({
        type: 'function_call_output',
        call_id,
        output: '{"degrees":21}',
      })),
    })
    expect(second.output_text).toBe(weatherAnswer)
    expect(askedText()).toMatch(/weather in Paris and Rome.+degrees/)
  })

  it('raises when an answer breaks in its middle', async () => {
    stack.emulator.answerWith(cutAnswer)
    const stream = await client.responses.create({ model, input: 'Hello', stream: true })
    const types: string[] = []
    const reading = (async () => {
      for await (const event of stream) types.push(event.type)
    })()
    await expect(reading).rejects.toThrow(OpenAI.APIError)
    expect(types).toContain('response.output_text.delta')
    expect(types).not.toContain('response.completed')
  })
})

describe('everything else', () => {
  it('lists and finds models', async () => {
    const { data } = await client.models.list()
    expect(data.map(({ id }) => id)).toContain(model)
    expect((await client.models.retrieve(model)).id).toBe(model)
  })

  it('makes pictures and videos', async () => {
    stack.emulator.answerWith(undefined)
    const pictureReply = await client.images.generate({
      model: 'gpt-image-2',
      prompt: 'A red ball',
      response_format: 'b64_json',
    })
    expect(pictureReply.data?.[0]?.b64_json).toBeTruthy()
    const { id } = await client.videos.create({ model: 'sora-2', prompt: 'A red ball' })
    await expect.poll(async () => (await client.videos.retrieve(id)).status).toBe('completed')
    const video = await client.videos.downloadContent(id)
    expect((await video.arrayBuffer()).byteLength).toBeGreaterThan(100)
  })

  it.each([
    ['a wrong key', { apiKey: 'wrong' }, {}, OpenAI.AuthenticationError],
    ['a wrong value', {}, { messages: 7 as never }, OpenAI.BadRequestError],
  ])('raises the right class for %s', async (_fault, options, more, errorClass) => {
    const request = client
      .withOptions(options)
      .chat.completions.create({ model, messages: [...hello], ...more })
    await expect(request).rejects.toThrow(errorClass)
  })
})
