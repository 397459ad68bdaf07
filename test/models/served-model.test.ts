import { expect, test } from 'vitest'
import { isServedAsAsked } from '../../src/models/served-model.ts'

const served = (asked: string, name: string) => isServedAsAsked(name, { ids: [asked], mixture: false })

test.each([
  ['gpt-5.4', 'gpt-5.4'],
  ['gpt-5.4', 'gpt-5.4-2026-03-05'],
  ['gpt-5.4', 'openai/GPT-5.4'],
  ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'],
  ['claude-haiku-4-5', 'claude-4-5-haiku'],
  ['deepseek-v4-pro', 'deep-seek-v4-pro'],
])('%s is served by %s', (asked, name) => {
  expect(served(asked, name)).toBe(true)
})

test.each([
  ['claude-opus-5', 'claude-4-5-haiku'],
  ['gpt-5.4', 'gpt-4.5'],
  ['gpt-5.4', 'gpt-5.4-mini'],
  ['claude-4-5-haiku', 'claude-5-4-haiku'],
])('%s is not served by %s', (asked, name) => {
  expect(served(asked, name)).toBe(false)
})

test('any model may sign the answer of a mixture', () => {
  expect(isServedAsAsked('z', { ids: ['a', 'b', 'c'], mixture: true })).toBe(true)
})
