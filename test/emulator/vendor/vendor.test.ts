import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../emulator.ts'
import { rawRequest } from '../raw-request.ts'
import { readEvents, readJson } from '../read-events.ts'

let emulator: Emulator
beforeEach(async () => {
  emulator = await startEmulator()
})
afterEach(() => emulator.close())

const chatBody = { model: 'claude-sonnet-5', messages: [{ role: 'user', content: 'Hello' }] }
const toolBody = { query: 'A red ball', model: 'nano-banana-2' }
const videoBody = { ...toolBody, model: 'kling/v3' }
const json = { 'Content-Type': 'application/json' }

const openAi = (body: unknown, headers: object = { Authorization: 'Bearer gsk-1' }) =>
  rawRequest(`${emulator.url}/api/llm_proxy/v1/chat/completions`, { body, headers: { ...json, ...headers } })
const anthropic = (body: unknown, headers: object = { 'X-Api-Key': 'gsk-1' }) =>
  rawRequest(`${emulator.url}/api/anthropic/v1/messages`, {
    body,
    headers: { ...json, 'Anthropic-Version': '2023-06-01', ...headers },
  })
const tool = (name: string, body: unknown = toolBody, headers: object = { 'X-Api-Key': 'gsk-1' }) =>
  rawRequest(`${emulator.url}/api/tool_cli/${name}`, { body, headers: { ...json, ...headers } })

const linesOf = async (reply: ReturnType<typeof tool>) =>
  (await reply).body
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

describe('OpenAI style', () => {
  test('a stream is chunks and [DONE]', async () => {
    emulator.vendor.script = { type: 'answer', chunks: ['Hel', 'lo'] }
    const text = (await openAi({ ...chatBody, stream: true })).body.toString()
    expect(text.endsWith('\n\ndata: [DONE]\n\n')).toBe(true)
    const chunks = text.split('\n\n').slice(0, -2)
    expect(chunks.map((line) => JSON.parse(line.slice(6)).choices[0])).toEqual([
      { index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null },
      { index: 0, delta: { content: 'Hel' }, finish_reason: null },
      { index: 0, delta: { content: 'lo' }, finish_reason: null },
      { index: 0, delta: {}, finish_reason: 'stop' },
    ])
    expect(emulator.vendor.asks[0]).toMatchObject({
      route: 'openai',
      apiKey: 'gsk-1',
      model: 'claude-sonnet-5',
      prompt: 'Hello',
      stream: true,
    })
    expect(emulator.violations).toEqual([])
  })

  test('usage comes when it is asked for', async () => {
    const body = { ...chatBody, stream: true, stream_options: { include_usage: true } }
    expect((await openAi(body)).body.toString()).toContain('"choices": [], "usage": {"prompt_tokens": 7')
  })

  test('a whole answer', async () => {
    expect(readJson(await openAi(chatBody)).choices).toEqual([
      {
        index: 0,
        message: {
          role: 'assistant',
          content: '[canned answer of the emulator] model claude-sonnet-5 | by API key | you said: Hello',
        },
        finish_reason: 'stop',
      },
    ])
  })

  test('a stream may break with an error, end too early, or be cut', async () => {
    const streamed = async () => (await openAi({ ...chatBody, stream: true })).body.toString()
    emulator.vendor.script = { type: 'answer', chunks: ['a'], error: { message: 'overloaded' } }
    expect(await streamed()).toMatch(
      /"content": "a".*\n\ndata: \{"error": \{"message": "overloaded"\}\}\n\n$/,
    )
    emulator.vendor.script = { type: 'answer', chunks: ['a'], withoutFinal: true }
    expect(await streamed()).not.toMatch(/stop|DONE/)
    emulator.vendor.script = {
      type: 'answer',
      chunks: ['a', 'b'],
      cut: { after: 'first-token', how: 'clean-end' },
    }
    expect(await streamed()).toMatch(/"content": "a"}, "finish_reason": null}\]}\n\n$/)
    expect(emulator.vendor.asks.map(({ ended }) => ended)).toEqual(['whole', 'whole', 'cut'])
  })
})

describe('Anthropic style', () => {
  const body = { ...chatBody, max_tokens: 100 }

  test('a stream is named events', async () => {
    emulator.vendor.script = { type: 'answer', chunks: ['Hi'] }
    const text = (await anthropic({ ...body, stream: true })).body.toString()
    expect(text.match(/^event: .+$/gm)).toEqual([
      'event: message_start',
      'event: content_block_start',
      'event: ping',
      'event: content_block_delta',
      'event: content_block_stop',
      'event: message_delta',
      'event: message_stop',
    ])
    expect(text).toContain('"delta": {"type": "text_delta", "text": "Hi"}')
  })

  test('thinking is a block of its own before the text', async () => {
    emulator.vendor.script = { type: 'answer', thinking: ['Let me'], chunks: ['Hi'] }
    const text = (await anthropic({ ...body, stream: true })).body.toString()
    expect(text.match(/"index": \d, "delta": .*\}(?=\}$)/gm)).toEqual([
      '"index": 0, "delta": {"type": "thinking_delta", "thinking": "Let me"}',
      '"index": 0, "delta": {"type": "signature_delta", "signature": "canned"}',
      '"index": 1, "delta": {"type": "text_delta", "text": "Hi"}',
    ])
  })

  test('a whole answer, with the key in either header', async () => {
    emulator.vendor.script = { type: 'answer', text: 'Hi' }
    for (const headers of [{ 'X-Api-Key': 'gsk-1' }, { Authorization: 'Bearer gsk-1' }]) {
      expect(readJson(await anthropic(body, headers))).toMatchObject({
        type: 'message',
        content: [{ type: 'text', text: 'Hi' }],
        stop_reason: 'end_turn',
      })
    }
  })

  test('the version is needed', async () => {
    expect((await anthropic(body, { 'Anthropic-Version': '2020-01-01' })).status).toBe(400)
    expect(emulator.violations).toEqual([expect.stringContaining('anthropic-version 2020-01-01')])
  })

  test('max_tokens is needed', async () => {
    expect((await anthropic(chatBody)).status).toBe(400)
    expect(emulator.violations).toEqual([expect.stringContaining('max_tokens')])
  })
})

