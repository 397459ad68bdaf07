import { describe, expect, it } from 'vitest'
import type { ChatModel } from '../../../src/core/chat-request.ts'
import { InvalidRequestError } from '../../../src/core/errors.ts'
import { parseRequest } from '../../../src/dialects/openai-chat/parse-request.ts'

const resolve = (id: string): ChatModel => ({
  id,
  upstreamIds: { copilot: [id], agent: [id] },
  mixture: false,
  search: false,
})

const smallest = { model: 'm', messages: [{ role: 'user', content: 'a' }] }

const parse = (fields: object) =>
  parseRequest({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hi' }], ...fields }, resolve)
const parseMessages = async (...messages: unknown[]) => (await parse({ messages })).chat.messages
/** One pixel each. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const jpeg = '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////2Q=='
const pdf = 'JVBERi0xLjQKJcOkw7zDtsOfCg=='
const text = (words: string) => ({ type: 'text', text: words })

async function faultOf(body: unknown): Promise<{ code: string; param: string | undefined; message: string }> {
  try {
    await parseRequest(body, resolve)
  } catch (error) {
    if (error instanceof InvalidRequestError)
      return { code: error.code, param: error.param, message: error.message }
    throw error
  }
  throw new Error('it was taken')
}

describe('parseRequest', () => {
  it('reads the smallest request', async () => {
    expect(await parse({})).toEqual({
      chat: { model: resolve('gpt-5'), messages: [{ role: 'user', parts: [text('Hi')] }] },
      choices: 1,
      callStyle: 'tool-calls',
      toolForms: new Map(),
      stream: false,
      includeUsage: false,
      reasoningFormat: undefined,
      warnings: [],
    })
  })

  it('reads stop, the limit and n', async () => {
    const chatOf = async (fields: object) => (await parse(fields)).chat
    expect((await chatOf({ stop: 'END' })).stop).toEqual(['END'])
    expect((await chatOf({ stop: ['a', '', 'b'] })).stop).toEqual(['a', 'b'])
    expect((await chatOf({ max_tokens: 16 })).maxTokens).toBe(16)
    expect((await chatOf({ max_tokens: 16, max_completion_tokens: 4 })).maxTokens).toBe(4)
    expect((await parse({ n: 3 })).choices).toBe(3)
    const nothing = await parse({ stop: '', max_tokens: null, n: null, response_format: { type: 'text' } })
    expect(Object.keys(nothing.chat)).toEqual(['model', 'messages'])
  })

  it('reads the output format', async () => {
    const outputOf = async (response_format: object) => (await parse({ response_format })).chat.output
    const schema = { type: 'object' }
    expect(await outputOf({ type: 'json_object' })).toEqual({ type: 'json-object' })
    expect(await outputOf({ type: 'json_schema', json_schema: { name: 'x', strict: true, schema } })).toEqual(
      {
        type: 'json-schema',
        name: 'x',
        description: undefined,
        schema,
      },
    )
    expect(await outputOf({ type: 'json_schema', json_schema: { name: 'x' } })).toEqual({
      type: 'json-object',
    })
  })

  it('reads what it knows and ignores every other field (CLIENTS rule 12)', async () => {
    const parsed = await parse({
      stream: true,
      stream_options: { include_usage: true, more: 1 },
      reasoning_format: 'think-tags',
      temperature: 'hot',
      tools: [{ type: 'mcp' }],
      max_tokens: null,
    })
    expect(parsed).toMatchObject({ stream: true, includeUsage: true, reasoningFormat: 'think-tags' })
  })

  it('takes null for what is optional', async () => {
    expect(await parse({ stream: null, stream_options: null, reasoning_format: null })).toMatchObject({
      stream: false,
    })
  })

  it('takes developer for system, two of one role in a row and a last message of role system', async () => {
    const messages = await parseMessages(
      { role: 'developer', content: 'a' },
      { role: 'user', content: 'b' },
      { role: 'user', content: 'c', name: 'eve' },
      { role: 'system', content: 'd' },
    )
    expect(messages.map((message) => message.role)).toEqual(['system', 'user', 'user', 'system'])
  })

  it('reads text parts and images in data URLs, by their bytes and not by their label', async () => {
    const [message] = await parseMessages({
      role: 'user',
      content: [
        { type: 'text', text: 'What is it?' },
        { type: 'image_url', image_url: { url: `data:image/PNG;base64,${jpeg}`, detail: 'low' } },
        { type: 'image_url', image_url: `data:text/plain;name=x.png;base64,${png}` },
      ],
    })
    expect(message?.parts).toEqual([
      text('What is it?'),
      { type: 'image', mimeType: 'image/jpeg', base64: jpeg },
      { type: 'image', mimeType: 'image/png', base64: png },
    ])
  })

  it('leaves a URL to whoever fetches it, with its place, in any turn', async () => {
    const url = 'https://example.com/cat.png?size=2'
    const messages = await parseMessages(
      { role: 'user', content: [{ type: 'image_url', image_url: { url } }] },
      { role: 'assistant', content: 'A cat' },
      { role: 'user', content: [text('And?'), { type: 'image_url', image_url: 'file:///etc/passwd' }] },
    )
    expect(messages.map((message) => message.parts)).toEqual([
      [{ type: 'image-url', url, param: 'messages[0].content[0].image_url.url' }],
      [text('A cat')],
      [
        text('And?'),
        { type: 'image-url', url: 'file:///etc/passwd', param: 'messages[2].content[1].image_url' },
      ],
    ])
  })

  it('reads an image of 12 MB', async () => {
    const base64 = png.slice(0, -4) + 'A'.repeat(12 * 1024 * 1024)
    const [message] = await parseMessages({
      role: 'user',
      content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } }],
    })
    expect(message?.parts[0]).toEqual({ type: 'image', mimeType: 'image/png', base64 })
  })

  it('reads files by their bytes, else by what the client says they are', async () => {
    const file = (fields: object) => ({ type: 'file', file: fields })
    const [message] = await parseMessages({
      role: 'user',
      content: [
        file({ filename: '../papers/a.pdf', file_data: `data:text/plain;base64,${pdf}` }),
        file({ filename: 'b.pdf', file_data: pdf }),
        file({ filename: 'notes.md', file_data: 'data:text/markdown;base64,IyBIaQ==' }),
        file({ file_data: 'SGk=' }),
        file({ filename: 'c.pdf', file_data: png }),
      ],
    })
    expect(message?.parts).toEqual([
      { type: 'file', name: 'a.pdf', mimeType: 'application/pdf', base64: pdf },
      { type: 'file', name: 'b.pdf', mimeType: 'application/pdf', base64: pdf },
      { type: 'file', name: 'notes.md', mimeType: 'text/markdown', base64: 'IyBIaQ==' },
      { type: 'file', name: 'file', mimeType: 'application/octet-stream', base64: 'SGk=' },
      { type: 'image', mimeType: 'image/png', base64: png },
    ])
  })

  it('reads calls and their results, of tools and of functions', async () => {
    const messages = await parseMessages(
      {
        role: 'assistant',
        tool_calls: [
          { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
          { type: 'function', function: { name: 'sub', arguments: { b: 2 } } },
          { id: 'c3', type: 'custom', custom: { name: 'x', input: 'y' } },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: '3' },
      { role: 'tool', name: 'sub', content: [text('4')] },
      { role: 'assistant', content: 'So', function_call: { name: 'mul', arguments: '' } },
      { role: 'function', name: 'mul', content: '5' },
      { role: 'tool', tool_call_id: 'c9', content: 'late' },
      { role: 'tool', content: '6' },
    )
    const result = (callId: string, words: string) => ({
      role: 'tool',
      callId,
      parts: [text(words)],
      failed: false,
    })
    expect(messages).toEqual([
      {
        role: 'assistant',
        parts: [],
        toolCalls: [
          { id: 'c1', name: 'add', argumentsText: '{"a":1}' },
          { id: 'call_0_1', name: 'sub', argumentsText: '{"b":2}' },
          { id: 'c3', name: 'x', argumentsText: '{"input":"y"}' },
        ],
      },
      result('c1', '3'),
      result('call_0_1', '4'),
      {
        role: 'assistant',
        parts: [text('So')],
        toolCalls: [{ id: 'call_3_0', name: 'mul', argumentsText: '{}' }],
      },
      result('call_3_0', '5'),
      result('c9', 'late'),
      result('c3', '6'),
    ])
  })

  it.each([
    ['12 degrees', [text('12 degrees')]],
    [null, []],
    [undefined, []],
    [[], []],
    [{ degrees: 12 }, [text('{"degrees":12}')]],
    [[1, 2], [text('[1,2]')]],
    [[{ type: 'circle' }], [text('[{"type":"circle"}]')]],
    [false, [text('false')]],
    [
      [text('See'), { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }],
      [text('See'), { type: 'image', mimeType: 'image/png', base64: png }],
    ],
  ])('takes a tool result of the shape %j', async (content, parts) => {
    const [turn] = await parseMessages({ role: 'tool', tool_call_id: 'c1', content })
    expect(turn?.parts).toEqual(parts)
  })

  it('takes a refusal for the words of the assistant', async () => {
    const [turn] = await parseMessages({ role: 'assistant', content: null, refusal: 'No' })
    expect(turn).toEqual({ role: 'assistant', parts: [text('No')] })
  })

  it.each([
    [{ role: 'assistant' }],
    [{ role: 'assistant', content: null }],
    [{ role: 'assistant', content: [] }],
  ])('takes an assistant message without content: %j', async (message) => {
    expect(await parseMessages(message)).toEqual([{ role: 'assistant', parts: [text('')] }])
  })

  it.each([
    [null, undefined],
    [[], undefined],
    ['text', undefined],
    [{}, 'model'],
    [{ model: '', messages: [{ role: 'user', content: 'a' }] }, 'model'],
    [{ model: 7, messages: [{ role: 'user', content: 'a' }] }, 'model'],
    [{ model: 'm' }, 'messages'],
    [{ model: 'm', messages: [] }, 'messages'],
    [{ model: 'm', messages: 7 }, 'messages'],
    [{ model: 'm', messages: ['Hi'] }, 'messages[0]'],
    [{ model: 'm', messages: [{ role: 'user', content: 'a' }], stream: 'yes' }, 'stream'],
    [
      { model: 'm', messages: [{ role: 'user', content: 'a' }], stream_options: { include_usage: 1 } },
      'stream_options.include_usage',
    ],
    [{ model: 'm', messages: [{ role: 'user', content: 'a' }], reasoning_format: 'x' }, 'reasoning_format'],
    [{ ...smallest, stop: 7 }, 'stop'],
    [{ ...smallest, stop: Array.from({ length: 257 }, () => 'x') }, 'stop'],
    [{ ...smallest, max_tokens: 'many' }, 'max_tokens'],
    [{ ...smallest, max_completion_tokens: 1.5 }, 'max_completion_tokens'],
    [{ ...smallest, n: 17 }, 'n'],
    [{ ...smallest, response_format: { type: 'grammar' } }, 'response_format.type'],
    [
      { ...smallest, response_format: { type: 'json_schema', json_schema: { name: 'x'.repeat(257) } } },
      'response_format.json_schema.name',
    ],
    [{ model: 'm', messages: [{ role: 'king', content: 'a' }] }, 'messages[0].role'],
    [{ model: 'm', messages: [{ role: 'user' }] }, 'messages[0].content'],
    [{ model: 'm', messages: [{ role: 'user', content: null }] }, 'messages[0].content'],
    [{ model: 'm', messages: [{ role: 'user', content: { text: 'a' } }] }, 'messages[0].content'],
    [{ model: 'm', messages: [{ role: 'user', content: ['a'] }] }, 'messages[0].content[0]'],
    [
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'text', text: 1 }] }] },
      'messages[0].content[0].text',
    ],
    [
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] },
      'messages[0].content[0]',
    ],
    [
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'video' }] }] },
      'messages[0].content[0].type',
    ],
    [
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'file' }] }] },
      'messages[0].content[0].file',
    ],
    [
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] },
      'messages[0].content[0].file.file_id',
    ],
    [
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'file', file: { filename: 'a' } }] }] },
      'messages[0].content[0].file.file_data',
    ],
    [
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: '%%' } }] }] },
      'messages[0].content[0].file.file_data',
    ],
    [
      { model: 'm', messages: [{ role: 'assistant', tool_calls: [{ function: { name: 1 } }] }] },
      'messages[0].tool_calls[0].function.name',
    ],
  ])('names the place of the fault in %j', async (body, param) => {
    expect(await faultOf(body)).toMatchObject({ code: 'invalid_value', param })
  })

  it.each([
    `https://example.com/${'x'.repeat(10_000)}`,
    'cat.png',
    'data:image/png;base64,AAECAwQFBgcICQ==',
    'data:image/png;base64,',
    'data:image/png;base64,a%b',
    'data:image/png;base64,a!b=',
    `data:image/png;${'x'.repeat(300)};base64,AAAA`,
  ])('refuses the image %s without repeating it', async (url) => {
    const body = {
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    }
    const fault = await faultOf(body)
    expect(fault).toMatchObject({ code: 'invalid_value', param: 'messages[0].content[0].image_url.url' })
    expect(fault.message).not.toContain(url)
  })

  it('ends at the first of a million faults', async () => {
    const messages = Array.from({ length: 1_000_000 }, () => 1)
    expect((await faultOf({ model: 'm', messages })).param).toBe('messages[0]')
  })
})
