import { describe, expect, it } from 'vitest'
import { parseRequest as parseGemini } from '../../src/dialects/gemini/parse-request.ts'
import { dialects, resolve } from './support/parsers.ts'

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const user = (content: unknown, more: object = {}) => ({ messages: [{ role: 'user', content }], ...more })
const hi = { role: 'user', content: 'Hi' }
const said = (...messages: unknown[]) => ({ messages: [hi, ...messages] })
const picture = (url: string, more: object = {}) => user([{ type: 'image_url', image_url: { url, ...more } }])
const tool = (fn: object) => user('Hi', { tools: [{ type: 'function', function: fn }] })
const called = (call: unknown) => ({ role: 'assistant', content: null, tool_calls: [call] })
const image = { type: 'image', mimeType: 'image/png', base64: png }

describe.each(Object.entries(dialects))('%s, given what is odd', (_name, parse) => {
  it.each([
    ['nulls everywhere', user('Hi', { stop: null, tools: null, stream: null, response_format: null })],
    ['nulls of the vendor', user('Hi', { metadata: null, user: null, service_tier: null, logit_bias: null })],
    ['more nulls', user('Hi', { seed: null, modalities: null, audio: null, stream_options: null })],
    [
      'nulls of an answer',
      said({ role: 'assistant', content: 'a', tool_calls: null, refusal: null, audio: null }),
    ],
    ['an empty list of calls', said({ role: 'assistant', content: 'a', tool_calls: [] }, hi)],
    ['an empty list of tools', user('Hi', { tools: [], tool_choice: 'auto', parallel_tool_calls: null })],
    ['a tool without parameters', tool({ name: 'f', parameters: null })],
    ['a tool with an empty schema', tool({ name: 'f', parameters: {} })],
    ['a choice without tools', user('Hi', { tool_choice: 'required' })],
    ['empty stops', user('Hi', { stop: [''] })],
    ['a format of text', user('Hi', { response_format: { type: 'text' } })],
    [
      'a schema without a name',
      user('Hi', { response_format: { type: 'json_schema', json_schema: { schema: {} } } }),
    ],
    [
      'a format without a schema',
      user('Hi', { response_format: { type: 'json_schema', json_schema: null } }),
    ],
    ['the assistant first', { messages: [{ role: 'assistant', content: 'a' }, hi] }],
    ['the system last', said({ role: 'system', content: 'S' })],
    ['an answer alone at the end', said({ role: 'assistant', content: 'a' })],
    ['two of the user in a row', said(hi, hi)],
    [
      'no text of a call',
      said(called({ id: 'c', type: 'function', function: { name: 'f', arguments: '' } }), hi),
    ],
    ['arguments that are broken', said(called({ id: 'c', function: { name: 'f', arguments: '{bad' } }), hi)],
    ['arguments as an object', said(called({ function: { name: 'f', arguments: {} } }), hi)],
    ['a result without its call', said({ role: 'tool', tool_call_id: 'x', content: 'r' })],
    ['a result before all else', { messages: [{ role: 'tool', tool_call_id: 'x', content: 'r' }, hi] }],
    ['an empty result', said({ role: 'tool', tool_call_id: 'x', content: [] })],
    ['a result of null', said({ role: 'tool', tool_call_id: 'x', content: null })],
    ['a result of a function', said({ role: 'function', name: 'f', content: 'r' })],
    [
      'a picture of the system',
      {
        messages: [
          { role: 'system', content: picture(`data:image/png;base64,${png}`).messages[0]?.content },
          hi,
        ],
      },
    ],
    [
      'a picture of the assistant',
      said({ role: 'assistant', content: picture(`data:image/png;base64,${png}`).messages[0]?.content }, hi),
    ],
    [
      'a search of the vendor',
      said(
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'a' },
            { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
            { type: 'web_search_tool_result', tool_use_id: 's', content: [] },
          ],
        },
        hi,
      ),
    ],
    [
      'thoughts of nothing',
      said(
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: null, signature: null },
            { type: 'text', text: 'a' },
          ],
        },
        hi,
      ),
    ],
    [
      'a thought that nobody may read',
      said({ role: 'assistant', content: [{ type: 'redacted_thinking', data: null }] }, hi),
    ],
    [
      'a result without content',
      said({ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x' }] }),
    ],
  ])('takes %s', async (_case, body) => {
    const { chat } = await parse(body)
    expect(JSON.stringify(chat.messages)).toContain('"Hi"')
  })

  it.each([
    ['a control character', 'a\u0000b'],
    ['half a pair', 'half \ud800 pair'],
    ['a blank that is none', '\u200b'],
  ])('keeps %s', async (_case, words) => {
    const { chat } = await parse(user(words))
    expect(chat.messages).toEqual([{ role: 'user', parts: [{ type: 'text', text: words }] }])
  })

  it.each([
    ['parameters', `data:image/png;charset=utf-8;name=a.png;base64,${png}`],
    ['no type', `data:;base64,${png}`],
    ['capital letters', `DATA:IMAGE/PNG;BASE64,${png}`],
    [
      'the alphabet of URLs',
      `data:image/png;base64,${png.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`,
    ],
    ['no head', png],
  ])('reads a picture with %s', async (_case, url) => {
    expect((await parse(picture(url, { detail: 'original' }))).chat.messages[0]?.parts).toEqual([image])
  })

  it.each([
    ['no messages', { messages: [] }, 'messages'],
    ['a message of null', said(null), 'messages[1]'],
    ['a role of nobody', said({ role: 'critic', content: 'x' }), 'messages[1].role'],
    ['a number as content', user(7), 'messages[0].content'],
    ['a part of null', user([null]), 'messages[0].content[0]'],
    ['a part that is a string', user(['words']), 'messages[0].content[0]'],
    ['a part without a type', user([{}]), 'messages[0].content[0].type'],
    ['a text of null', user([{ type: 'text', text: null }]), 'messages[0].content[0].text'],
    ['a picture of null', user([{ type: 'image_url', image_url: null }]), 'messages[0].content[0].image_url'],
    [
      'a picture without a URL',
      user([{ type: 'image_url', image_url: {} }]),
      'messages[0].content[0].image_url',
    ],
    ['a picture of nothing', picture(''), 'messages[0].content[0].image_url.url'],
    ['a data URL of nothing', picture('data:image/png;base64,'), 'messages[0].content[0].image_url.url'],
    ['a URL without a scheme', picture('//x/y.png'), 'messages[0].content[0].image_url.url'],
    [
      'audio',
      user([{ type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } }]),
      'messages[0].content[0]',
    ],
    [
      'a file by its id',
      user([{ type: 'file', file: { file_id: 'f' } }]),
      'messages[0].content[0].file.file_id',
    ],
    ['a file of nothing', user([{ type: 'file', file: {} }]), 'messages[0].content[0].file.file_data'],
    [
      'a picture by its id',
      user([{ type: 'image', source: { type: 'file', file_id: 'f' } }]),
      'messages[0].content[0].source.file_id',
    ],
    ['a call of null', said(called(null)), 'messages[1].tool_calls[0]'],
    ['no model', user('Hi', { model: null }), 'model'],
    ['a blank model', user('Hi', { model: ' ' }), 'model'],
    ['a limit in words', user('Hi', { max_tokens: 'many' }), 'max_tokens'],
    ['half a token', user('Hi', { max_tokens: 1.5 }), 'max_tokens'],
    ['a limit beyond numbers', user('Hi', { max_tokens: 1e30 }), 'max_tokens'],
    ['a stop of null', user('Hi', { stop: [null] }), 'stop'],
    ['a stream of words', user('Hi', { stream: 'yes' }), 'stream'],
    ['tools that are no list', user('Hi', { tools: {} }), 'tools'],
    ['a tool of null', user('Hi', { tools: [null] }), 'tools[0]'],
    ['a schema that is none', tool({ name: 'f', parameters: true }), 'tools[0].function.parameters'],
    [
      'the choice of a tool that is not there',
      { ...tool({ name: 'f' }), tool_choice: { type: 'function', name: 'g' } },
      'tool_choice',
    ],
    ['an unknown format', user('Hi', { response_format: { type: 'grammar' } }), 'response_format.type'],
  ])('refuses %s in a sentence that names the field', async (_case, body, param) => {
    const fault = await parse(body).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(fault).toMatchObject({ code: 'invalid_value', param })
    expect(String(fault)).toMatch(new RegExp(`${param.replace(/[.[\]]/g, '\\$&')}: .*\\.$`))
  })
})

