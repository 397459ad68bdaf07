import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RawReply, rawRequest } from '../../emulator/raw-request.ts'
import * as browserSdk from '../../fixtures/clients/browser-sdk.ts'
import * as cherryStudio from '../../fixtures/clients/cherry-studio.ts'
import * as claudeCode from '../../fixtures/clients/claude-code.ts'
import * as codex from '../../fixtures/clients/codex.ts'
import * as lobeChat from '../../fixtures/clients/lobe-chat.ts'
import * as newApi from '../../fixtures/clients/new-api.ts'
import * as nextChat from '../../fixtures/clients/next-chat.ts'
import * as oneApi from '../../fixtures/clients/one-api.ts'
import * as openWebUi from '../../fixtures/clients/open-web-ui.ts'
import type { RecordedRequest } from '../../fixtures/clients/recorded-request.ts'
import type { Stack } from '../../support/stack.ts'
import { answerWithCalls, cutAnswer, startClientStack } from './client-stack.ts'
import { modelListSchema, readAiSdk } from './readers/ai-sdk.ts'
import { readMessages } from './readers/claude-code.ts'
import { readCodex } from './readers/codex.ts'
import { eventsOf, jsonOf } from './readers/event-stream.ts'
import { readNewApi } from './readers/new-api.ts'
import { readNextChat } from './readers/next-chat.ts'
import { readOneApi, readOneApiTest, subscriptionSchema, usageOfMonthSchema } from './readers/one-api.ts'
import { readTask } from './readers/open-web-ui.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startClientStack()
})
beforeEach(() => stack.emulator.answerWith({ type: 'answer', chunks: ['Hello ', 'from ', 'the ', 'model.'] }))
afterEach(() => stack.expectNothingLeft())
afterAll(() => stack.stop())

const answer = 'Hello from the model.'
const replay = ({ path, ...request }: RecordedRequest): Promise<RawReply> =>
  rawRequest(stack.url + path, request)
const lastAsk = () => stack.emulator.asks.at(-1)
const askedText = () => JSON.stringify(lastAsk()?.messages)

describe('NextChat', () => {
  it('is answered through its proxy: a chunked body, no query, any Accept', async () => {
    expect(readNextChat(await replay(nextChat.proxyChat))).toMatchObject({ answer, thoughts: '', calls: [] })
    expect(lastAsk()?.messages.map(({ role }) => role)).toEqual(['system', 'user'])
  })

  it('asks directly from a page after a preflight', async () => {
    const preflight = await replay(nextChat.directPreflight)
    expect(preflight.status).toBe(204)
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'authorization,content-type',
    })
    expect(preflight.headers['access-control-allow-methods']).toContain('POST')
    const reply = await replay(nextChat.directChat)
    expect(reply.headers['access-control-allow-origin']).toBe('*')
    expect(readNextChat(reply).answer).toBe(answer)
  })

  it('gets a title, not streamed, from the cheap model that it asks for by itself', async () => {
    const reply = await replay(nextChat.title)
    expect(reply.status).toBe(200)
    expect(jsonOf(reply)).toMatchObject({ choices: [{ message: { content: answer } }] })
    expect(lastAsk()?.model).toBe('gpt-5.4-mini')
  })

  it('has its pictures sent upstream', async () => {
    expect(readNextChat(await replay(nextChat.vision)).answer).toBe(answer)
    expect(askedText()).toContain('image')
  })

  it.each([
    ['gpt-5', nextChat.gpt5Chat],
    ['o1', nextChat.o1Chat],
    ['a memory summary, whose last message is a system message', nextChat.memorySummary],
  ])('is answered for %s', async (_subject, request) => {
    expect(readNextChat(await replay(request)).answer).toBe(answer)
  })

  it('has the developer message of an o-model understood as a system message', async () => {
    await replay(nextChat.o1Chat)
    expect(lastAsk()?.messages[0]).toMatchObject({ role: 'system', content: 'Formatting re-enabled' })
  })

  it('shows reasoning as its quoted block', async () => {
    const thinking = await startClientStack('copilot')
    try {
      thinking.emulator.answerWith({ type: 'answer', thinking: ['Let me ', 'think.'], chunks: ['Done.'] })
      const { path, ...request } = nextChat.proxyChat
      const view = readNextChat(await rawRequest(thinking.url + path, request))
      expect(view).toMatchObject({ thoughts: 'Let me think.', answer: 'Done.' })
    } finally {
      await thinking.stop()
    }
  })

  it('calls its plugin and is answered with the result', async () => {
    const call = { name: 'getWeather', arguments: { city: 'Paris' } }
    answerWithCalls(stack, [call], 'It is 21 degrees in Paris.')
    const { calls } = readNextChat(await replay(nextChat.pluginTurn))
    expect(calls).toEqual([{ id: expect.any(String), name: 'getWeather', arguments: expect.any(String) }])
    expect(JSON.parse(calls[0]?.arguments ?? '')).toEqual({ city: 'Paris' })
    const view = readNextChat(await replay(nextChat.pluginResult(calls[0]?.id ?? '')))
    expect(view).toMatchObject({ answer: 'It is 21 degrees in Paris.', calls: [] })
    expect(askedText()).toContain('degrees')
  })

  it('sees a failure in the middle of an answer as text', async () => {
    stack.emulator.answerWith(cutAnswer)
    const reply = await replay(nextChat.proxyChat)
    expect(readNextChat(reply).answer).toMatch(/^Half an \n\n\[.+\]$/)
    expect(reply.body.toString()).not.toContain('[DONE]')
  })

  it('gets a picture for dall-e-3 as base64', async () => {
    stack.emulator.answerWith(undefined)
    const reply = await replay(nextChat.dallE3)
    const { data } = jsonOf(reply) as { data: readonly { b64_json?: string }[] }
    expect(
      Buffer.from(data[0]?.b64_json ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG')
  })

  it('is answered at /v1/messages for the provider Anthropic', async () => {
    const message = readMessages(await replay(nextChat.anthropicChat))
    expect(message).toMatchObject({ blocks: [{ type: 'text', text: answer }], stopReason: 'end_turn' })
  })

  it('reads what is used and what is left', async () => {
    const limit = subscriptionSchema.parse(jsonOf(await replay(nextChat.subscription)))
    const usage = usageOfMonthSchema.parse(jsonOf(await replay(nextChat.usageOfMonth)))
    expect(limit.hard_limit_usd - usage.total_usage / 100).toBeGreaterThan(0)
  })
})

