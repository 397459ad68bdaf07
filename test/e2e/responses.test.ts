import type OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Stack, startStack } from '../support/stack.ts'
import { callingModel } from '../support/tool-model.ts'

const model = 'claude-sonnet-5'
const weather: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'weather',
  description: 'Tells the weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: true,
}

describe('the Responses API over the whole service', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startStack({
      env: { RECAPTCHA_MODE: 'off', TOKEN_REQUIRED: 'false', GENSPARK_PROTOCOL: 'agent' },
      emulator: { tokenCheck: 'off' },
    })
  })
  afterEach(async () => {
    stack.emulator.answerWith(undefined)
    await stack.expectNothingLeft()
  })
  afterAll(() => stack.stop())

  it('answers, whole and streamed, with the same text', async () => {
    stack.emulator.answerWith({ type: 'answer', chunks: ['Hel', 'lo ', 'wörld 🚀'] })
    const whole = await stack.openai.responses.create({ model, input: 'Hi' })
    expect(whole.output_text).toBe('Hello wörld 🚀')
    const streamed = await stack.openai.responses.stream({ model, input: 'Hi' }).finalResponse()
    expect(streamed.output_text).toBe('Hello wörld 🚀')
    expect(streamed.usage).toEqual(whole.usage)
  })

  it('calls a tool and takes its result, streamed, by the id of the response before', async () => {
    stack.emulator.answerWith(
      callingModel(({ results }) =>
        results.length > 0
          ? `It is ${results[0]?.text}`
          : { text: 'Let me look.', calls: [{ name: 'weather', arguments: { city: 'Oslo "ø"' } }] },
      ),
    )
    const tools = [weather]
    const first = await stack.openai.responses.stream({ model, input: 'Weather?', tools }).finalResponse()
    const call = first.output.find((item) => item.type === 'function_call')
    if (!call) throw new Error('expected a call')
    expect(first.output.map(({ type }) => type)).toEqual(['message', 'function_call'])
    expect(JSON.parse(call.arguments)).toEqual({ city: 'Oslo "ø"' })
    const second = await stack.openai.responses.create({
      model,
      tools,
      previous_response_id: first.id,
      input: [{ type: 'function_call_output', call_id: call.call_id, output: 'rainy' }],
    })
    expect(second.output_text).toBe('It is rainy')
  })

  it('brings an answer into the form that was asked for', async () => {
    stack.emulator.answerWith({ type: 'answer', text: 'Sure:\n```json\n{"city": "Oslo"}\n```' })
    const format = {
      type: 'json_schema' as const,
      name: 'place',
      schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    }
    const response = await stack.openai.responses.create({ model, input: 'Where?', text: { format } })
    expect(JSON.parse(response.output_text)).toEqual({ city: 'Oslo' })
  })

  it('refuses in a part of its own when the answer fits no form', async () => {
    stack.emulator.answerWith({ type: 'answer', text: 'I would rather not.' })
    const format = { type: 'json_schema' as const, name: 'place', schema: { type: 'object' } }
    const events = stack.openai.responses.stream({ model, input: 'Where?', text: { format } })
    const { output } = await events.finalResponse()
    expect(output).toMatchObject([{ type: 'message', content: [{ type: 'refusal' }] }])
  })

  it('ends at max_output_tokens', async () => {
    stack.emulator.answerWith({ type: 'answer', text: 'one two three four five six seven eight' })
    const response = await stack.openai.responses.create({ model, input: 'Count', max_output_tokens: 3 })
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 3 },
    })
    expect('one two three four five'.startsWith(response.output_text)).toBe(true)
  })

  it('tells an answer that is cut in the middle as failed', async () => {
    stack.emulator.answerWith({
      type: 'answer',
      chunks: ['Hel', 'lo'],
      cut: { after: 'first-token', how: 'reset' },
    })
    const events = await stack.openai.responses.create({ model, input: 'Hi', stream: true })
    const read = async () => {
      for await (const _event of events);
    }
    await expect(read()).rejects.toMatchObject({ code: 'upstream_reset' })
  })

  it('makes a response in the background', async () => {
    stack.emulator.answerWith({ type: 'answer', text: 'Done in peace' })
    const { id } = await stack.openai.responses.create({ model, input: 'Hi', background: true })
    await expect.poll(async () => (await stack.openai.responses.retrieve(id)).status).toBe('completed')
    expect((await stack.openai.responses.retrieve(id)).output_text).toBe('Done in peace')
  })
})

describe('a restart', () => {
  it('loses no kept response, and says of one that was being made that it failed', async () => {
    const env = { RECAPTCHA_MODE: 'off', TOKEN_REQUIRED: 'false', GENSPARK_PROTOCOL: 'agent' }
    const before = await startStack({ env, emulator: { tokenCheck: 'off' } })
    const kept = await before.openai.responses.create({ model, input: 'Remember me' })
    before.emulator.answerWith({ type: 'answer', chunks: ['Hel'], keepalives: Number.POSITIVE_INFINITY })
    const lost = await before.openai.responses.create({ model, input: 'Hi', background: true })
    await before.emulator.until(() => before.emulator.openAsks() === 1)
    const { dataDir } = before
    await before.service.close()
    const after = await startStack({ env: { ...env, DATA_DIR: dataDir }, emulator: { tokenCheck: 'off' } })
    try {
      const found = await after.openai.responses.retrieve(kept.id)
      expect(found.output_text).toBe(kept.output_text)
      expect(await after.openai.responses.retrieve(lost.id)).toMatchObject({
        status: 'failed',
        error: { code: 'server_error' },
      })
    } finally {
      await after.stop()
      await before.stop()
    }
  })
})
