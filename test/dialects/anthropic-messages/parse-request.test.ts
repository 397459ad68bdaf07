import { describe, expect, it } from 'vitest'
import type { ChatModel } from '../../../src/core/chat-request.ts'
import { InvalidRequestError } from '../../../src/core/errors.ts'
import { parseRequest } from '../../../src/dialects/anthropic-messages/parse-request.ts'

const resolve = (id: string): ChatModel => ({
  id,
  upstreamIds: { copilot: [id], agent: [id] },
  mixture: false,
  search: false,
})

const hello = { role: 'user', content: 'Hi' }
const smallest = { model: 'claude-sonnet-5', max_tokens: 100, messages: [hello] }

const parse = (fields: object) => parseRequest({ ...smallest, ...fields }, resolve)
const chatOf = async (fields: object) => (await parse(fields)).chat
const turnsOf = async (...messages: unknown[]) => (await chatOf({ messages })).messages
const partsOf = async (...content: unknown[]) => (await turnsOf({ role: 'user', content }))[0]?.parts

/** One pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const pdf = 'JVBERi0xLjQKJcOkw7zDtsOfCg=='
const text = (words: string) => ({ type: 'text', text: words })
const cached = { cache_control: { type: 'ephemeral' } }
const image = { type: 'image', mimeType: 'image/png', base64: png }
const imageBlock = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } }

async function faultOf(fields: object): Promise<{ param: string | undefined; message: string }> {
  try {
    await parse(fields)
  } catch (error) {
    if (error instanceof InvalidRequestError) return { param: error.param, message: error.message }
    throw error
  }
  throw new Error('it was taken')
}

describe('parseRequest', () => {
  it('reads the smallest request', async () => {
    expect(await parse({})).toEqual({
      chat: {
        model: resolve('claude-sonnet-5'),
        messages: [{ role: 'user', parts: [text('Hi')] }],
        maxTokens: 100,
      },
      stream: false,
      showThinking: false,
      warnings: [],
    })
  })

  it('does without max_tokens, and ignores what it does not know', async () => {
    const chat = await chatOf({
      max_tokens: undefined,
      metadata: { user_id: 'u' },
      context_management: { edits: [{ type: 'clear_thinking_20251015' }] },
      output_config: { effort: 'high' },
      temperature: 1,
      top_k: 5,
      service_tier: 'auto',
      mcp_servers: [{}],
      container: null,
    })
    expect(Object.keys(chat)).toEqual(['model', 'messages', 'sampling'])
    expect(chat.sampling).toEqual({ temperature: 1, effort: 'high' })
  })

  it.each([
    ['a string', 'Be brief.', [text('Be brief.')]],
    ['blocks', [{ ...text('Be brief.'), ...cached }, text('Be kind.')], [text('Be brief.\nBe kind.')]],
    [
      "blocks of which one is for the vendor's books",
      [text('x-anthropic-billing-header: cc_version=2.1.197; cch=1;'), text('Be brief.')],
      [text('Be brief.')],
    ],
  ])('reads a system prompt as %s', async (_form, system, parts) => {
    expect((await chatOf({ system })).messages).toEqual([
      { role: 'system', parts },
      { role: 'user', parts: [text('Hi')] },
    ])
  })

  it.each([[undefined], [null], [[]]])('takes %j for no system prompt', async (system) => {
    expect((await chatOf({ system })).messages).toHaveLength(1)
  })

  it('keeps the order of turns, also of system messages among them', async () => {
    const turns = await turnsOf(
      hello,
      { role: 'assistant', content: [text('Yes?')] },
      { role: 'system', content: 'Now in French.' },
      { role: 'user', content: [{ ...text('Why?'), ...cached }] },
    )
    expect(turns).toEqual([
      { role: 'user', parts: [text('Hi')] },
      { role: 'assistant', parts: [text('Yes?')] },
      { role: 'system', parts: [text('Now in French.')] },
      { role: 'user', parts: [text('Why?')] },
    ])
  })

  it('reads pictures, as bytes and by URL', async () => {
    const url = 'https://example.com/a.png'
    expect(await partsOf(imageBlock, { type: 'image', source: { type: 'url', url } })).toEqual([
      image,
      { type: 'image-url', url, param: 'messages[0].content[1].source.url' },
    ])
  })

  it('reads documents: files, texts and blocks, with title and context in front', async () => {
    const parts = await partsOf(
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: pdf } },
      {
        type: 'document',
        title: 'Plan',
        context: 'A draft.',
        source: { type: 'text', media_type: 'text/plain', data: 'Step one.' },
        citations: { enabled: true },
      },
      { type: 'document', source: { type: 'content', content: [text('Block'), imageBlock] } },
      { type: 'document', source: { type: 'content', content: 'Words' } },
      {
        type: 'document',
        title: 'notes.csv',
        source: { type: 'base64', media_type: 'text/csv', data: btoa('a,b') },
      },
    )
    expect(parts).toEqual([
      { type: 'file', name: 'document.pdf', mimeType: 'application/pdf', base64: pdf },
      text('Document: Plan\nA draft.\nStep one.\nBlock'),
      image,
      text('Words\nDocument: notes.csv'),
      { type: 'file', name: 'notes.csv', mimeType: 'text/csv', base64: btoa('a,b') },
    ])
  })

  it('reads search results as text, and leaves out what the servers of the vendor left', async () => {
    const parts = await partsOf(
      { type: 'search_result', title: 'Rain', source: 'https://a.example', content: [text('It rained.')] },
      { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] },
      { type: 'container_upload', file_id: 'f' },
      { type: 'something_new', what: 1 },
    )
    expect(parts).toEqual([text('Search result: Rain (https://a.example)\nIt rained.')])
  })

  it('reads calls and their results of every shape, in order', async () => {
    const turns = await turnsOf(
      hello,
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm', signature: 's' },
          { type: 'redacted_thinking', data: 'x' },
          text('I look.'),
          { type: 'tool_use', id: 'toolu_1', name: 'read', input: { path: 'a' }, ...cached },
          { type: 'tool_use', id: 'toolu_2', name: 'now', input: {} },
          { type: 'tool_use', id: 'toolu_3', name: 'see', input: { a: [1] }, caller: { type: 'direct' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_1', content: 'No such file', is_error: true, ...cached },
          { type: 'tool_result', tool_use_id: 'toolu_2' },
          {
            type: 'tool_result',
            tool_use_id: 'toolu_3',
            content: [text('Seen'), imageBlock, { type: 'tool_reference', tool_name: 'edit' }],
          },
          text('Go on.'),
        ],
      },
    )
    expect(turns.slice(1)).toEqual([
      {
        role: 'assistant',
        parts: [text('I look.')],
        thoughts: [
          { text: 'Hm', signature: 's' },
          { text: '', redacted: 'x' },
        ],
        toolCalls: [
          { id: 'toolu_1', name: 'read', argumentsText: '{"path":"a"}' },
          { id: 'toolu_2', name: 'now', argumentsText: '{}' },
          { id: 'toolu_3', name: 'see', argumentsText: '{"a":[1]}' },
        ],
      },
      { role: 'tool', callId: 'toolu_1', parts: [text('No such file')], failed: true },
      { role: 'tool', callId: 'toolu_2', parts: [], failed: false },
      { role: 'tool', callId: 'toolu_3', parts: [text('Seen'), image, text('edit')], failed: false },
      { role: 'user', parts: [text('Go on.')] },
    ])
  })

  it.each([
    ['an object', { rain: true }, '{"rain":true}'],
    ['a list of anything', [1, { rain: true }], '[1,{"rain":true}]'],
    ['a number', 7, '7'],
  ])('tells the model as JSON what else a tool gave back: %s', async (_, content, words) => {
    const turns = await turnsOf({
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: 't', content }],
    })
    expect(turns).toEqual([{ role: 'tool', callId: 't', parts: [text(words)], failed: false }])
  })

  it('keeps words before a result in front of it', async () => {
    const content = [text('First'), { type: 'tool_result', tool_use_id: 't', content: '1' }, text('Then')]
    expect((await turnsOf({ role: 'user', content })).map(({ role }) => role)).toEqual([
      'user',
      'tool',
      'user',
    ])
  })

  it('leaves out a turn that was nothing but thinking', async () => {
    const thought = { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm', signature: 's' }] }
    expect(await turnsOf(hello, thought, { role: 'assistant' }, hello)).toHaveLength(2)
  })

  it('reads tools and ignores those of the vendor', async () => {
    const input_schema = { type: 'object', properties: { city: { type: 'string' } } }
    const { tools } = await chatOf({
      tools: [
        { name: 'weather', description: 'Of a city', input_schema, ...cached, eager_input_streaming: true },
        { type: 'web_search_20250305', name: 'web_search', max_uses: 5 },
        { type: 'custom', name: 'exact', input_schema: { type: 'object' }, strict: true },
      ],
    })
    expect(tools).toEqual({
      definitions: [
        { name: 'weather', description: 'Of a city', parameters: input_schema, strict: false },
        { name: 'exact', description: undefined, parameters: { type: 'object' }, strict: true },
      ],
      choice: { type: 'auto' },
      parallel: true,
    })
  })

  it.each([
    [
      { type: 'auto', disable_parallel_tool_use: true },
      { choice: { type: 'auto' }, parallel: false },
    ],
    [{ type: 'any' }, { choice: { type: 'required' }, parallel: true }],
    [
      { type: 'tool', name: 'a' },
      { choice: { type: 'named', name: 'a' }, parallel: true },
    ],
    [
      { type: 'tool', name: 'web_search' },
      { choice: { type: 'auto' }, parallel: true },
    ],
    [{ type: 'none' }, undefined],
  ])('reads the choice %j', async (tool_choice, use) => {
    const tools = [
      { name: 'a', input_schema: { type: 'object' } },
      { type: 'web_search_20250305', name: 'web_search' },
    ]
    const chat = await chatOf({ tools, tool_choice })
    if (use) expect(chat.tools).toMatchObject(use)
    else expect(chat.tools).toBeUndefined()
  })

  it.each([
    [
      'output_config',
      { output_config: { effort: 'low', format: { type: 'json_schema', schema: { a: 1 } } } },
    ],
    ['output_format', { output_format: { type: 'json_schema', schema: { a: 1 } } }],
  ])('reads the form of the answer from %s', async (_field, fields) => {
    expect((await chatOf(fields)).output).toEqual({
      type: 'json-schema',
      name: 'response',
      description: undefined,
      schema: { a: 1 },
    })
  })

  it('reads stop sequences', async () => {
    expect((await chatOf({ stop_sequences: ['END', '', '\n\nHuman:'] })).stop).toEqual(['END', '\n\nHuman:'])
    expect(await chatOf({ stop_sequences: [] })).not.toHaveProperty('stop')
  })

  it.each([
    [{ type: 'enabled', budget_tokens: 31_999 }, true],
    [{ type: 'adaptive' }, true],
    [{ type: 'adaptive', display: 'summarized' }, true],
    [{ type: 'adaptive', display: 'omitted' }, false],
    [{ type: 'disabled' }, false],
    [undefined, false],
  ])('shows thinking as %j asks: %s', async (thinking, shown) => {
    expect((await parse({ thinking })).showThinking).toBe(shown)
  })

  it.each([
    ['model', { model: '' }],
    ['messages', { messages: [] }],
    ['messages', { messages: [{ role: 'assistant', content: [] }] }],
    ['messages[0].role', { messages: [{ role: 'critic', content: 'a' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 1 }] }],
    ['messages[0].content[0].type', { messages: [{ role: 'user', content: [{}] }] }],
    ['messages[0].content[0].text', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }],
    [
      'messages[0].content[0].source.data',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'base64', data: btoa('\0\x01\x02no picture') } }],
          },
        ],
      },
    ],
    [
      'messages[0].content[0].source.file_id',
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }] },
    ],
    [
      'messages[0].content[0].source.url',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'document', source: { type: 'url', url: 'https://a.example' } }],
          },
        ],
      },
    ],
    [
      'messages[0].content[0]',
      { messages: [{ role: 'user', content: [{ type: 'tool_use', id: 'a', name: 'b', input: {} }] }] },
    ],
    [
      'messages[0].content[0].tool_use_id',
      { messages: [{ role: 'user', content: [{ type: 'tool_result', content: 'a' }] }] },
    ],
    ['system', { system: 1 }],
    ['max_tokens', { max_tokens: 1.5 }],
    ['stop_sequences', { stop_sequences: 7 }],
    ['tools[0].name', { tools: [{ input_schema: {} }] }],
    ['tool_choice', { tool_choice: { type: 'tool', name: 'b' } }],
    ['tool_choice', { tool_choice: 'perhaps' }],
  ])('says that %s is wrong', async (param, fields) => {
    const fault = await faultOf(fields)
    expect(fault.param).toBe(param)
    expect(fault.message).toContain(`${param}: `)
  })
})

it('takes no object for the text of a system block', async () => {
  const body = { model: 'm', max_tokens: 9, system: [{ type: 'text', text: { toString: 1 } }], messages: [] }
  const resolve = () => Promise.reject(new Error('not asked')) as never
  await expect(parseRequest(body, resolve)).rejects.toMatchObject({ code: 'invalid_value' })
})
