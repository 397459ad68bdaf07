import Anthropic from '@anthropic-ai/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { VendorCall } from '../emulator/vendor/vendor-scenario.ts'
import { type Stack, startStack } from '../support/stack.ts'

const key = 'gsk-canary-1'
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

let stack: Stack
let anthropic: Anthropic

beforeEach(async () => {
  stack = await startStack({
    env: { GENSPARK_API_KEY: key, RECAPTCHA_MODE: 'off', GS_COOKIE: '' },
    emulator: { tokenCheck: 'off' },
  })
  anthropic = new Anthropic({ baseURL: stack.url, apiKey: 'sk-test', maxRetries: 0 })
})

afterEach(async () => {
  await stack.expectNothingLeft()
  expect(JSON.stringify(stack.logs)).not.toContain('canary')
  // No prompt teaches a model in words what the protocol has fields for.
  expect(JSON.stringify(stack.emulator.vendor.asks)).not.toMatch(
    /tool_call>|tool_result>|JSON Schema|# Tools/,
  )
  await stack.stop()
})

const calls: readonly VendorCall[] = [
  { id: 'call_one', name: 'read', input: { path: 'a.txt' } },
  { id: 'call_two', name: 'read', input: { path: 'b.txt' } },
]

const parameters = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }
const tools = [
  { type: 'function' as const, function: { name: 'read', description: 'Reads a file.', parameters } },
]
const body = (index: number) => stack.emulator.vendor.asks[index]?.body

describe('FINDINGS K1 an agent that speaks OpenAI, over a key', () => {
  it.each([
    ['gpt-5.4', 'openai'],
    ['claude-sonnet-5', 'anthropic'],
    ['gemini-3.8-flash', 'gemini'],
  ] as const)('is served natively by %s, in the style of %s', async (model, route) => {
    stack.emulator.vendor.script = { type: 'answer', thinking: ['Two files.'], text: 'I read both.', calls }
    const messages: Parameters<typeof stack.openai.chat.completions.create>[0]['messages'] = [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is in them?' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } },
        ],
      },
    ]
    const settings = { model, tools, reasoning_effort: 'high', max_tokens: 5000, seed: 7 } as const
    const stream = stack.openai.chat.completions.stream({
      ...settings,
      messages,
      stream_options: { include_usage: true },
    })
    const first = await stream.finalChatCompletion()
    const message = first.choices[0]?.message
    expect(first.choices[0]?.finish_reason).toBe('tool_calls')
    expect(message?.content).toBe('I read both.')
    expect(message?.tool_calls?.map((call) => call.type === 'function' && call.function)).toMatchObject([
      { name: 'read', arguments: '{"path":"a.txt"}' },
      { name: 'read', arguments: '{"path":"b.txt"}' },
    ])
    expect(first.usage).toMatchObject({
      prompt_tokens: 7,
      completion_tokens: 11,
      prompt_tokens_details: { cached_tokens: 3 },
    })

    stack.emulator.vendor.script = { type: 'answer', text: 'Both are empty.' }
    const results = (message?.tool_calls ?? []).map(({ id }) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: 'empty',
    }))
    if (!message) throw new Error('no message')
    const second = await stack.openai.chat.completions.create({
      ...settings,
      messages: [...messages, message, ...results],
    })
    expect(second.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: 'Both are empty.' },
    })
    expect(stack.emulator.vendor.asks.map((ask) => ask.route)).toEqual([route, route])
    expect(body(0)).toMatchObject(firstBody[route])
    expect(JSON.stringify(body(1))).toContain('empty')
    if (route === 'openai')
      expect(body(1)).toMatchObject({
        messages: [{}, {}, { tool_calls: [{ id: 'call_one' }, {}] }, { tool_call_id: 'call_one' }, {}],
      })
    if (route === 'anthropic')
      expect(body(1)).toMatchObject({
        messages: [
          {},
          { role: 'assistant', content: [{}, { type: 'tool_use', input: { path: 'a.txt' } }, {}] },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_one' }, {}] },
        ],
      })
    if (route === 'gemini')
      expect(body(1)).toMatchObject({
        contents: [
          {},
          {
            role: 'model',
            parts: [{}, { functionCall: { name: 'read' }, thoughtSignature: 'seal+of/call=' }, {}],
          },
          { parts: [{ functionResponse: { name: 'read', response: { result: 'empty' } } }, {}] },
        ],
      })
  })
})

