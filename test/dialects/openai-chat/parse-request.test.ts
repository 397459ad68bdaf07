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
      stream: false,
      includeUsage: false,
      reasoningFormat: undefined,
    })
  })

  it('reads what it knows and ignores every other field (CLIENTS rule 12)', async () => {
    const parsed = await parse({
      stream: true,
      stream_options: { include_usage: true, more: 1 },
      reasoning_format: 'think-tags',
      temperature: 'hot',
      tools: [{ type: 'namespace' }],
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

  it('folds tool calls and results into text', async () => {
    const messages = await parseMessages(
      {
        role: 'assistant',
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: '3' },
      { role: 'tool', tool_call_id: 'c2', name: 'sub', content: [{ type: 'text', text: '4' }] },
      { role: 'assistant', content: 'So', function_call: { name: 'mul', arguments: '{}' } },
      { role: 'function', name: 'mul', content: '5' },
    )
    expect(messages).toEqual([
      { role: 'assistant', parts: [text('Tool call (add): {"a":1}')] },
      { role: 'user', parts: [text('Tool result (c1):'), text('3')] },
      { role: 'user', parts: [text('Tool result (sub):'), text('4')] },
      { role: 'assistant', parts: [text('So'), text('Tool call (mul): {}')] },
      { role: 'user', parts: [text('Tool result (mul):'), text('5')] },
    ])
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
    [{ model: 'm', messages: 'Hi' }, 'messages'],
    [{ model: 'm', messages: ['Hi'] }, 'messages[0]'],
    [{ model: 'm', messages: [{ role: 'user', content: 'a' }], stream: 'yes' }, 'stream'],
    [
      { model: 'm', messages: [{ role: 'user', content: 'a' }], stream_options: { include_usage: 1 } },
      'stream_options.include_usage',
    ],
    [{ model: 'm', messages: [{ role: 'user', content: 'a' }], reasoning_format: 'x' }, 'reasoning_format'],
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
    'data:text/html;base64,PGI+',
    'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=',
    'data:image/png;base64,bm8gcGljdHVyZSBhdCBhbGw=',
    'data:image/png,raw',
    'data:image/png;base64,',
    'data:image/png;base64,a b',
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
