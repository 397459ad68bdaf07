import { describe, expect, it } from 'vitest'
import type { ToolDefinition } from '../../src/core/chat-request.ts'
import { createToolUse } from '../../src/dialects/tools.ts'

const tool = (name: string): ToolDefinition => ({
  name,
  description: undefined,
  parameters: {},
  strict: false,
})
const auto = { type: 'auto' } as const

describe('createToolUse', () => {
  it('takes names of every vendor', () => {
    const definitions = ['get_weather', 'mcp__x__y', 'server:tool', 'a.b-c', 'x'.repeat(128)].map(tool)
    expect(createToolUse(definitions, auto, true, 'tools')).toEqual({
      definitions,
      choice: auto,
      parallel: true,
    })
  })

  it('FINDINGS T5: takes any name, and a double once', () => {
    const names = ['mcp__Google Sheets__read', 'user-profile/update', '天气', 'a"b', 'x'.repeat(200)]
    expect(createToolUse([...names, ...names].map(tool), auto, true, 'tools')?.definitions).toEqual(
      names.map(tool),
    )
    expect(() => createToolUse([tool('a'), tool('')], auto, true, 'tools')).toThrow('tool 1')
  })

  it('is nothing without a tool or with the choice none', () => {
    expect(createToolUse([], auto, true, 'tools')).toBeUndefined()
    expect(createToolUse([], { type: 'required' }, true, 'tools')).toBeUndefined()
    expect(createToolUse([tool('a')], 'none', true, 'tools')).toBeUndefined()
  })

  it.each([
    ['an empty name', [tool('')]],
    ['a long name', [tool('x'.repeat(257))]],
    ['a blank name', [tool(' ')]],
    ['too many', Array.from({ length: 513 }, (_, index) => tool(`t${index}`))],
  ])('refuses %s, whatever the choice', (_case, definitions) => {
    expect(() => createToolUse(definitions, 'none', true, 'tools')).toThrow(
      expect.objectContaining({ code: 'invalid_value', param: 'tools' }),
    )
  })

  it('refuses the choice of a tool that is not there', () => {
    const choose = (at?: string) =>
      createToolUse([tool('a')], { type: 'named', name: 'b' }, true, 'functions', at)
    expect(choose).toThrow(expect.objectContaining({ code: 'invalid_value', param: 'tool_choice' }))
    expect(() => choose('function_call')).toThrow(expect.objectContaining({ param: 'function_call' }))
  })
})
