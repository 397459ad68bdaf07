import { expect, it } from 'vitest'
import { createCatalogue } from '../../src/models/catalogue.ts'
import { effortVariant } from '../../src/models/effort-variant.ts'

const catalogue = createCatalogue()
const askedAs = (name: string, effort: string | undefined) =>
  effortVariant(catalogue.resolve(name), effort)?.upstreamIds

it('FINDINGS C15: the effort chooses among the variants of a model', () => {
  const own = { copilot: ['gpt-5.1'], agent: ['gpt-5.1'] }
  expect(catalogue.resolve('gpt-5.1').upstreamIds).toMatchObject({ agent: own.agent })
  for (const effort of ['none', 'minimal', 'low'])
    expect(askedAs('gpt-5.1', effort)).toEqual({ copilot: ['gpt-5.1-low'], agent: ['gpt-5.1-low'] })
  for (const effort of ['high', 'xhigh', 'max'])
    expect(askedAs('gpt-5.1', effort)?.agent).toEqual(['gpt-5.1-high'])
  expect(askedAs('gpt-5.1', 'medium')).toEqual(catalogue.resolve('gpt-5.1').upstreamIds)
})

it('leaves alone what has none, and words that are no effort', () => {
  expect(askedAs('gpt-5.5', 'low')).toBeUndefined()
  expect(askedAs('gpt-5.1', 'much')).toBeUndefined()
  expect(askedAs('gpt-5.1', undefined)).toBeUndefined()
  expect(askedAs('mixture-of-agents', 'low')).toBeUndefined()
})

it('knows the variants that the site lists', () => {
  const live = createCatalogue()
  live.update({ text: ['gpt-9', 'gpt-9-high'], image: [] })
  expect(effortVariant(live.resolve('gpt-9'), 'high')?.upstreamIds.agent).toEqual(['gpt-9-high'])
})
