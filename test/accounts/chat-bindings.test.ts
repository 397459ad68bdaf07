import { expect, it } from 'vitest'
import { createChatBindings } from '../../src/accounts/chat-bindings.ts'

const pins = new Map([['pinned-model', 'pinned-chat']])

it('continues the stored chat and binds the one that answered', () => {
  const binding = createChatBindings({ pins, autoBind: true }).bind('a', 'm', 'stored')
  expect(binding).toMatchObject({ chatId: 'stored', pinned: false })
  expect(binding.answeredIn('new')).toBe('new')
  expect(binding.answeredIn(undefined)).toBeUndefined()
  expect(binding.stale()).toBeNull()
})

it('has nothing to drop when there was no binding', () => {
  expect(createChatBindings({ pins, autoBind: true }).bind('a', 'm', undefined).stale()).toBeUndefined()
})

it('a pin wins over the stored binding, which stays as it is', () => {
  const binding = createChatBindings({ pins, autoBind: true }).bind('a', 'pinned-model', 'stored')
  expect(binding).toMatchObject({ chatId: 'pinned-chat', pinned: true })
  expect(binding.answeredIn('new')).toBeUndefined()
  expect(binding.stale()).toBeUndefined()
})

it('neither reads nor writes bindings with automatic binding off, pins aside', () => {
  const bindings = createChatBindings({ pins, autoBind: false })
  const binding = bindings.bind('a', 'm', 'stored')
  expect(binding).toMatchObject({ chatId: undefined, pinned: false })
  expect(binding.answeredIn('new')).toBeUndefined()
  expect(binding.stale()).toBeUndefined()
  expect(bindings.bind('a', 'pinned-model', undefined).chatId).toBe('pinned-chat')
})

it('A10: a stale pin is not tried again with that account, with others it is', () => {
  const bindings = createChatBindings({ pins, autoBind: true })
  bindings.bind('a', 'pinned-model', undefined).stale()
  expect(bindings.bind('a', 'pinned-model', 'stored')).toMatchObject({ chatId: 'stored', pinned: false })
  expect(bindings.bind('b', 'pinned-model', 'stored')).toMatchObject({ chatId: 'pinned-chat', pinned: true })
})

it('does not bind a model name of any length', () => {
  const bindings = createChatBindings({ pins, autoBind: true })
  expect(bindings.bind('a', 'm'.repeat(200), undefined).answeredIn('new')).toBe('new')
  expect(bindings.bind('a', 'm'.repeat(201), undefined).answeredIn('new')).toBeUndefined()
})
