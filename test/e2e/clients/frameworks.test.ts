import { HumanMessage, ToolMessage } from '@langchain/core/messages'
import { tool as langChainTool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from '@openai/agents'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Stack } from '../../support/stack.ts'
import { answerWithCalls, clientKey, startClientStack } from './client-stack.ts'

let stack: Stack
beforeAll(async () => {
  setTracingDisabled(true)
  stack = await startClientStack()
})
beforeEach(() => stack.emulator.answerWith({ type: 'answer', chunks: ['Hello ', 'from ', 'the ', 'model.'] }))
afterEach(() => stack.expectNothingLeft())
afterAll(() => stack.stop())

const model = 'gpt-5.4'
const question = 'How is the weather in Paris?'
const parameters = z.object({ city: z.string() })
const calls = [{ name: 'get_weather', arguments: { city: 'Paris' } }]
const answer = 'Paris has 21 degrees.'

describe('LangChain', () => {
  const chat = () =>
    new ChatOpenAI({ model, apiKey: clientKey, maxRetries: 0, configuration: { baseURL: `${stack.url}/v1` } })

  it('streams', async () => {
    const pieces: unknown[] = []
    for await (const { content } of await chat().stream('Hello')) pieces.push(content)
    expect(pieces.join('')).toBe('Hello from the model.')
  })

  it('runs a tool', async () => {
    answerWithCalls(stack, calls, answer)
    const weather = langChainTool(({ city }: z.infer<typeof parameters>) => `21 degrees in ${city}`, {
      name: 'get_weather',
      description: 'The weather of a city',
      schema: parameters,
    })
    const bound = chat().bindTools([weather])
    const asked = await bound.invoke([new HumanMessage(question)])
    expect(asked.tool_calls).toMatchObject([{ name: 'get_weather', args: { city: 'Paris' } }])
    const result = new ToolMessage({ content: '21 degrees', tool_call_id: asked.tool_calls?.[0]?.id ?? '' })
    expect((await bound.invoke([new HumanMessage(question), asked, result])).content).toBe(answer)
  })
})

describe('@openai/agents', () => {
  it.each([false, true])('runs a tool to the end (Responses: %s)', async (useResponses) => {
    answerWithCalls(stack, calls, answer)
    const cities: string[] = []
    const weather = tool({
      name: 'get_weather',
      description: 'The weather of a city',
      parameters,
      execute: ({ city }) => {
        cities.push(city)
        return `21 degrees in ${city}`
      },
    })
    const openAIClient = new OpenAI({ baseURL: `${stack.url}/v1`, apiKey: clientKey, maxRetries: 0 })
    const modelProvider = new OpenAIProvider({ openAIClient: openAIClient as never, useResponses })
    const agent = new Agent({ name: 'Weatherman', instructions: 'Be brief', model, tools: [weather] })
    const result = await new Runner({ modelProvider, tracingDisabled: true }).run(agent, question)
    expect(result.finalOutput).toBe(answer)
    expect(cities).toEqual(['Paris'])
  })
})
