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

  it('is nothing without a tool or with the choice none', () => {
    expect(createToolUse([], auto, true, 'tools')).toBeUndefined()
    expect(createToolUse([], { type: 'required' }, true, 'tools')).toBeUndefined()
    expect(createToolUse([tool('a')], 'none', true, 'tools')).toBeUndefined()
  })

  it.each([
    ['two of one name', [tool('a'), tool('a')]],
    ['an empty name', [tool('')]],
    ['a long name', [tool('x'.repeat(129))]],
    ['a name of other characters', [tool('a b')]],
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