describe('one-api', () => {
  it('passes its channel test', async () => {
    expect(readOneApiTest(await replay(oneApi.channelTest))).toBe(answer)
  })

  it('relays a stream with usage', async () => {
    const { text, usage } = readOneApi(await replay(oneApi.relayedStream))
    expect(text).toBe(answer)
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0))
  })

  it('is not stopped by a delta that is longer than its lines may be', async () => {
    const long = 'wörd "quoted" \n'.repeat(7000)
    stack.emulator.answerWith({ type: 'answer', chunks: [long] })
    expect(readOneApi(await replay({ ...oneApi.relayedStream, body: withoutLimit })).text).toBe(long)
  })
  const { max_tokens: _limit, ...withoutLimit } = oneApi.relayedStream.body ?? {}

  it('finds a positive balance, which keeps the channel on', async () => {
    const limit = subscriptionSchema.parse(jsonOf(await replay(oneApi.balanceSubscription)))
    const usage = usageOfMonthSchema.parse(jsonOf(await replay(oneApi.balanceUsage)))
    expect(limit.hard_limit_usd - usage.total_usage / 100).toBeGreaterThan(0)
  })
})

describe('new-api', () => {
  it('passes its channel test within 16 tokens', async () => {
    stack.emulator.answerWith({ type: 'answer', text: 'one two three four five '.repeat(20) })
    const reply = await replay(newApi.channelTest)
    expect(reply.status).toBe(200)
    expect(jsonOf(reply)).toMatchObject({
      choices: [{ finish_reason: 'length' }],
      usage: { completion_tokens: 16 },
    })
  })

  it('passes its streamed test, with usage in the last line', async () => {
    const { text, usage } = readNewApi(await replay(newApi.streamedChannelTest))
    expect(text).toBe(answer)
    expect(usage).toBeTruthy()
  })

  it('passes its test of a codex model over Responses', async () => {
    const reply = await replay(newApi.responsesChannelTest)
    expect(reply.status).toBe(200)
    expect(jsonOf(reply)).toMatchObject({
      object: 'response',
      status: 'completed',
      output: [{ type: 'message', content: [{ type: 'output_text', text: answer }] }],
    })
  })

  it.each([
    ['OpenAI', newApi.modelFetch],
    ['Anthropic', newApi.anthropicModelFetch],
  ])('fetches the models for a channel of type %s', async (_type, request) => {
    const { data } = modelListSchema.parse(jsonOf(await replay(request)))
    expect(data.map(({ id }) => id)).toContain('gpt-5.4')
  })
})

