import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { maxCountsAnHour } from '../../../src/store/counts.ts'
import type { RedisStore, RedisStoreOptions } from '../../../src/store/redis/redis-store.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { countAttempt, expectCountsBound } from '../counts-bound.ts'
import { describeStore } from '../store-contract.ts'
import { openRedisStore } from './open-redis-store.ts'

const startMs = Date.UTC(2026, 10, 23)

for (const cluster of [false, true]) {
  let server: RedisServer
  let stores = 0

  beforeAll(async () => {
    server = await startRedisServer({ cluster })
  })
  afterAll(() => server.stop())

  describeStore(cluster ? 'Redis, a cluster' : 'Redis', async () => {
    let nowMs = startMs
    stores += 1
    const store = await openRedisStore({
      redisUrl: cluster ? server.url.replace('redis:', 'redis+cluster:') : server.url,
      redisPrefix: `store-${stores}:`,
      stoppedClock: { now: () => nowMs },
    })
    return {
      store,
      nowMs: () => nowMs,
      advance: (ms) => {
        nowMs += ms
      },
      close: () => store.close(),
    }
  })
}

describe('counts', () => {
  const hour = 60 * 60 * 1000
  const labels = { account: 'a', model: 'm', caller: 'key', outcome: 'succeeded' } as const

  let server: RedisServer
  let prefixes = 0
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server.stop())

  async function open(options: Partial<RedisStoreOptions> = {}) {
    prefixes += 1
    const redisPrefix = `counts-${prefixes}:`
    const store = await openRedisStore({ redisUrl: server.url, redisPrefix, ...options })
    onTestFinished(() => store.close())
    return { store, root: `${redisPrefix}{state}:` }
  }

  it('an hour has bounds', async () => {
    const { store } = await open({ maxCounts: 2 })
    await expectCountsBound(store)
  })

  it('Redis itself lets an hour go 30 days after its end', async () => {
    const { store, root } = await open()
    await countAttempt(store, 'm')
    const [row] = await store.counts(0, Date.now() + hour)
    const key = `${root}counts:${row?.hourMs}`
    const endsMs = await store.client.pexpiretime(key)
    expect(Math.abs(endsMs - ((row?.hourMs ?? 0) + hour + 30 * 24 * hour))).toBeLessThan(1000)
    await countAttempt(store, 'other model')
    expect(await store.client.pexpiretime(key)).toBe(endsMs)
  })

  it('what another has counted is added once, however often it is sent', async () => {
    const nowMs = Date.UTC(2026, 10, 23, 12)
    const { store } = await open({ stoppedClock: { now: () => nowMs } })
    await countAttempt(store, 'm')
    const counts = [
      { ...labels, hourMs: nowMs, count: 4 },
      { ...labels, hourMs: nowMs - hour, count: 2 },
    ]
    await store.addCounts('batch', counts)
    await store.addCounts('batch', counts)
    expect(await store.counts(0, nowMs + 1)).toMatchObject([
      { hourMs: nowMs - hour, succeeded: 2 },
      { hourMs: nowMs, succeeded: 5 },
    ])
  })

  it('many hours full of counts come whole, in more than one round trip', async () => {
    const nowMs = Date.UTC(2026, 10, 23, 12)
    const { store } = await open({ stoppedClock: { now: () => nowMs } })
    for (let ago = 0; ago < 4; ago += 1) {
      const counts = Array.from({ length: maxCountsAnHour / 2 }, (_, index) => ({
        ...labels,
        model: `model ${index}`,
        hourMs: nowMs - 20 * ago * hour,
        count: 1,
      }))
      await store.addCounts(`batch ${ago}`, counts)
    }
    const rows = await store.counts(0, nowMs + 1)
    expect(rows).toHaveLength(2 * maxCountsAnHour)
    expect(new Set(rows.map(({ hourMs }) => hourMs)).size).toBe(4)
  })
})

describe('documents', () => {
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

  it('FINDINGS R3: texts go by their last use', async () => {
    for (const id of ['a', 'b', 'c']) await keep(id, 'x')
    await store.touchDocuments('response', ['b', 'a', 'never there'])
    for (const id of ['d', 'e']) await keep(id, 'x')
    expect((await idsOf('alice')).sort()).toEqual(['a', 'd', 'e'])
  })

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
})