const picture = { media_type: 'image/png' }
const firstBody = {
  openai: {
    tools: [{ type: 'function', function: { name: 'read' } }],
    tool_choice: 'auto',
    max_tokens: 5000,
    seed: 7,
    reasoning_effort: 'high',
    messages: [{ role: 'system' }, { content: [{}, { type: 'image_url' }] }],
  },
  anthropic: {
    tools: [{ name: 'read', input_schema: { type: 'object' } }],
    tool_choice: { type: 'auto' },
    max_tokens: 5000,
    thinking: { type: 'adaptive' },
    output_config: { effort: 'high' },
    system: [{ text: 'Be brief.' }],
    messages: [{ content: [{}, { type: 'image', source: picture }] }],
  },
  gemini: {
    tools: [{ functionDeclarations: [{ name: 'read' }] }],
    toolConfig: { functionCallingConfig: { mode: 'AUTO' } },
    generationConfig: { maxOutputTokens: 5000, seed: 7, thinkingConfig: { thinkingLevel: 'high' } },
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    contents: [{ parts: [{}, { inline_data: { mime_type: 'image/png' } }] }],
  },
} as const

describe('FINDINGS K1 an agent that speaks Anthropic, over a key', () => {
  it.each(['claude-sonnet-5', 'gpt-5.4', 'gemini-3.8-flash'])('is served natively by %s', async (model) => {
    stack.emulator.vendor.script = { type: 'answer', thinking: ['Two files.'], text: 'I read both.', calls }
    const request = {
      model,
      max_tokens: 5000,
      thinking: { type: 'enabled' as const, budget_tokens: 2000 },
      tools: [{ name: 'read', input_schema: parameters as Anthropic.Tool.InputSchema }],
    } satisfies Omit<Anthropic.MessageCreateParamsNonStreaming, 'messages'>
    const question = { role: 'user' as const, content: 'What is in them?' }
    const first = await anthropic.messages.stream({ ...request, messages: [question] }).finalMessage()
    expect(first.stop_reason).toBe('tool_use')
    expect(first.content.map(({ type }) => type)).toEqual(['thinking', 'text', 'tool_use', 'tool_use'])
    const results = first.content.flatMap((block) =>
      block.type === 'tool_use'
        ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: 'empty' }]
        : [],
    )
    stack.emulator.vendor.script = { type: 'answer', text: 'Both are empty.' }
    const second = await anthropic.messages.create({
      ...request,
      messages: [question, { role: 'assistant', content: first.content }, { role: 'user', content: results }],
    })
    expect(second).toMatchObject({ stop_reason: 'end_turn', content: [{ text: 'Both are empty.' }] })
    if (!model.startsWith('claude')) return
    expect(first.usage).toMatchObject({ input_tokens: 4, cache_read_input_tokens: 3, output_tokens: 11 })
    // The seal on the thinking makes the round trip; thinking without one is refused.
    expect(body(1)).toMatchObject({
      messages: [{}, { content: [{ type: 'thinking', signature: 'canned' }, {}, {}, {}] }, {}],
    })
  })
})