describe('Open WebUI', () => {
  it('lists the models without asking the site', async () => {
    const before = stack.emulator.requests.length
    const { data } = modelListSchema.parse(jsonOf(await replay(openWebUi.modelList)))
    expect(data.map(({ id }) => id)).toContain('claude-sonnet-5')
    expect(stack.emulator.requests.length).toBe(before)
  })

  it('streams a chat', async () => {
    expect(readAiSdk(await replay(openWebUi.chat))).toEqual({ text: answer, finishReason: 'stop' })
  })

  it('reads the title and the tags out of what the model says', async () => {
    stack.emulator.answerWith({ type: 'answer', text: 'Here you are: {"title": "A short hello"} Enjoy!' })
    expect(readTask(await replay(openWebUi.titleTask))).toEqual({ title: 'A short hello' })
    stack.emulator.answerWith({ type: 'answer', text: '```json\n{"tags": ["greeting"]}\n```' })
    expect(readTask(await replay(openWebUi.tagsTask))).toEqual({ tags: ['greeting'] })
  })
})

describe('LobeChat', () => {
  it('streams a chat with a finish reason', async () => {
    expect(readAiSdk(await replay(lobeChat.chat))).toEqual({ text: answer, finishReason: 'stop' })
  })

  it('streams a chat in Responses mode', async () => {
    expect(readCodex(await replay(lobeChat.responsesChat)).shown).toBe(answer)
  })

  it('hides no text model for a word in its name', async () => {
    const hidden = /embedding|davinci|curie|moderation|ada|babbage|tts|whisper/
    const { data } = modelListSchema.parse(jsonOf(await replay(lobeChat.modelList)))
    expect(data.map(({ id }) => id).filter((id) => hidden.test(id))).toEqual([])
  })
})

describe('Cherry Studio', () => {
  it('streams a chat with both key headers and all of its extra fields', async () => {
    expect(readAiSdk(await replay(cherryStudio.chat))).toEqual({ text: answer, finishReason: 'stop' })
  })

  it('reads the model list with its exact words', async () => {
    const { data } = modelListSchema.parse(jsonOf(await replay(cherryStudio.modelList)))
    expect(data.length).toBeGreaterThan(10)
  })
})

describe('the openai SDK in a browser page', () => {
  it('gets all of its own headers allowed, then its answer', async () => {
    const preflight = await replay(browserSdk.preflight)
    expect(preflight.status).toBe(204)
    expect(preflight.headers['access-control-allow-headers']?.split(/, ?/)).toEqual(browserSdk.ownHeaders)
    const reply = await replay(browserSdk.chat)
    expect(reply.headers['access-control-allow-origin']).toBe('*')
    expect(reply.headers['access-control-expose-headers']).toContain('x-request-id')
    expect(readAiSdk(reply).text).toBe(answer)
  })

  it('can read errors, too', async () => {
    const headers = { ...browserSdk.chat.headers, authorization: 'Bearer wrong' }
    const reply = await replay({ ...browserSdk.chat, headers })
    expect(reply.status).toBe(401)
    expect(reply.headers['access-control-allow-origin']).toBe('*')
    expect(jsonOf(reply)).toMatchObject({ error: { code: 'invalid_api_key', param: null } })
  })
})

