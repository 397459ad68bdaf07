import Anthropic from '@anthropic-ai/sdk'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { firstTurn } from '../fixtures/clients/claude-code.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { callingModel } from '../support/tool-model.ts'

const hello = { role: 'user' as const, content: 'Hello there' }
const request = { model: 'claude-sonnet-5', max_tokens: 1000, messages: [hello] }
const weather = {
  name: 'get_weather',
  description: 'Tells the weather of a city.',
  input_schema: {
    type: 'object' as const,
    properties: { city: { type: 'string' } },
    required: ['city'],
  },
}

let stack: Stack
let anthropic: Anthropic
beforeAll(async () => {
  stack = await startStack({ env: { RECAPTCHA_MODE: 'off' }, emulator: { tokenCheck: 'off' } })
  anthropic = new Anthropic({ baseURL: stack.url, apiKey: 'sk-test', maxRetries: 0 })
})
afterEach(async () => {
  stack.emulator.answerWith(undefined)
  await stack.expectNothingLeft()
})
afterAll(() => stack.stop())

const lastAsk = () => stack.emulator.asks.at(-1)

describe('the Messages API against the site', () => {
  it('answers whole, and sends system text and history upstream', async () => {
    stack.emulator.answerWith({ type: 'answer', text: 'Good day.' })
    const message = await anthropic.messages.create({
      ...request,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [hello, { role: 'assistant', content: 'Yes?' }, { role: 'user', content: 'Go on' }],
    })
    expect(message.content).toMatchObject([{ type: 'text', text: 'Good day.' }])
    expect(message.stop_reason).toBe('end_turn')
    expect(message.usage.input_tokens).toBeGreaterThan(4)
    expect(lastAsk()?.messages.map(({ role, content }) => [role, content])).toEqual([
      ['system', 'Be brief.'],
      ['user', 'Hello there'],
      ['assistant', 'Yes?'],
      ['user', 'Go on'],
    ])
  })

  it('streams', async () => {
    stack.emulator.answerWith({ type: 'answer', chunks: ['Stream', 'ing ', 'wörks 🚀'] })
    const stream = anthropic.messages.stream(request)
    const deltas: string[] = []
    stream.on('text', (delta) => deltas.push(delta))
    const message = await stream.finalMessage()
    expect(deltas.join('')).toBe('Streaming wörks 🚀')
    expect(message.usage.input_tokens).toBe(2)
    expect(message.usage.output_tokens).toBeGreaterThan(2)
  })

  it.each(['stream', 'create'] as const)('makes the round trip of a call with %s', async (method) => {
    const ask = (messages: Anthropic.MessageParam[]) => {
      const params = { ...request, tools: [weather], messages }
      return method === 'stream'
        ? anthropic.messages.stream(params).finalMessage()
        : anthropic.messages.create(params)
    }
    stack.emulator.answerWith(
      callingModel(() => ({
        text: 'I look.',
        calls: ['Paris', 'Rome'].map((city) => ({ name: 'get_weather', arguments: { city } })),
      })),
    )
    const called = await ask([hello])
    expect(called.stop_reason).toBe('tool_use')
    expect(called.content).toMatchObject([
      { type: 'text', text: expect.stringMatching(/^I look\.\s*$/) },
      { type: 'tool_use', id: expect.stringMatching(/^toolu_\w+$/), input: { city: 'Paris' } },
      { type: 'tool_use', id: expect.stringMatching(/^toolu_\w+$/), input: { city: 'Rome' } },
    ])

    stack.emulator.answerWith(
      callingModel(({ results }) => results.map(({ text, failed }) => `${text} ${failed}`).join(', ')),
    )
    const ids = called.content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []))
    const answered = await ask([
      hello,
      { role: 'assistant', content: called.content },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: ids[0] ?? '', content: '21 degrees' },
          {
            type: 'tool_result',
            tool_use_id: ids[1] ?? '',
            content: [{ type: 'text', text: 'No such city' }],
            is_error: true,
          },
        ],
      },
    ])
    expect(answered.content).toMatchObject([{ type: 'text', text: '21 degrees false, No such city true' }])
    expect(answered.stop_reason).toBe('end_turn')
  })

  it('ends at a stop sequence, and at max_tokens', async () => {
    stack.emulator.answerWith({ type: 'answer', chunks: ['one two E', 'ND three'] })
    const stopped = await anthropic.messages.stream({ ...request, stop_sequences: ['END'] }).finalMessage()
    expect(stopped).toMatchObject({
      content: [{ type: 'text', text: 'one two ' }],
      stop_reason: 'stop_sequence',
      stop_sequence: 'END',
    })
    const cut = await anthropic.messages.create({ ...request, max_tokens: 2 })
    expect(cut).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 2 } })
  })

  it('holds the answer to a schema', async () => {
    const schema = { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] }
    const params = { ...request, output_config: { format: { type: 'json_schema' as const, schema } } }
    stack.emulator.answerWith({ type: 'answer', text: 'Here: ```json\n{"title":"Rain"}\n```' })
    const fits = await anthropic.messages.create(params)
    expect(fits.content).toMatchObject([{ type: 'text', text: '{"title":"Rain"}' }])
    stack.emulator.answerWith({ type: 'answer', text: 'No.' })
    const refused = await anthropic.messages.create(params)
    expect(refused).toMatchObject({ content: [{ type: 'text' }], stop_reason: 'refusal' })
  })

  it("serves Claude Code's first turn, and again without a stream when the first breaks", async () => {
    const { path, headers, body } = firstTurn
    const post = (stream: boolean) =>
      fetch(stack.url + path, { method: 'POST', headers, body: JSON.stringify({ ...body, stream }) })
    const cut = { after: 'first-token', how: 'reset' } as const
    stack.emulator.answerWith({ type: 'answer', chunks: ['I list ', 'them.'], cut })
    const events = await (await post(true)).text()
    expect(events).toMatch(/\n\nevent: error\ndata: \{"type":"error","error":\{"type":"api_error".*\}\n\n$/)
    expect(events).not.toContain('message_stop')

    stack.emulator.answerWith(callingModel(() => [{ name: 'Bash', arguments: { command: 'ls' } }]))
    expect(await (await post(false)).json()).toMatchObject({
      content: [{ type: 'tool_use', name: 'Bash', input: { command: 'ls' } }],
      stop_reason: 'tool_use',
    })
    const sent = JSON.stringify(lastAsk()?.messages)
    expect(sent).toContain('You are Claude Code')
    expect(sent).not.toContain('billing')
  })

  it('closes the upstream request when the client aborts its stream', async () => {
    const words = async function* () {
      for (;;) yield 'word '
    }
    stack.emulator.answerWith({ type: 'answer', chunks: words(), chunkDelayMs: 5 })
    const stream = await anthropic.messages.create({ ...request, stream: true })
    for await (const event of stream) if (event.type === 'content_block_delta') break
    await stack.emulator.until(() => lastAsk()?.ended === 'client-closed')
  })
})