describe('tools', () => {
  test('an image tool tells heartbeats and then its pictures', async () => {
    const reply = tool('image_generation')
    expect((await reply).headers['content-type']).toBe('application/x-ndjson')
    const [heartbeat, last] = await linesOf(reply)
    const [task] = [...emulator.tasks.values()]
    expect(heartbeat).toEqual({ version: 1, heartbeat: 1 })
    expect(last).toEqual({
      status: 'ok',
      message: 'success',
      data: { generated_images: [{ task_id: task?.id, status: 'SUCCESS', ...task?.urls }] },
    })
    const file = await rawRequest(task?.urls.image_urls_nowatermark?.[0] ?? '')
    expect(file.headers['content-type']).toBe('image/png')
    expect(emulator.vendor.asks[0]).toMatchObject({ tool: 'image_generation', prompt: 'A red ball' })
  })

  test('a video of a key is polled with that key', async () => {
    emulator.vendor.script = { type: 'tool', urls: 'never' }
    const last = (await linesOf(tool('video_generation', videoBody))).at(-1)
    const [{ task_id }] = last.data.generated_videos
    const poll = (key: string) =>
      rawRequest(`${emulator.url}/api/vg_tasks_status`, {
        body: { task_ids: [task_id] },
        headers: { ...json, Accept: '*/*', 'X-Api-Key': key },
      })
    expect(readEvents(await poll('gsk-1')).at(-1)?.final_status[task_id].video_urls).toHaveLength(1)
    expect(readEvents(await poll('gsk-2'))).toEqual([{ status: -2, message: 'task not found' }])
    expect(emulator.violations).toEqual([])
  })

  test('a tool may fail, or end without its last line', async () => {
    emulator.vendor.script = { type: 'tool', error: 'blocked', heartbeats: 0 }
    expect(await linesOf(tool('image_generation'))).toEqual([
      { status: 'error', message: 'blocked', data: null },
    ])
    emulator.vendor.script = { type: 'tool', withoutFinal: true, heartbeats: 2 }
    expect(await linesOf(tool('image_generation'))).toHaveLength(2)
  })

  test('another tool has results of its own', async () => {
    expect((await linesOf(tool('web_search', { query: 'ball' }))).at(-1).data).toEqual({
      results: ['canned result of web_search'],
    })
  })
})

describe('keys', () => {
  test('a bad one or none is answered with 401', async () => {
    emulator.vendor.badKeys.add('gsk-1')
    for (const reply of [openAi(chatBody), tool('web_search'), openAi(chatBody, {})]) {
      expect((await reply).status).toBe(401)
    }
    expect(emulator.vendor.asks).toEqual([])
    expect(emulator.violations).toEqual([])
  })

  test('one without credits gets a notice with status 200 that is no stream', async () => {
    emulator.vendor.spentKeys.add('gsk-1')
    const { status, headers, body } = await openAi({ ...chatBody, stream: true })
    expect([status, headers['content-type'], body.toString()]).toEqual([
      200,
      'text/plain; charset=utf-8',
      "You've run out of credits. Please upgrade your plan.",
    ])
    expect((await linesOf(tool('image_generation'))).at(-1)).toMatchObject({ status: 'error' })
    emulator.vendor.spentKeys.clear()
    emulator.vendor.script = { type: 'credits-gone', as: 'json' }
    expect(readJson(await openAi(chatBody))).toMatchObject({ status: -8 })
  })

  test('an ask may be answered with any fault', async () => {
    emulator.vendor.script = ({ index }) =>
      index === 0 ? { type: 'fault', status: 429, headers: { 'Retry-After': '2' } } : { type: 'answer' }
    const first = await openAi(chatBody)
    expect([first.status, first.headers['retry-after']]).toEqual([429, '2'])
    expect((await openAi(chatBody)).status).toBe(200)
  })

  test('a cookie beside the key and a body of another shape are violations', async () => {
    await openAi(chatBody, { Authorization: 'Bearer gsk-1', Cookie: 'session_id=alice' })
    await openAi({ ...chatBody, messages: [] })
    expect(emulator.violations).toEqual([
      'POST /api/llm_proxy/v1/chat/completions: a cookie beside the key',
      expect.stringContaining('messages'),
    ])
  })
})
