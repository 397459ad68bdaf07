import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { ApiError, FunctionCallingConfigMode, GoogleGenAI, Type } from '@google/genai'
import { generateText, Output, stepCountIs, streamText, tool } from 'ai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Stack } from '../../support/stack.ts'
import { pictures } from '../../upstream/pictures.ts'
import { answerWithCalls, clientKey, cutAnswer, startClientStack } from './client-stack.ts'

let stack: Stack
let client: GoogleGenAI
beforeAll(async () => {
  stack = await startClientStack()
  client = clientWith(clientKey)
})
beforeEach(() => stack.emulator.answerWith({ type: 'answer', chunks: ['Hello ', 'from ', 'the ', 'model.'] }))
afterEach(() => stack.expectNothingLeft())
afterAll(() => stack.stop())

const clientWith = (apiKey: string) =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: stack.url, retryOptions: { attempts: 1 } } })
const model = 'gemini-3.8-flash'
const askedText = () => JSON.stringify(stack.emulator.asks.at(-1)?.messages)
const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ['city'] },
}

describe('@google/genai', () => {
  it('answers whole, with usage', async () => {
    const config = { systemInstruction: 'Be brief', temperature: 0, maxOutputTokens: 100 }
    const answer = await client.models.generateContent({ model, contents: 'Hello', config })
    expect(answer.text).toBe('Hello from the model.')
    expect(answer.candidates?.[0]?.finishReason).toBe('STOP')
    expect(answer.usageMetadata?.totalTokenCount).toBeGreaterThan(4)
    expect(askedText()).toContain('Be brief')
  })

  it('streams', async () => {
    const pieces: (string | undefined)[] = []
    let usage: number | undefined
    for await (const chunk of await client.models.generateContentStream({ model, contents: 'Hello' })) {
      pieces.push(chunk.text)
      usage = chunk.usageMetadata?.totalTokenCount ?? usage
    }
    expect(pieces.join('')).toBe('Hello from the model.')
    expect(pieces.length).toBeGreaterThan(2)
    expect(usage).toBeGreaterThan(4)
  })

  it.each([false, true])('calls functions and reads their results (stream: %s)', async (stream) => {
    answerWithCalls(stack, [{ name: 'get_weather', arguments: { city: 'Paris' } }], 'Paris has 21 degrees.')
    const chat = client.chats.create({ model, config: { tools: [{ functionDeclarations: [weather] }] } })
    const message = 'How is the weather in Paris?'
    const calls: unknown[] = []
    if (stream) {
      for await (const { functionCalls } of await chat.sendMessageStream({ message }))
        calls.push(...(functionCalls ?? []))
    } else calls.push(...((await chat.sendMessage({ message })).functionCalls ?? []))
    expect(calls).toMatchObject([{ name: 'get_weather', args: { city: 'Paris' } }])
    const response = { name: 'get_weather', response: { output: 'It is 21 degrees' } }
    const answer = await chat.sendMessage({ message: [{ functionResponse: response }] })
    expect(answer.text).toBe('Paris has 21 degrees.')
    expect(askedText()).toContain('It is 21 degrees')
  })

  it('offers the allowed functions alone', async () => {
    answerWithCalls(stack, [{ name: 'get_weather', arguments: { city: 'Rome' } }], 'No')
    const functionCallingConfig = {
      mode: FunctionCallingConfigMode.ANY,
      allowedFunctionNames: ['get_weather'],
    }
    const tools = [{ functionDeclarations: [weather, { name: 'get_time' }] }]
    const config = { tools, toolConfig: { functionCallingConfig } }
    const { functionCalls } = await client.models.generateContent({ model, contents: 'Rome?', config })
    expect(functionCalls?.map(({ name }) => name)).toEqual(['get_weather'])
    expect(askedText()).not.toContain('get_time')
  })

  it('answers JSON by a schema', async () => {
    stack.emulator.answerWith({ type: 'answer', chunks: ['Here: {"name": "Ada", ', '"age": 36}'] })
    const responseSchema = {
      type: Type.OBJECT,
      properties: { name: { type: Type.STRING }, age: { type: Type.INTEGER } },
      required: ['name', 'age'],
    }
    const config = { responseMimeType: 'application/json', responseSchema }
    const { text } = await client.models.generateContent({ model, contents: 'Who?', config })
    expect(JSON.parse(text ?? '')).toEqual({ name: 'Ada', age: 36 })
  })

  it('sends a picture', async () => {
    const inlineData = { mimeType: 'image/jpeg', data: pictures.png.toString('base64') }
    const contents = [{ role: 'user', parts: [{ text: 'What is it?' }, { inlineData }] }]
    expect((await client.models.generateContent({ model, contents })).text).toBe('Hello from the model.')
    expect(askedText()).toContain('image/png')
  })

  it('searches where it is asked to', async () => {
    const { text } = await client.models.generateContent({
      model,
      contents: 'News?',
      config: { tools: [{ googleSearch: {} }] },
    })
    // The mock of the site says this where it searches.
    expect(text).toContain('Let me look that up.')
  })

  it('counts tokens and lists models', async () => {
    expect((await client.models.countTokens({ model, contents: 'Hello there' })).totalTokens).toBeGreaterThan(
      1,
    )
    const names: (string | undefined)[] = []
    for await (const { name } of await client.models.list()) names.push(name)
    expect(names).toContain(`models/${model}`)
    expect(await client.models.get({ model: 'gemini-3-flash' })).toMatchObject({
      name: 'models/gemini-3-flash',
    })
  })

  it('raises its own errors: a wrong key, a wrong value, a break', async () => {
    const ask = (asked: GoogleGenAI, contents: never) => asked.models.generateContent({ model, contents })
    await expect(ask(clientWith('wrong'), 'Hello' as never)).rejects.toMatchObject({ status: 401 })
    await expect(ask(client, 7 as never)).rejects.toThrow()
    stack.emulator.answerWith(cutAnswer)
    const read = async () => {
      for await (const _ of await client.models.generateContentStream({ model, contents: 'Hello' }));
    }
    await expect(read()).rejects.toThrow(ApiError)
  })
})

