import { describe, expect, it } from 'vitest'
import { parseRequest } from '../../src/dialects/openai-chat/parse-request.ts'

const resolve = (id: string) => ({
  id,
  upstreamIds: { copilot: [id], agent: [id] },
  mixture: false,
  search: false,
})
const messages = [{ role: 'user', content: 'Hi' }]
async function parseTools(fields: object) {
  const { chat, callStyle } = await parseRequest({ model: 'm', messages, ...fields }, resolve)
  return { tools: chat.tools, callStyle }
}

const schema = { type: 'object', properties: { a: { type: 'number' } } }
const tool = (name: string, fields: object = {}) => ({ type: 'function', function: { name, ...fields } })
const defined = (name: string) => ({
  name,
  description: undefined,
  parameters: { type: 'object', properties: {} },
  strict: false,
})

const free = (name: string) => ({
  ...defined(name),
  parameters: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
})

describe('parseTools', () => {
  it('reads definitions of functions and of free text (CLIENTS rule 12)', async () => {
    const tools = [
      tool('add', { description: 'Adds', parameters: schema, strict: true }),
      { type: 'web_search_preview' },
      { type: 'custom', custom: { name: 'grammar' } },
      tool('sub', { description: null, parameters: null, strict: null }),
    ]
    expect(await parseTools({ tools, tool_choice: null })).toEqual({
      tools: {
        definitions: [
          { name: 'add', description: 'Adds', parameters: schema, strict: true },
          free('grammar'),
          defined('sub'),
        ],
        choice: { type: 'auto' },
        parallel: true,
      },
      callStyle: 'tool-calls',
    })
  })

  it.each([
    [undefined, { type: 'auto' }],
    ['auto', { type: 'auto' }],
    ['required', { type: 'required' }],
    [tool('b'), { type: 'named', name: 'b' }],
    [
      { type: 'function', name: 'b' },
      { type: 'named', name: 'b' },
    ],
    [
      { type: 'tool', name: 'b' },
      { type: 'named', name: 'b' },
    ],
    [{ type: 'any' }, { type: 'required' }],
    [{ type: 'code_interpreter' }, { type: 'auto' }],
  ])('reads the choice %j', async (tool_choice, choice) => {
    expect((await parseTools({ tools: [tool('a'), tool('b')], tool_choice })).tools?.choice).toEqual(choice)
  })

  it('reads a choice of some of the tools', async () => {
    const tool_choice = {
      type: 'allowed_tools',
      allowed_tools: { mode: 'required', tools: [tool('b'), { type: 'mcp', server_label: 'x' }] },
    }
    expect((await parseTools({ tools: [tool('a'), tool('b')], tool_choice })).tools).toMatchObject({
      definitions: [{ name: 'b' }],
      choice: { type: 'required' },
    })
  })

  it('knows of no tool with the choice none, and without tools', async () => {
    expect((await parseTools({ tools: [tool('a')], tool_choice: 'none' })).tools).toBeUndefined()
    expect((await parseTools({ tools: [], tool_choice: 'auto' })).tools).toBeUndefined()
    expect(
      (await parseTools({ tools: [{ type: 'web_search' }], tool_choice: 'required' })).tools,
    ).toBeUndefined()
    expect((await parseTools({})).tools).toBeUndefined()
  })

  it('asks for one call at a time', async () => {
    expect((await parseTools({ tools: [tool('a')], parallel_tool_calls: false })).tools?.parallel).toBe(false)
  })

  it.each([
    [undefined, { type: 'auto' }],
    ['auto', { type: 'auto' }],
    [{ name: 'a' }, { type: 'named', name: 'a' }],
  ])(
    'reads functions, of which one is called at a time, with the choice %j',
    async (function_call, choice) => {
      expect(await parseTools({ functions: [{ name: 'a' }], function_call })).toEqual({
        tools: { definitions: [defined('a')], choice, parallel: false },
        callStyle: 'function-call',
      })
    },
  )

  it('takes tools when there are both, and none of functions', async () => {
    expect((await parseTools({ tools: [tool('a')], functions: [{ name: 'b' }] })).callStyle).toBe(
      'tool-calls',
    )
    expect((await parseTools({ functions: [{ name: 'b' }], function_call: 'none' })).tools).toBeUndefined()
  })

  it.each([
    [{ tools: ['add'] }, 'tools[0]'],
    [{ tools: [tool('a'), { type: 'function' }] }, 'tools[1].function'],
    [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
    [{ tools: [tool('a', { parameters: 'x' })] }, 'tools[0].function.parameters'],
    [{ tools: [tool('a')], tool_choice: 'maybe' }, 'tool_choice'],
    [{ tools: [tool('a')], tool_choice: 7 }, 'tool_choice'],
    [{ tools: [tool('a')], tool_choice: { type: 'function' } }, 'tool_choice.name'],
    [{ tools: [tool('a')], tool_choice: tool('b') }, 'tool_choice'],
    [{ functions: [{}] }, 'functions[0].name'],
    [{ functions: [{ name: 'a' }], function_call: { name: 'b' } }, 'function_call'],
  ])('names the place of the fault in %j', async (fields, param) => {
    await expect(parseTools(fields)).rejects.toMatchObject({ code: 'invalid_value', param })
  })
})
