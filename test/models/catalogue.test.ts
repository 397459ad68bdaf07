import { expect, test } from 'vitest'
import { createCatalogue } from '../../src/models/catalogue.ts'

const catalogue = createCatalogue()
const mixture = {
  copilot: ['gpt-5.1-low', 'claude-sonnet-4-5', 'gemini-3-pro-preview'],
  agent: ['gpt-5.6-luna', 'claude-sonnet-5', 'gemini-3.7-flash'],
}

test.each([
  ['claude-sonnet-5', 'claude-sonnet-5', 'claude-sonnet-5'],
  ['Claude-Sonnet-5', 'claude-sonnet-5', 'claude-sonnet-5'],
  ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5', 'claude-sonnet-4-5'],
  ['claude-sonnet-4.5', 'claude-sonnet-4-5', 'claude-sonnet-4-5'],
  ['claude-3-5-sonnet-20241022', 'claude-3-5-sonnet', 'claude-sonnet-4'],
  ['claude-3-7-sonnet-latest', 'claude-3-7-sonnet', 'claude-sonnet-4'],
  ['gpt-4o', 'gpt-4o', 'gpt-5.4'],
  ['gpt-4o-2024-08-06', 'gpt-4o', 'gpt-5.4'],
  ['glm-5.3', 'GLM-5.3', 'GLM-5.3'],
  ['deepseek-v4-pro', 'deepseek-v4-pro', 'deepseek-v4-pro'],
  ['deepseek-v4-flash', 'deep-seek-v4-flash', 'deep-seek-v4-flash'],
  ['deepseek-r1', 'deep-seek-r1', 'deepseek-v4-pro'],
  ['deepseek-chat', 'deep-seek-v3', 'deep-seek-v4-flash'],
  ['gpt-4o-mini', 'gpt-5.1-low', 'gpt-5.4-mini'],
  ['gpt-4.1-mini-2025-04-14', 'gpt-5.1-low', 'gpt-5.4-mini'],
  ['gpt-3.5-turbo', 'gpt-5.1-low', 'gpt-5.4-mini'],
  ['claude-3-haiku-20240307', 'claude-4-5-haiku', 'claude-4-5-haiku'],
  ['claude-3-5-haiku-latest', 'claude-4-5-haiku', 'claude-4-5-haiku'],
  ['claude-haiku-4-5-20251001', 'claude-4-5-haiku', 'claude-4-5-haiku'],
])('%s is asked as %s of copilot and %s of agent', (name, copilot, agent) => {
  expect(catalogue.resolve(name)).toEqual({
    id: name,
    upstreamIds: { copilot: [copilot], agent: [agent] },
    mixture: false,
    search: false,
  })
})

test('the suffix -search asks any model for web search', () => {
  expect(catalogue.resolve('gpt-5.4-search')).toEqual({
    id: 'gpt-5.4-search',
    upstreamIds: { copilot: ['gpt-5.4'], agent: ['gpt-5.4'] },
    mixture: false,
    search: true,
  })
})

test.each([
  ['mixture-of-agents', false],
  ['mixture-of-agents-search', true],
  ['no-such-model', false],
  ['no-such-model-search', true],
  ['__proto__', false],
  ['', false],
])('"%s" is a mixture', (name, search) => {
  expect(catalogue.resolve(name)).toEqual({ id: name, upstreamIds: mixture, mixture: true, search })
})

test('the list begins with the current models and ends with the mixture', () => {
  const list = catalogue.list()
  expect(list[0]).toEqual({
    id: 'gpt-6',
    created: Date.UTC(2026, 8, 23) / 1000,
    ownedBy: 'openai',
    displayName: 'GPT 6',
  })
  expect(list.at(-1)?.id).toBe('mixture-of-agents')
  expect(new Set(list.map(({ id }) => id)).size).toBe(list.length)
})

test('every listed model is asked by its own id of one protocol at least', () => {
  for (const { id } of catalogue.list().slice(0, -1)) {
    const { upstreamIds } = catalogue.resolve(id)
    expect([...upstreamIds.agent, ...upstreamIds.copilot]).toContain(id)
  }
})

test('an entry is found by its id as listed', () => {
  expect(catalogue.find('claude-sonnet-4-6')).toMatchObject({
    ownedBy: 'anthropic',
    displayName: 'Claude Sonnet 4.6',
  })
  expect(catalogue.find('no-such-model')).toBeUndefined()
  expect(catalogue.find('gpt-4o-mini')).toBeUndefined()
})
