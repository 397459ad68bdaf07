import { describe, expect, it } from 'vitest'
import { encodeResponse } from '../../../src/dialects/openai-responses/encode-response.ts'
import { encodeKept } from '../../../src/dialects/openai-responses/kept-response.ts'
import { parseRequest } from '../../../src/dialects/openai-responses/parse-request.ts'
import { call, finished, text, reasoning as thought } from '../../support/chat-events.ts'
import { answerOf, encodeOptions, hex } from './support.ts'

const model = { model: 'gpt-5' }
const resolve = (id: string) => ({
  id,
  upstreamIds: { copilot: [id], agent: [id] },
  mixture: false,
  search: false,
})
const nextHex = hex.replaceAll('0', 'f')

const parse = (body: object, kept: Readonly<Record<string, string>> = {}) =>
  parseRequest(
    { ...model, input: 'Hi', ...body },
    { id: `resp_${nextHex}`, resolve, readKept: (id) => Promise.resolve(kept[id]) },
  )
const turnsOf = async (body: object, kept?: Readonly<Record<string, string>>) =>
  (await parse(body, kept)).chat.messages
const said = (role: string, ...texts: string[]) => ({ role, parts: texts.map(textPart) })
const textPart = (words: string) => ({ type: 'text', text: words })

/** A response that was asked with "What time is it?", thought, called a function and is done. */
async function keptCall(changes: object = {}): Promise<string> {
  const batches = [[thought('Hm')], [text('Wait.')], call('time', '{}'), [finished]]
  const response = await encodeResponse(answerOf(batches), encodeOptions())
  const { input } = await parse({ input: 'What time is it?' })
  return encodeKept({ response: { ...response, ...changes }, input })
}