describe('Claude Code', () => {
  it('finds somebody at home', async () => {
    expect((await replay(claudeCode.probe)).status).toBe(200)
  })

  it('discovers the models', async () => {
    const { data } = modelListSchema.parse(jsonOf(await replay(claudeCode.modelDiscovery)))
    expect(data.map(({ id }) => id)).toContain('claude-sonnet-5')
  })

  it('gets a title as JSON from the small model', async () => {
    stack.emulator.answerWith({
      type: 'answer',
      text: 'Sure:\n```json\n{"title": "Mend the parser tests"}\n```',
    })
    const { blocks } = readMessages(await replay(claudeCode.title))
    expect(blocks.map((block) => block.type)).toEqual(['text'])
    expect(JSON.parse(blocks[0]?.type === 'text' ? blocks[0].text : '')).toEqual({
      title: 'Mend the parser tests',
    })
    expect(lastAsk()?.model).toBe('claude-4-5-haiku')
  })

  it('makes its first turn with 24 tools and 115 KB, runs a tool and goes on', async () => {
    const { tools } = claudeCode.firstTurn.body as { tools: readonly { name: string }[] }
    expect(tools).toHaveLength(24)
    expect(JSON.stringify(claudeCode.firstTurn.body).length).toBeGreaterThan(112_000)

    answerWithCalls(stack, [{ name: 'Bash', arguments: { command: 'ls -la' } }], 'There is a README.')
    const first = readMessages(await replay(claudeCode.firstTurn))
    const call = first.blocks.find((block) => block.type === 'tool_use')
    expect(first.stopReason).toBe('tool_use')
    expect(call).toMatchObject({ name: 'Bash', input: { command: 'ls -la' } })
    for (const { name } of tools) expect(askedText()).toContain(name)

    const second = readMessages(await replay(claudeCode.toolResultTurn(call?.id ?? '')))
    expect(second).toMatchObject({
      stopReason: 'end_turn',
      blocks: [{ type: 'text', text: 'There is a README.' }],
    })
    expect(askedText()).toContain('README.md')
  })

  it('is answered when it offers a tool that the vendor would run', async () => {
    const message = readMessages(await replay(claudeCode.webSearchTurn))
    expect(message.blocks).toEqual([{ type: 'text', text: answer }])
    expect(askedText()).not.toContain('web_search')
  })

  it('repeats without stream what broke in the middle', async () => {
    stack.emulator.answerWith(cutAnswer)
    const broken = await replay(claudeCode.toolResultTurn('toolu_1'))
    expect(() => readMessages(broken)).toThrow()
    expect(broken.body.toString()).toContain('event: error\n')

    stack.emulator.answerWith({ type: 'answer', chunks: ['There is ', 'a README.'] })
    const whole = await replay(claudeCode.repeatedWithoutStream('toolu_1'))
    expect(jsonOf(whole)).toMatchObject({
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: 'There is a README.' }],
      stop_reason: 'end_turn',
    })
  })
})

describe('a call with a long file in its arguments', () => {
  const content = '```ts\nconst a = { b: "\\"}" } // <tool_call>{"name":"x"}</tool_call> 🚀\n```\n'.repeat(
    1500,
  )
  // It takes a fraction of a second; work that grows with the square of the length takes many.
  const deadline = { timeout: 10_000 }
  const script = (name: string) =>
    answerWithCalls(stack, [{ name, arguments: { command: content } }], 'Done.')

  it('reaches NextChat', deadline, async () => {
    script('getWeather')
    const { calls } = readNextChat(await replay(nextChat.pluginTurn))
    expect(JSON.parse(calls[0]?.arguments ?? '')).toEqual({ command: content })
  })

  it('reaches Claude Code', deadline, async () => {
    script('Write')
    const { blocks } = readMessages(await replay(claudeCode.firstTurn))
    expect(blocks).toEqual([
      { type: 'tool_use', id: expect.any(String), name: 'Write', input: { command: content } },
    ])
  })

  it('reaches Codex', deadline, async () => {
    script('exec_command')
    const [call] = readCodex(await replay(codex.firstTurn)).items
    expect(JSON.parse(call?.type === 'function_call' ? call.arguments : '')).toEqual({ command: content })
  })
})

describe('Codex', () => {
  it('makes its first turn, runs a tool and goes on', async () => {
    expect(JSON.stringify(codex.firstTurn.body).length).toBeGreaterThan(38_000)
    const scripted = { name: 'exec_command', arguments: { command: 'ls -la' } }
    answerWithCalls(stack, [scripted], 'There is a README.')
    const first = readCodex(await replay(codex.firstTurn))
    const call = first.items.find((item) => item.type === 'function_call')
    expect(call?.name).toBe('exec_command')
    expect(JSON.parse(call?.arguments ?? '')).toEqual({ command: 'ls -la' })
    expect(askedText()).toContain('view_image')

    const second = readCodex(await replay(codex.callOutputTurn(call?.call_id ?? '')))
    expect(second.shown).toBe('There is a README.')
    expect(second.items).toMatchObject([
      { type: 'message', content: [{ type: 'output_text', text: 'There is a README.' }] },
    ])
    expect(second.usage.total_tokens).toBe(second.usage.input_tokens + second.usage.output_tokens)
    expect(askedText()).toContain('README.md')
  })

  it('is told of an answer that broke in the middle by response.failed', async () => {
    stack.emulator.answerWith(cutAnswer)
    const events = eventsOf(await replay(codex.callOutputTurn('call_1')))
    const failed = events.find(({ event }) => event === 'response.failed')
    expect(JSON.parse(failed?.data ?? '{}')).toMatchObject({
      response: { status: 'failed', error: { code: expect.any(String), message: expect.any(String) } },
    })
    expect(events.map(({ event }) => event)).not.toContain('response.completed')
  })

  it('turns from WebSocket to POST at once', async () => {
    expect((await replay(codex.webSocketProbe)).status).toBe(426)
  })
})
