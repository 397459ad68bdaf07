import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { RedisStore } from '../../../src/store/redis/redis-store.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { openRedisStore } from './open-redis-store.ts'

const day = 24 * 60 * 60 * 1000

let server: RedisServer
let store: RedisStore
let nowMs: number

beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

beforeEach(async () => {
  nowMs = Date.UTC(2026, 10, 23)
  store = await openRedisStore({
    redisUrl: server.url,
    stoppedClock: { now: () => nowMs },
    maxDocuments: 3,
    maxDocumentsLength: 10,
  })
})
afterEach(async () => {
  await store.client.flushall()
  await store.close()
})

const keep = (id: string, text: string, lifeMs = day) =>
  store.saveDocument('response', { id, owner: 'alice', text, lifeMs })
const idsOf = async (owner: string, limit = 100) =>
  (await store.listDocuments('response', owner, limit)).map(({ id }) => id)

it('finds a text by kind and id, with its owner, and replaces and drops it', async () => {
  await store.saveDocument('response', { id: 'a:b', owner: 'alice:1', text: "o'ne \u0000 ü", lifeMs: 1000 })
  expect(await store.findDocument('response', 'a:b')).toEqual({
    id: 'a:b',
    owner: 'alice:1',
    text: "o'ne \u0000 ü",
  })
  expect(await store.findDocument('video-job', 'a:b')).toBeUndefined()
  expect(await store.replaceDocument('response', 'a:b', '')).toBe(true)
  expect(await store.listDocuments('response', 'alice:1', 5)).toEqual([
    { id: 'a:b', owner: 'alice:1', text: '' },
  ])
  expect(await store.removeDocument('response', 'a:b')).toBe(true)
  expect(await store.removeDocument('response', 'a:b')).toBe(false)
  expect(await store.replaceDocument('response', 'a:b', 'late')).toBe(false)
  expect(await idsOf('alice:1')).toEqual([])
})

it('ends a text with its life, to the millisecond', async () => {
  await keep('short', 'x', 1000)
  await keep('long', 'x', 2000)
  nowMs += 999
  expect(await idsOf('alice')).toEqual(['long', 'short'])
  nowMs += 1
  expect(await idsOf('alice')).toEqual(['long'])
  expect(await store.findDocument('response', 'short')).toBeUndefined()
  expect(await store.replaceDocument('response', 'short', 'late')).toBe(false)
})

it('lists the newest first, no more than asked for, also of texts that were kept again', async () => {
  for (const id of ['a', 'b', 'c', 'a']) await keep(id, 'x')
  expect(await idsOf('alice')).toEqual(['a', 'c', 'b'])
  expect(await idsOf('alice', 2)).toEqual(['a', 'c'])
})

it('lets the oldest go when they are too many, of each kind for itself', async () => {
  await store.saveDocument('video-job', { id: 'first', owner: 'alice', text: 'x', lifeMs: day })
  for (const id of ['a', 'b', 'a', 'c', 'd']) await keep(id, 'x')
  expect(await idsOf('alice')).toEqual(['d', 'c', 'a'])
  expect(await store.findDocument('video-job', 'first')).toBeDefined()
})

it('lets the oldest go when they are too long, also by a replaced text', async () => {
  for (const id of ['a', 'b', 'c']) await keep(id, 'üüü')
  expect(await idsOf('alice')).toEqual(['c', 'b', 'a'])
  await store.replaceDocument('response', 'c', 'xxxxx')
  expect(await idsOf('alice')).toEqual(['c', 'b'])
  await store.removeDocument('response', 'b')
  await keep('d', 'xxxxx')
  expect(await idsOf('alice')).toEqual(['d', 'c'])
})

it('makes room first by what has ended', async () => {
  await keep('a', 'xxxx', 2 * day)
  await keep('b', 'xxxx', day)
  nowMs += day
  await keep('c', 'xxxxxx')
  expect(await idsOf('alice')).toEqual(['c', 'a'])
})

it('refuses a text that is longer than all of them may be, and loses none for it', async () => {
  await keep('a', 'x')
  const unavailable = { code: 'dependency_unavailable' }
  await expect(keep('b', 'x'.repeat(11))).rejects.toMatchObject(unavailable)
  await expect(store.replaceDocument('response', 'a', 'x'.repeat(11))).rejects.toMatchObject(unavailable)
  expect(await idsOf('alice')).toEqual(['a'])
})

it('leaves nothing in Redis once the texts are gone, and lets Redis end them by itself', async () => {
  await keep('a', 'x')
  expect(await store.client.pttl('test:{state}:kept:response:text:a')).toBeGreaterThan(day - 60_000)
  await keep('b', 'x', 1)
  await store.removeDocument('response', 'a')
  nowMs += 1
  expect(await idsOf('alice')).toEqual([])
  expect((await store.client.keys('*')).sort()).toEqual([
    'test:{state}:kept:response:age',
    'test:{state}:kept:response:length',
  ])
  expect(await store.client.get('test:{state}:kept:response:length')).toBe('0')
})
