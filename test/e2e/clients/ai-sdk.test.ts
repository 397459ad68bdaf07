import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  APICallError,
  generateImage,
  generateObject,
  generateText,
  isStepCount,
  type LanguageModel,
  Output,
  streamObject,
  streamText,
  tool,
} from 'ai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Stack } from '../../support/stack.ts'
import { pictures } from '../../upstream/pictures.ts'
import { answerWithCalls, clientKey, cutAnswer, startClientStack } from './client-stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startClientStack('copilot')
})
beforeEach(() => stack.emulator.answerWith({ type: 'answer', chunks: ['Hello ', 'from ', 'the ', 'model.'] }))
afterEach(() => stack.expectNothingLeft())
afterAll(() => stack.stop())

const settings = () => ({ baseURL: `${stack.url}/v1`, apiKey: clientKey })
const askedText = () => JSON.stringify(stack.emulator.asks.at(-1)?.messages)

const providers: Readonly<Record<string, () => LanguageModel>> = {
  '@ai-sdk/openai-compatible': () =>
    createOpenAICompatible({
      name: 'genspark2api',
      includeUsage: true,
      supportsStructuredOutputs: true,
      ...settings(),
    })('gpt-5.2'),
  '@ai-sdk/openai chat': () => createOpenAI(settings()).chat('gpt-5.2'),
  '@ai-sdk/openai responses': () => createOpenAI(settings()).responses('gpt-5.2'),
  '@ai-sdk/anthropic': () => createAnthropic(settings())('claude-sonnet-4-6'),
}

function modelOf(name: string): LanguageModel {
  const createModel = providers[name]
  if (!createModel) throw new Error(`no provider ${name}`)
  return createModel()
}

describe.each(Object.keys(providers))('%s', (name) => {
  const ask = () => ({ model: modelOf(name), maxRetries: 0 })
  const cities: string[] = []
  const weather = tool({
    description: 'The weather of a city',
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => {
      cities.push(city)
      return { degrees: city === 'Paris' ? 21 : 28 }
    },
  })
  const weatherAsk = () => ({
    ...ask(),
    prompt: 'How is the weather in Paris and Rome?',
    tools: { weather },
    stopWhen: isStepCount(3),
  })
  const scriptWeather = () => {
    cities.length = 0
    const calls = ['Paris', 'Rome'].map((city) => ({ name: 'weather', arguments: { city } }))
    answerWithCalls(stack, calls, 'Paris has 21 degrees, Rome 28.')
  }

  it('generates text', async () => {
    const result = await generateText({ ...ask(), instructions: 'Be brief.', prompt: 'Hello' })
    expect(result.text).toBe('Hello from the model.')
    expect(result.finishReason).toBe('stop')
    expect(result.usage.outputTokens).toBeGreaterThan(2)
    expect(askedText()).toContain('Be brief.')
  })

  it('streams text', async () => {
    const result = streamText({ ...ask(), prompt: 'Hello' })
    const pieces: string[] = []
    for await (const piece of result.textStream) pieces.push(piece)
    expect(pieces.join('')).toBe('Hello from the model.')
    expect(pieces.length).toBeGreaterThan(1)
    expect(await result.finishReason).toBe('stop')
    expect((await result.usage).outputTokens).toBeGreaterThan(2)
  })

  it('makes a round trip through tools', async () => {
    scriptWeather()
    const result = await generateText(weatherAsk())
    expect(result.steps).toHaveLength(2)
    expect(cities).toEqual(['Paris', 'Rome'])
    expect(result.text).toBe('Paris has 21 degrees, Rome 28.')
    expect(askedText()).toMatch(/degrees.+21.+degrees.+28/)
  })

  it('makes the same round trip streaming', async () => {
    scriptWeather()
    const result = streamText(weatherAsk())
    expect(await result.text).toBe('Paris has 21 degrees, Rome 28.')
    expect(await result.steps).toHaveLength(2)
    expect(cities).toEqual(['Paris', 'Rome'])
  })

  it('generates an object of a schema', async () => {
    stack.emulator.answerWith({ type: 'answer', text: 'Here:\n```json\n{"name": "Ada", "age": 36}\n```' })
    const schema = z.object({ name: z.string(), age: z.number() })
    const prompt = 'Who was she?'
    const result = await generateText({ ...ask(), prompt, output: Output.object({ schema }) })
    expect(result.output).toEqual({ name: 'Ada', age: 36 })
    expect((await generateObject({ ...ask(), prompt, schema })).object).toEqual({ name: 'Ada', age: 36 })
    const streamed = streamObject({ ...ask(), prompt, schema })
    const partial: unknown[] = []
    for await (const object of streamed.partialObjectStream) partial.push(object)
    expect(partial.at(-1)).toEqual({ name: 'Ada', age: 36 })
    expect(await streamed.object).toEqual({ name: 'Ada', age: 36 })
  })

  it('takes pictures', async () => {
    const content = [
      { type: 'text' as const, text: 'What is this?' },
      { type: 'file' as const, data: pictures.png, mediaType: 'image/png' },
    ]
    await generateText({ ...ask(), messages: [{ role: 'user', content }] })
    expect(askedText()).toContain(pictures.png.toString('base64'))
  })

  it('ends with an error when an answer breaks in its middle', async () => {
    stack.emulator.answerWith(cutAnswer)
    const errors: unknown[] = []
    const result = streamText({ ...ask(), prompt: 'Hello', onError: ({ error }) => void errors.push(error) })
    let text = ''
    for await (const piece of result.textStream) text += piece
    expect(text).toContain('Half an ')
    expect(errors).toHaveLength(1)
  })

  it('raises an error with its words and status', async () => {
    stack.emulator.answerWith({ type: 'failure', failure: 'F4' })
    const error: unknown = await generateText({ ...ask(), prompt: 'Hello' }).catch(
      (thrown: unknown) => thrown,
    )
    expect(APICallError.isInstance(error)).toBe(true)
    expect(error).toMatchObject({ statusCode: expect.any(Number), message: expect.stringMatching(/\w+ \w+/) })
  })
})

describe('reasoning', () => {
  // Not of @ai-sdk/openai's chat: the format of OpenAI's own models has no place for it, and that provider looks for none.
  it.each(['@ai-sdk/openai-compatible', '@ai-sdk/openai responses', '@ai-sdk/anthropic'])(
    'is read by %s',
    async (name) => {
      stack.emulator.answerWith({ type: 'answer', thinking: ['Let me ', 'think.'], chunks: ['Done.'] })
      const thinking = { type: 'enabled', budgetTokens: 1024 } as const
      const result = streamText({
        model: modelOf(name),
        maxRetries: 0,
        prompt: 'Hello',
        providerOptions: {
          anthropic: { thinking },
          openai: { reasoningSummary: 'auto', forceReasoning: true },
        },
      })
      expect(await result.reasoningText).toBe('Let me think.')
      expect(await result.text).toBe('Done.')
    },
  )
})

describe('pictures', () => {
  it('come through the OpenAI-compatible provider', async () => {
    stack.emulator.answerWith(undefined)
    const provider = createOpenAICompatible({ name: 'genspark2api', ...settings() })
    const { images } = await generateImage({
      model: provider.imageModel('gpt-image-2'),
      prompt: 'A red ball',
    })
    expect(images[0]?.mediaType).toBe('image/png')
  })
})