describe('gemini, given what is odd', () => {
  const parse = (body: object) => parseGemini(body, 'm', resolve)
  const contents = (...parts: unknown[]) => ({ contents: [{ parts }] })

  it.each([
    ['no role', contents({ text: 'Hi' })],
    [
      'nulls',
      {
        ...contents({ text: 'Hi' }),
        tools: null,
        toolConfig: null,
        generationConfig: null,
        systemInstruction: null,
      },
    ],
    ['snake case', { ...contents({ text: 'Hi' }), generation_config: { max_output_tokens: 5 } }],
    ['a list of nothing', { ...contents({ text: 'Hi' }), tools: [], safetySettings: [] }],
    [
      'the model first',
      {
        contents: [
          { role: 'model', parts: [{ text: 'a' }] },
          { role: 'user', parts: [{ text: 'Hi' }] },
        ],
      },
    ],
    [
      'a result without its call',
      {
        contents: [
          { role: 'user', parts: [{ functionResponse: { name: 'f', response: {} } }, { text: 'Hi' }] },
        ],
      },
    ],
    [
      'a thought',
      {
        contents: [
          { role: 'model', parts: [{ text: 'Hm', thought: true }] },
          { role: 'user', parts: [{ text: 'Hi' }] },
        ],
      },
    ],
    [
      'empty parts',
      {
        contents: [
          { role: 'user', parts: [] },
          { role: 'user', parts: [{ text: 'Hi' }] },
        ],
      },
    ],
  ])('takes %s', async (_case, body) => {
    expect(JSON.stringify((await parse(body)).chat.messages)).toContain('"Hi"')
  })

  it('reads a picture in the alphabet of URLs', async () => {
    const data = png.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
    const { chat } = await parse(contents({ inlineData: { mimeType: 'image/png', data } }))
    expect(chat.messages[0]?.parts).toEqual([image])
  })

  it.each([
    ['nothing', {}],
    ['no contents', { contents: [] }],
    ['a content of null', { contents: [null] }],
    ['a part of null', contents(null)],
    ['a number as text', contents({ text: 7 })],
    ['an empty picture', contents({ inlineData: { mimeType: 'image/png', data: '' } })],
    ['a limit in words', { ...contents({ text: 'Hi' }), generationConfig: { maxOutputTokens: 'many' } }],
  ])('refuses %s and names the field', async (_case, body) => {
    await expect(parse(body)).rejects.toMatchObject({
      code: 'invalid_value',
      param: expect.stringMatching(/^(?:contents|generationConfig)/),
    })
  })
})
