import { expect, it } from 'vitest'
import type { Account } from '../../src/core/account.ts'
import type { ChatModel } from '../../src/core/chat-request.ts'
import { chooseSurface } from '../../src/gateway/choose-surface.ts'

const model = (fields: Partial<ChatModel> = {}): ChatModel => ({
  id: 'gpt-x',
  upstreamIds: { agent: ['gpt-x'], copilot: ['gpt-x'] },
  mixture: false,
  search: false,
  ...fields,
})

/** @param served  the keys that are served the model */
function choose(fields: Partial<ChatModel>, kinds: readonly Account['kind'][], served: readonly string[]) {
  const accountKeys = kinds.includes('api-key') ? ['one', 'two'] : []
  return chooseSurface({ model: model(fields), messages: [] }, (kind) => kinds.includes(kind), {
    accountKeys: () => accountKeys,
    models: { servedBy: (key) => (served.includes(key) ? { id: 'gpt-x' } : undefined) },
  })
}

const both = ['api-key', 'cookie'] as const

it.each([
  ['either where both keys are served it', {}, both, ['one', 'two'], {}],
  ['no key that is not served it', {}, both, ['one'], { exclude: ['two'] }],
  ['a cookie where no key is', {}, both, [], { kind: 'cookie' }],
  ['a cookie for a search', { search: true }, both, ['one', 'two'], { kind: 'cookie' }],
  ['a cookie for a mixture', { mixture: true }, both, ['one', 'two'], { kind: 'cookie' }],
  [
    'a key for what keys alone have',
    { keysOnly: true },
    both,
    ['two'],
    { kind: 'api-key', exclude: ['one'] },
  ],
  ['a cookie where there is no key', {}, ['cookie'], [], {}],
  ['whatever comes, where there is nothing', { search: true }, [], [], { kind: 'cookie' }],
] as const)('FINDINGS K1, K8 leases %s', (_, fields, kinds, served, surface) => {
  expect(choose(fields, kinds, served)).toEqual(surface)
})

it.each([
  ['search', { search: true }, ['api-key'], 'invalid_value'],
  ['search of a model of keys', { search: true, keysOnly: true }, both, 'invalid_value'],
  ['mixture', { mixture: true }, ['api-key'], 'model_not_found'],
  ['model', {}, ['api-key'], 'model_not_found'],
  ['model of keys', { keysOnly: true }, both, 'model_not_found'],
] as const)('FINDINGS K8 refuses a %s that nothing configured can serve', (_, fields, kinds, code) => {
  expect(() => choose(fields, kinds, [])).toThrow(
    expect.objectContaining({ code, param: 'model', retryable: false }),
  )
})