describe('parseRequest', () => {
  it('takes a string, with instructions in front', async () => {
    const parsed = await parse({ instructions: 'Be brief.' })
    expect(parsed.chat).toEqual({
      model: resolve('gpt-5'),
      messages: [said('system', 'Be brief.'), said('user', 'Hi')],
    })
    expect(parsed).toMatchObject({ stream: false, background: false, store: true })
  })

  it('takes messages with and without a type, in all roles, with words in every kind of part', async () => {
    const input = [
      { role: 'developer', content: 'One' },
      { type: 'message', role: 'system', content: [{ type: 'input_text', text: 'Two' }] },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'Three' },
          { type: 'text', text: 'Four' },
        ],
      },
      {
        type: 'message',
        id: 'msg_1',
        status: 'completed',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'Five', annotations: [] },
          { type: 'refusal', refusal: 'Six' },
        ],
      },
    ]
    expect(await turnsOf({ input })).toEqual([
      said('system', 'One'),
      said('system', 'Two'),
      said('user', 'Three', 'Four'),
      said('assistant', 'Five', 'Six'),
    ])
  })

  it('takes pictures and files as data, and pictures by URL', async () => {
    const png =
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    const content = [
      { type: 'input_image', detail: 'auto', image_url: `data:image/png;base64,${png}` },
      { type: 'input_image', detail: 'auto', image_url: 'https://example.com/a.png' },
      { type: 'input_file', filename: 'a.txt', file_data: 'data:text/plain;base64,SGk=' },
    ]
    expect((await turnsOf({ input: [{ role: 'user', content }] }))[0]?.parts).toEqual([
      { type: 'image', mimeType: 'image/png', base64: png },
      { type: 'image-url', url: 'https://example.com/a.png', param: 'input[0].content[1].image_url' },
      { type: 'file', name: 'a.txt', mimeType: 'text/plain', base64: 'SGk=' },
    ])
  })

  it('makes one turn of what the assistant said and the calls behind it', async () => {
    const input = [
      { role: 'user', content: 'Weather and time?' },
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'abc' },
      { role: 'assistant', content: 'Looking.' },
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Oslo"}' },
      { type: 'custom_tool_call', call_id: 'c2', name: 'shell', input: 'date "+%s"' },
      { type: 'function_call_output', call_id: 'c1', output: 'Rain' },
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
      {
        type: 'custom_tool_call_output',
        call_id: 'c2',
        output: [{ type: 'input_text', text: '1' }],
      },
      { type: 'function_call', call_id: 'c3', name: 'time', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c3', output: [] },
    ]
    expect(await turnsOf({ input })).toEqual([
      said('user', 'Weather and time?'),
      {
        ...said('assistant', 'Looking.'),
        toolCalls: [
          { id: 'c1', name: 'weather', argumentsText: '{"city":"Oslo"}' },
          { id: 'c2', name: 'shell', argumentsText: '{"input":"date \\"+%s\\""}' },
        ],
      },
      { ...said('tool', 'Rain'), callId: 'c1', failed: false },
      { ...said('tool', '1'), callId: 'c2', failed: false },
      { ...said('assistant'), toolCalls: [{ id: 'c3', name: 'time', argumentsText: '{}' }] },
      { ...said('tool'), callId: 'c3', failed: false },
    ])
  })

  it('takes a picture that a tool gave back', async () => {
    const output = [{ type: 'input_image', image_url: 'https://example.com/a.png' }]
    const [turn] = await turnsOf({ input: [{ type: 'function_call_output', call_id: 'c1', output }] })
    expect(turn?.parts).toMatchObject([{ type: 'image-url', param: 'input[0].output[0].image_url' }])
  })

  it.each([
    ['an object', { rain: true }, '{"rain":true}'],
    ['a list of anything', [1, { type: 'rain' }], '[1,{"type":"rain"}]'],
    ['a number', 7, '7'],
    ['nothing', null, undefined],
  ])('tells the model as JSON what else a tool gave back: %s', async (_, output, words) => {
    const [turn] = await turnsOf({ input: [{ type: 'function_call_output', call_id: 'c1', output }] })
    expect(turn?.parts).toEqual(words === undefined ? [] : [{ type: 'text', text: words }])
  })

  it('hears of functions, of tools of free text and of groups, and tells of the others (FINDINGS C2)', async () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } } }
    const { chat, toolForms, warnings } = await parse({
      tools: [
        { type: 'function', name: 'weather', description: 'Tells', parameters, strict: true },
        { type: 'function', name: 'time', parameters: null, strict: null },
        { type: 'web_search' },
        { type: 'namespace', name: 'more', tools: [{ type: 'function', name: 'x' }] },
        {
          type: 'custom',
          name: 'patch',
          format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' },
        },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
    })
    expect(chat.tools).toEqual({
      definitions: [
        { name: 'weather', description: 'Tells', parameters, strict: true },
        {
          name: 'time',
          description: undefined,
          parameters: { type: 'object', properties: {} },
          strict: false,
        },
        {
          name: 'more__x',
          description: undefined,
          parameters: { type: 'object', properties: {} },
          strict: false,
        },
        {
          name: 'patch',
          description: 'The input follows this lark grammar:\nstart: "a"',
          parameters: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
          strict: false,
        },
      ],
      choice: { type: 'required' },
      parallel: false,
    })
    expect([...toolForms]).toEqual([
      ['more__x', { kind: 'function', name: 'x', namespace: 'more' }],
      ['patch', { kind: 'custom', name: 'patch' }],
    ])
    expect(warnings).toEqual([
      'web_search is left out: a web search is done when it is the only tool or the choice',
    ])
  })

  it.each([
    ['auto', ['a', 'b'], { type: 'auto' }],
    [{ type: 'function', name: 'b' }, ['a', 'b'], { type: 'named', name: 'b' }],
    [{ type: 'web_search_preview' }, ['a', 'b'], { type: 'auto' }],
    [
      { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'b' }] },
      ['b'],
      { type: 'required' },
    ],
  ])('tool_choice %j', async (tool_choice, names, choice) => {
    const tools = ['a', 'b'].map((name) => ({ type: 'function', name, parameters: {}, strict: false }))
    const { chat } = await parse({ tools, tool_choice })
    expect(chat.tools?.definitions.map(({ name }) => name)).toEqual(names)
    expect(chat.tools?.choice).toEqual(choice)
    expect((await parse({ tools, tool_choice: 'none' })).chat.tools).toBeUndefined()
  })

  it('knows no tools where all are of unknown types, whatever the choice', async () => {
    expect((await parse({ tools: [{ type: 'mcp' }], tool_choice: 'required' })).chat.tools).toBeUndefined()
  })

  it('reads the output format and the limit', async () => {
    const schema = { type: 'object' }
    const format = { type: 'json_schema', name: 'answer', schema, strict: true }
    expect((await parse({ text: { format }, max_output_tokens: 16 })).chat).toMatchObject({
      output: { type: 'json-schema', name: 'answer', description: undefined, schema },
      maxTokens: 16,
    })
    expect((await parse({ text: { format: { type: 'json_object' } } })).chat.output).toEqual({
      type: 'json-object',
    })
    const plain = await parse({ text: { format: { type: 'text' }, verbosity: 'low' } })
    expect(plain.chat.output).toBeUndefined()
  })

  it('repeats what was asked, as the vendor does', async () => {
    const tool = { type: 'function', name: 'time', parameters: {}, strict: true, extra: 1 }
    const asked = {
      instructions: 'Be brief.',
      max_output_tokens: 100,
      metadata: { chat: '1' },
      parallel_tool_calls: false,
      prompt_cache_key: 'key',
      reasoning: { effort: 'high', summary: 'auto' },
      store: false,
      temperature: 0.2,
      text: { format: { type: 'text' }, verbosity: 'low' },
      tool_choice: 'auto',
      top_p: 0.5,
      truncation: 'auto',
      user: 'me',
    }
    const { echo } = await parse({ ...asked, tools: [tool], service_tier: 'auto', unknown: true })
    expect(echo).toMatchObject({
      ...asked,
      tools: [{ description: null, ...tool }],
      service_tier: 'default',
      previous_response_id: null,
    })
    expect(echo).not.toHaveProperty('unknown')
  })

  it('does not repeat what a tool signs in with', async () => {
    const server = { type: 'mcp', server_label: 'docs', server_url: 'https://example.com/mcp' }
    const secrets = { authorization: 'secret', headers: { 'x-api-key': 'secret' } }
    expect((await parse({ tools: [{ ...server, ...secrets }] })).echo.tools).toEqual([server])
  })

  describe('continuing a kept response', () => {
    it('puts its input and its output in front, without its instructions', async () => {
      const kept = { [`resp_${hex}`]: await keptCall({ instructions: 'Old' }) }
      const input = [{ type: 'function_call_output', call_id: 'call_time', output: '12:00' }]
      const previous_response_id = `resp_${hex}`
      expect(await turnsOf({ input, previous_response_id, instructions: 'New' }, kept)).toEqual([
        said('system', 'New'),
        said('user', 'What time is it?'),
        {
          ...said('assistant', 'Wait.'),
          toolCalls: [{ id: 'call_time', name: 'time', argumentsText: '{}' }],
        },
        { ...said('tool', '12:00'), callId: 'call_time', failed: false },
      ])
    })

    it('goes back to the first of a chain', async () => {
      const kept = {
        resp_c: await keptCall({ previous_response_id: 'resp_b' }),
        resp_b: await keptCall({ previous_response_id: 'resp_a' }),
        resp_a: await keptCall(),
      }
      expect(await turnsOf({ previous_response_id: 'resp_c' }, kept)).toHaveLength(7)
    })

    it('refuses an id that is not there, anywhere in the chain, and one that is not done', async () => {
      const kept = { resp_b: await keptCall({ previous_response_id: 'resp_a' }) }
      for (const previous_response_id of ['resp_b', 'resp_x'])
        await expect(parse({ previous_response_id }, kept)).rejects.toMatchObject({
          code: 'previous_response_not_found',
          status: 400,
          param: 'previous_response_id',
        })
      const queued = { resp_q: await keptCall({ status: 'queued' }) }
      await expect(parse({ previous_response_id: 'resp_q' }, queued)).rejects.toMatchObject({
        code: 'invalid_value',
        param: 'previous_response_id',
      })
    })

    it('puts items in the place of references to them, and keeps those', async () => {
      const kept = { [`resp_${hex}`]: await keptCall() }
      const { chat, input } = await parse(
        {
          input: [
            { role: 'user', content: 'What time is it?' },
            { type: 'item_reference', id: `rs_${hex}00` },
            { id: `fc_${hex}02` },
            { type: 'function_call_output', call_id: 'call_time', output: '12:00' },
          ],
        },
        kept,
      )
      expect(chat.messages[1]).toEqual({
        ...said('assistant'),
        toolCalls: [{ id: 'call_time', name: 'time', argumentsText: '{}' }],
      })
      expect(input.map(({ id, type }) => [id, type])).toEqual([
        [`in_${nextHex}00`, 'message'],
        [`rs_${hex}00`, 'reasoning'],
        [`fc_${hex}02`, 'function_call'],
        [`in_${nextHex}03`, 'function_call_output'],
      ])
    })

    it('FINDINGS R3: says of an item whose response is kept no more what clients know to send again for', async () => {
      const input = [{ type: 'item_reference', id: `msg_${hex}00` }]
      await expect(parse({ input })).rejects.toMatchObject({
        code: 'previous_response_not_found',
        param: 'input[0].id',
      })
    })

    it('refuses two references to one item', async () => {
      const kept = { [`resp_${hex}`]: await keptCall() }
      const reference = { type: 'item_reference', id: `fc_${hex}02` }
      await expect(parse({ input: [reference, reference] }, kept)).rejects.toMatchObject({
        code: 'invalid_value',
        param: 'input[1].id',
      })
    })

    it('refuses a conversation that is too long to be read', async () => {
      const response = await keptCall({ previous_response_id: 'resp_before' })
      let read = 0
      const readKept = () => {
        read += 1
        return Promise.resolve(response.replace('resp_before', `resp_${read}`))
      }
      const body = { ...model, input: 'Hi', previous_response_id: 'resp_x' }
      await expect(parseRequest(body, { id: 'resp_y', resolve, readKept })).rejects.toMatchObject({
        code: 'invalid_value',
        param: 'previous_response_id',
      })
      expect(read).toBeLessThanOrEqual(1001)
    })
  })

  it.each([
    [{ model: '' }, 'model'],
    [{ input: undefined }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: [{ type: 'reasoning', summary: [] }] }, 'input'],
    [{ input: [7] }, 'input[0]'],
    [{ input: [{ content: 'x' }] }, 'input[0].type'],
    [{ input: [{ role: 'critic', content: 'x' }] }, 'input[0].role'],
    [{ input: [{ role: 'user', content: 7 }] }, 'input[0].content'],
    [{ input: [{ role: 'user', content: [{ type: 'video' }] }] }, 'input[0].content[0].type'],
    [{ input: [{ role: 'user', content: [{ type: 'input_audio' }] }] }, 'input[0].content[0]'],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }] },
      'input[0].content[0].file_id',
    ],
    [
      { input: [{ role: 'user', content: [{ type: 'input_file', file_url: 'https://e.com/a' }] }] },
      'input[0].content[0].file_url',
    ],
    [{ input: [{ type: 'function_call', call_id: 'c', arguments: '{}' }] }, 'input[0].name'],
    [{ input: [{ type: 'function_call_output', output: 'x' }] }, 'input[0].call_id'],
    [{ input: [{ type: 'item_reference', id: 'msg_of_the_vendor' }] }, 'input[0].id'],
    [{ tools: [{ type: 'function' }] }, 'tools[0].name'],
    [{ tool_choice: 'maybe' }, 'tool_choice'],
    [{ tool_choice: { type: 'function', name: 'x' } }, 'tool_choice'],
    [{ text: { format: { type: 'json_schema', name: 'x'.repeat(257), schema: {} } } }, 'text.format.name'],
    [{ text: { format: { type: 'xml' } } }, 'text.format.type'],
    [{ max_output_tokens: 1.5 }, 'max_output_tokens'],
    [{ temperature: 'hot' }, 'temperature'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ prompt: { id: 'pmpt_1' } }, 'prompt'],
    [{ background: true, store: false }, 'store'],
  ])('tells the place of the fault in %j', async (body, param) => {
    await expect(parse(body)).rejects.toMatchObject({ code: 'invalid_value', status: 400, param })
  })
})
