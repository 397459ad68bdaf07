import { describe, expect, it } from 'vitest'
import { writeCompaction } from '../../src/dialects/compaction.ts'
import { tellUnusedSampling } from '../../src/dialects/lenient-fields.ts'
import { dialects } from './support/parsers.ts'

const each = Object.entries(dialects)

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const pdf = 'JVBERi0xLjQKJcOkw7zDtsOfCg=='
const image = { type: 'image', mimeType: 'image/png', base64: png }
const text = (words: string) => ({ type: 'text', text: words })
const user = (content: unknown) => ({ messages: [{ role: 'user', content }] })
const parameters = { type: 'object', properties: { path: { type: 'string' } } }
const readFile = { name: 'read_file', description: undefined, parameters, strict: false }

describe.each(each)('%s takes every spelling (FINDINGS C1)', (_name, parse) => {
  it('of the conversation', async () => {
    const input = [{ role: 'user', content: [{ type: 'input_text', text: 'Rename foo to bar' }] }]
    for (const body of [{ input }, { messages: input }])
      expect((await parse(body)).chat.messages).toEqual([
        { role: 'user', parts: [text('Rename foo to bar')] },
      ])
  })

  it.each([
    [{ type: 'function', name: 'read_file', parameters }],
    [{ type: 'function', function: { name: 'read_file', parameters } }],
    [{ name: 'read_file', input_schema: parameters }],
    [{ type: 'custom', name: 'read_file', input_schema: parameters }],
  ])('of a tool: %j', async (tool) => {
    expect((await parse({ ...user('Hi'), tools: [tool] })).chat.tools?.definitions).toEqual([readFile])
  })

  it.each([
    [{ type: 'image_url', image_url: `data:image/png;base64,${png}` }, image],
    [{ type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } }, image],
    [{ type: 'input_image', image_url: { url: `data:image/png;base64,${png}` } }, image],
    [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } }, image],
    [{ type: 'image', data: png, mimeType: 'image/png' }, image],
    [{ type: 'input_file', filename: 'a.png', file_data: png }, image],
    [{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: png } }, image],
  ])('of a picture: %j', async (part, expected) => {
    expect((await parse(user([part]))).chat.messages[0]?.parts).toEqual([expected])
  })

  it.each([
    ['line breaks', png.replace(/(.{20})/g, '$1\r\n')],
    [
      'the alphabet of URLs, without padding',
      png.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''),
    ],
  ])('of base64: %s (FINDINGS C9)', async (_, data) => {
    const parts = [
      { type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } },
      {
        type: 'image',
        source: { type: 'base64', media_type: 'image/png', data: `data:image/png;base64,${data}` },
      },
    ]
    expect((await parse(user(parts))).chat.messages[0]?.parts).toEqual([image, image])
  })

  it.each([
    [
      { type: 'image_url', image_url: { url: `data:application/pdf;base64,${pdf}` } },
      'application/pdf',
      'file.pdf',
    ],
    [{ type: 'input_image', image_url: `data:image/png;base64,${pdf}` }, 'application/pdf', 'file.pdf'],
    [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: pdf } },
      'application/pdf',
      'file.pdf',
    ],
    [
      { type: 'image_url', image_url: { url: `data:image/png;base64,${btoa('some words')}` } },
      'text/plain',
      'file.txt',
    ],
  ])('by its bytes, a file that is said to be a picture: %j (FINDINGS C27)', async (part, mimeType, name) => {
    expect((await parse(user([part]))).chat.messages[0]?.parts).toMatchObject([
      { type: 'file', mimeType, name },
    ])
  })

  it('of limits and switches: -1 and 0 are none, strings are numbers (FINDINGS C7)', async () => {
    for (const max_tokens of [-1, 0, '-1', null])
      expect((await parse({ ...user('Hi'), max_tokens })).chat.maxTokens).toBeUndefined()
    expect((await parse({ ...user('Hi'), max_tokens: '16', stream: 'true' })).chat.maxTokens).toBe(16)
    expect((await parse({ ...user('Hi'), stream: 'true' })).stream).toBe(true)
  })

  it('of an assistant in a history, its thinking with the signature', async () => {
    const content = [
      { type: 'thinking', thinking: 'Hm', signature: 's' },
      { type: 'output_text', text: 'I look.' },
      { type: 'tool_use', id: 't1', name: 'read_file', input: { path: 'a' } },
    ]
    const messages = [
      { role: 'developer', content: 'Be brief' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content },
      { role: 'tool', tool_call_id: 't1', content: 'words' },
    ]
    const { chat, warnings } = await parse({ messages })
    expect(chat.messages).toEqual([
      { role: 'system', parts: [text('Be brief')] },
      { role: 'user', parts: [text('Hi')] },
      {
        role: 'assistant',
        parts: [text('I look.')],
        thoughts: [{ text: 'Hm', signature: 's' }],
        toolCalls: [{ id: 't1', name: 'read_file', argumentsText: '{"path":"a"}' }],
      },
      { role: 'tool', callId: 't1', parts: [text('words')], failed: false },
    ])
    expect(warnings).toEqual([])
  })

  it('of a picture that a tool gave back (FINDINGS C8)', async () => {
    const mcp = [
      { type: 'text', text: 'Read image file' },
      { type: 'image', data: png, mimeType: 'image/png' },
    ]
    const responses = [
      { type: 'input_text', text: 'Read image file' },
      { type: 'input_image', image_url: `data:image/png;base64,${png}` },
    ]
    for (const content of [mcp, { content: mcp }, JSON.stringify(mcp), JSON.stringify(responses)]) {
      const messages = [
        { role: 'user', content: 'Hi' },
        { role: 'tool', tool_call_id: 'c1', content },
      ]
      expect((await parse({ messages })).chat.messages[1]?.parts).toEqual([text('Read image file'), image])
    }
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'tool', tool_call_id: 'c1', content: { shots: [{ name: 'a', png }] } },
    ]
    expect((await parse({ messages })).chat.messages[1]?.parts).toEqual([
      text('{"shots":[{"name":"a","png":"[attachment 1]"}]}'),
      image,
    ])
  })

  it('of items of Responses, with the group of a call', async () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      { type: 'function_call', call_id: 'c1', name: 'lookup', namespace: 'docs', arguments: { q: 'a' } },
      { type: 'function_call_output', call_id: 'c1', output: 'found' },
    ]
    expect((await parse({ messages })).chat.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        parts: [],
        toolCalls: [{ id: 'c1', name: 'docs__lookup', argumentsText: '{"q":"a"}' }],
      },
      { role: 'tool', callId: 'c1', parts: [text('found')], failed: false },
    ])
  })

  it('of tools that stand among the messages (FINDINGS C2)', async () => {
    const group = { type: 'namespace', name: 'functions', tools: [{ type: 'custom', name: 'exec' }] }
    const messages = [{ type: 'additional_tools', role: 'developer', tools: [group] }, ...user('Hi').messages]
    const { chat } = await parse({ messages })
    expect(chat.tools?.definitions.map(({ name }) => name)).toEqual(['functions__exec'])
    expect(chat.messages).toHaveLength(1)
  })

  it('of a conversation in short, its own alone (FINDINGS C3)', async () => {
    const compaction = { type: 'compaction', encrypted_content: writeCompaction('Ünder way') }
    const { chat } = await parse({ messages: [compaction, ...user('Go on').messages] })
    expect(chat.messages[0]?.parts).toEqual([text('The conversation so far, in short:\n\nÜnder way')])
    const foreign = { messages: [{ ...compaction, encrypted_content: 'gAAAA' }] }
    await expect(parse(foreign)).rejects.toMatchObject({ param: expect.stringMatching(/encrypted_content$/) })
  })

  it('of a web search that is chosen or alone, and tells of any other (FINDINGS C5)', async () => {
    const search = { type: 'web_search_20250305', name: 'web_search' }
    const other = { name: 'read_file', input_schema: parameters }
    const searches = async (body: object) => (await parse({ ...user('News?'), ...body })).chat.model.search
    expect(await searches({ tools: [search] })).toBe(true)
    expect(await searches({ tools: [{ type: 'web_search_preview' }] })).toBe(true)
    const choice = { type: 'tool', name: 'web_search' }
    expect(await searches({ tools: [search, other], tool_choice: choice })).toBe(true)
    expect(await searches({ tools: [search, other] })).toBe(false)
    expect((await parse({ ...user('Hi'), tools: [search, other] })).warnings).toHaveLength(1)
  })

  it("of Anthropic's tools that the client runs (FINDINGS C10)", async () => {
    const tools = [
      { type: 'bash_20250124', name: 'bash' },
      { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool' },
      { type: 'memory_20250818', name: 'memory' },
    ]
    const { definitions = [] } = (await parse({ ...user('Hi'), tools })).chat.tools ?? {}
    expect(
      definitions.map(({ name, parameters: { properties } }) => [name, Object.keys(Object(properties))]),
    ).toEqual([
      ['bash', ['command', 'restart']],
      [
        'str_replace_based_edit_tool',
        ['command', 'path', 'file_text', 'old_str', 'insert_line', 'view_range', 'new_str', 'insert_text'],
      ],
      ['memory', expect.arrayContaining(['command', 'path', 'old_path', 'new_path'])],
    ])
  })
})

it('takes two results of one name in the order of their calls (FINDINGS C14)', async () => {
  const call = (id: string, x: number) => ({ id, function: { name: 'f', arguments: { x } } })
  const { chat } = await dialects.chat({
    messages: [
      { role: 'assistant', content: null, tool_calls: [call('a', 1), call('b', 2)] },
      { role: 'tool', name: 'f', content: 'first' },
      { role: 'tool', name: 'f', content: 'second' },
    ],
  })
  expect(chat.messages.slice(1)).toMatchObject([{ callId: 'a' }, { callId: 'b' }])
})

it('tells which fields have no effect (FINDINGS C15)', async () => {
  const body = {
    ...user('Hi'),
    temperature: 0.5,
    top_p: 1,
    seed: 7,
    logprobs: false,
    modalities: ['text', 'audio'],
  }
  for (const [, parse] of each) {
    const { chat, warnings } = await parse(body)
    expect(warnings).toEqual(['no effect here: modalities'])
    // An API key has use for the others: the answer shows whether they had an effect.
    expect(chat.sampling).toEqual({ temperature: 0.5, topP: 1, seed: 7 })
    expect(tellUnusedSampling(chat.sampling ?? {})).toEqual(['no effect here: temperature, seed'])
  }
})
