import { expect, it } from 'vitest'
import { createChatBindings } from '../../src/accounts/chat-bindings.ts'
import { createAccount, createApiKeyAccount } from '../../src/core/account.ts'

const pins = new Map([['pinned-model', 'pinned-chat']])
const imagePins = new Map([['alice', 'image-chat']])
const a = createAccount('session_id=alice; c1=1')
const b = createAccount('session_id=bob')
const chat = { use: 'chat', stored: undefined } as const

it('continues the stored chat and binds the one that answered', () => {
  const binding = createChatBindings({ pins, imagePins, autoBind: true }).bind(a, {
    ...chat,
    model: 'm',
    stored: 'stored',
  })
  expect(binding).toMatchObject({ chatId: 'stored', pinned: false })
  expect(binding.answeredIn('new')).toBe('new')
  expect(binding.answeredIn(undefined)).toBeUndefined()
  expect(binding.stale()).toBeNull()
})

it('has nothing to drop when there was no binding', () => {
  expect(
    createChatBindings({ pins, imagePins, autoBind: true })
      .bind(a, { ...chat, model: 'm' })
      .stale(),
  ).toBeUndefined()
})

it('a pin wins over the stored binding, which stays as it is', () => {
  const binding = createChatBindings({ pins, imagePins, autoBind: true }).bind(a, {
    ...chat,
    model: 'pinned-model',
    stored: 'stored',
  })
  expect(binding).toMatchObject({ chatId: 'pinned-chat', pinned: true })
  expect(binding.answeredIn('new')).toBeUndefined()
  expect(binding.stale()).toBeUndefined()
})

it('neither reads nor writes bindings with automatic binding off, pins aside', () => {
  const bindings = createChatBindings({ pins, imagePins, autoBind: false })
  const binding = bindings.bind(a, { ...chat, model: 'm', stored: 'stored' })
  expect(binding).toMatchObject({ chatId: undefined, pinned: false })
  expect(binding.answeredIn('new')).toBeUndefined()
  expect(binding.stale()).toBeUndefined()
  expect(bindings.bind(a, { ...chat, model: 'pinned-model' }).chatId).toBe('pinned-chat')
})

it('A10: a stale pin is not tried again with that account, with others it is', () => {
  const bindings = createChatBindings({ pins, imagePins, autoBind: true })
  bindings.bind(a, { ...chat, model: 'pinned-model' }).stale()
  expect(bindings.bind(a, { ...chat, model: 'pinned-model', stored: 'stored' })).toMatchObject({
    chatId: 'stored',
    pinned: false,
  })
  expect(bindings.bind(b, { ...chat, model: 'pinned-model', stored: 'stored' })).toMatchObject({
    chatId: 'pinned-chat',
    pinned: true,
  })
})

it('does not bind a model name of any length', () => {
  const bindings = createChatBindings({ pins, imagePins, autoBind: true })
  expect(bindings.bind(a, { ...chat, model: 'm'.repeat(200) }).answeredIn('new')).toBe('new')
  expect(bindings.bind(a, { ...chat, model: 'm'.repeat(201) }).answeredIn('new')).toBeUndefined()
})

it.each(['alice', 'session_id=alice', 'session_id=alice; c1=1'])(
  'images of the account that is named as %j go to its chat, and to no other',
  (session) => {
    const imagePins = new Map([[session, 'image-chat']])
    const bindings = createChatBindings({ pins, imagePins, autoBind: true })
    const image = { use: 'image', model: 'flux', stored: 'stored' } as const
    expect(bindings.bind(a, image)).toMatchObject({ chatId: 'image-chat', pinned: true })
    expect(bindings.bind(b, image)).toMatchObject({ chatId: undefined, pinned: false })
    expect(bindings.bind(a, { ...image, use: 'video' }).chatId).toBeUndefined()
    expect(bindings.bind(a, { ...image, use: 'chat' }).chatId).toBe('stored')
    bindings.bind(a, image).stale()
    expect(bindings.bind(a, image)).toMatchObject({ chatId: undefined, pinned: false })
  },
)

it('media bind nothing by themselves, and an API key has no pinned chats', () => {
  const bindings = createChatBindings({ pins, imagePins, autoBind: true })
  expect(
    bindings.bind(b, { use: 'image', model: 'flux', stored: undefined }).answeredIn('new'),
  ).toBeUndefined()
  expect(bindings.bind(createApiKeyAccount('k'), { ...chat, model: 'pinned-model' }).pinned).toBe(false)
})