it('answers a stream without alt=sse as a list, with the key in the query, which the log leaves out', async () => {
  const body = JSON.stringify({ contents: [{ parts: [{ text: 'Hello' }] }] })
  const url = `${stack.url}/v1beta/models/${model}:streamGenerateContent?key=${clientKey}`
  const response = await fetch(url, { method: 'POST', body })
  expect(await response.json()).toMatchObject([
    { candidates: [{ content: { role: 'model', parts: [{ text: 'Hello from the model.' }] } }] },
  ])
  const refused = await fetch(`${stack.url}/v1beta/models/${model}:embedContent?key=${clientKey}`, {
    method: 'POST',
    body,
  })
  expect([refused.status, await refused.json()]).toMatchObject([404, { error: { status: 'NOT_FOUND' } }])
  await expect.poll(() => JSON.stringify(stack.logs)).toContain('embedContent')
  expect(JSON.stringify(stack.logs)).not.toContain(clientKey)
})

describe("the AI SDK's google provider", () => {
  const google = () => createGoogleGenerativeAI({ apiKey: clientKey, baseURL: `${stack.url}/v1beta` })
  const tools = {
    get_weather: tool({
      inputSchema: z.object({ city: z.string() }),
      execute: ({ city }) => `21 degrees in ${city}`,
    }),
  }

  it('streams', async () => {
    const { textStream, usage } = streamText({ model: google()(model), prompt: 'Hello' })
    const pieces: string[] = []
    for await (const piece of textStream) pieces.push(piece)
    expect(pieces.join('')).toBe('Hello from the model.')
    expect((await usage).totalTokens).toBeGreaterThan(4)
  })

  it('runs a tool to the end', async () => {
    answerWithCalls(stack, [{ name: 'get_weather', arguments: { city: 'Paris' } }], 'Paris has 21 degrees.')
    const options = { model: google()(model), prompt: 'Weather in Paris?', tools, stopWhen: stepCountIs(3) }
    expect((await generateText(options)).text).toBe('Paris has 21 degrees.')
    expect(askedText()).toContain('21 degrees in Paris')
  })

  it('answers JSON by a schema', async () => {
    stack.emulator.answerWith({ type: 'answer', chunks: ['{"name": "Ada"}'] })
    const output = Output.object({ schema: z.object({ name: z.string() }) })
    const answer = await generateText({ model: google()(model), prompt: 'Who?', output })
    expect(answer.output).toEqual({ name: 'Ada' })
  })
})