it('FINDINGS K1 sends structured output, stop and sampling in the fields of each protocol', async () => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'number' } },
    required: ['a'],
    additionalProperties: false,
  }
  stack.emulator.vendor.script = { type: 'answer', text: '{"a":1}' }
  for (const model of ['deep-seek-v4-flash', 'claude-sonnet-5', 'gemini-3.8-flash'])
    await stack.openai.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'Hello' }],
      temperature: 0.5,
      stop: ['END'],
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
    })
  expect(body(0)).toMatchObject({
    temperature: 0.5,
    stop: ['END'],
    response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
  })
  expect(body(1)).toMatchObject({
    temperature: 0.5,
    stop_sequences: ['END'],
    output_config: { format: { type: 'json_schema', schema } },
  })
  expect(body(2)).toMatchObject({
    generationConfig: {
      temperature: 0.5,
      stopSequences: ['END'],
      responseMimeType: 'application/json',
      responseJsonSchema: schema,
    },
  })
})

it('FINDINGS K1 sends no temperature to a model that refuses it, and the nearest level that it has', async () => {
  await stack.openai.chat.completions.create({
    model: 'kimi-k3',
    messages: [{ role: 'user', content: 'Hello' }],
    temperature: 0.5,
    reasoning_effort: 'medium',
  })
  expect(body(0)).not.toHaveProperty('temperature')
  expect(body(0)).toMatchObject({ reasoning_effort: 'high' })
})

it('FINDINGS K1 refuses what keys cannot do where there are keys alone', async () => {
  const ask = (model: string) =>
    stack.openai.chat.completions
      .create({ model, messages: [{ role: 'user', content: 'Hello' }] })
      .catch((error) => error)
  expect(await ask('gpt-5.4-search')).toMatchObject({ status: 400, code: 'invalid_value', param: 'model' })
  expect(await ask('no-such-model-at-all')).toMatchObject({ status: 404, code: 'model_not_found' })
  expect(stack.emulator.vendor.asks).toEqual([])
})

it.each(['gpt-5.4', 'claude-sonnet-5', 'gemini-3.8-flash'])(
  'FINDINGS K6 takes a complete JSON in the place of a stream of %s for the answer',
  async (model) => {
    const text = 'Your Genspark credits have been exhausted, says the manual.'
    stack.emulator.vendor.script = { type: 'answer', text, asJson: true }
    const { choices } = await stack.openai.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'Hello' }],
    })
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: text } })
  },
)

it('FINDINGS K5 asks a Gemini model in the style of OpenAI once its own route is gone', async () => {
  stack.emulator.vendor.script = ({ route }) =>
    route === 'gemini' ? { type: 'fault', status: 405 } : { type: 'answer' }
  await stack.openai.chat.completions.create({
    model: 'gemini-3.8-flash',
    messages: [{ role: 'user', content: 'Hello' }],
  })
  expect(stack.emulator.vendor.asks.map(({ route }) => route)).toEqual(['gemini', 'openai'])
})

describe('what a key answers otherwise than asked', () => {
  const ask = { messages: [{ role: 'user' as const, content: 'Hello' }] }

  it.each([
    ['gpt-5.4', 'content_filter'],
    ['claude-sonnet-5', 'refusal'],
    ['gemini-3.8-flash', 'SAFETY'],
  ])(
    'tells that the vendor’s rules ended the answer of %s, with and without a word',
    async (model, finishReason) => {
      for (const text of ['Half', '']) {
        stack.emulator.vendor.script = { type: 'answer', text, finishReason }
        const { choices } = await stack.openai.chat.completions.create({ model, ...ask })
        expect([text, choices[0]?.finish_reason]).toEqual([text, 'content_filter'])
      }
      expect(stack.emulator.vendor.asks).toHaveLength(2)
    },
  )

  it('tells of an effort that the model does not have', async () => {
    const { response } = await stack.openai.chat.completions
      .create({ model: 'gpt-5.4', reasoning_effort: 'max' as never, ...ask })
      .withResponse()
    expect(response.headers.get('warning')).toContain('reasoning effort max is not one of gpt-5.4: xhigh')
    expect(body(0)).toMatchObject({ reasoning_effort: 'xhigh' })
  })
})
