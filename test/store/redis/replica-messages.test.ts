import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RedisStore } from '../../../src/store/redis/redis-store.ts'
import type { RecordKind } from '../../../src/store/store.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { leaseInput, takeLease } from '../lease-input.ts'
import { nextChange, openRedisStore } from './open-redis-store.ts'

let server: RedisServer
let here: RedisStore
let there: RedisStore

beforeAll(async () => {
  server = await startRedisServer({ appendOnly: true })
})
afterAll(() => server.stop())

beforeEach(async () => {
  const options = { redisUrl: server.url }
  here = await openRedisStore(options)
  there = await openRedisStore(options)
})
afterEach(async () => {
  await here.client.flushall()
  await Promise.all([here.close(), there.close()])
})

const input = leaseInput({ maxConcurrency: 1 })

const lease = (store: RedisStore) => takeLease(store, { maxConcurrency: 1 })

/** Kinds of records that were told, of which the next can be awaited. */
function listen(store: RedisStore) {
  const kinds: RecordKind[] = []
  let next = Promise.withResolvers<void>()
  const unsubscribe = store.onForeignRecords((kind) => {
    kinds.push(kind)
    next.resolve()
    next = Promise.withResolvers()
  })
  return { kinds, unsubscribe, next: () => next.promise }
}

describe('a replica', () => {
  it('that found all accounts busy hears that a lease ended elsewhere, each time anew', async () => {
    for (let round = 0; round < 3; round += 1) {
      const held = await lease(there)
      expect(await here.lease(input)).toEqual({ type: 'busy' })
      const change = nextChange(here)
      await there.releaseLease(held)
      await change
    }
    expect((await here.lease(input)).type).toBe('leased')
  })

  it('that waits hears that a hold was cleared elsewhere', async () => {
    await lease(there)
    await there.setHold('b', { type: 'signed-out', sinceMs: 1 })
    const either = { ...input, accounts: ['a', 'b'] }
    expect(await here.lease(either)).toEqual({ type: 'busy' })
    const change = nextChange(here)
    await there.clearHold('b')
    await change
    expect((await here.lease(either)).type).toBe('leased')
  })

  it('is told once of many ends in a row, and of none that nobody waits for', async () => {
    const published = async () => {
      const calls = /cmdstat_publish:calls=(\d+)/.exec(await here.client.info('commandstats'))
      return Number(calls?.[1] ?? 0)
    }
    const before = await published()
    const many = { ...input, maxConcurrency: 0 }
    const held = []
    for (let count = 0; count < 10; count += 1) held.push(await there.lease(many))
    expect(await here.lease({ ...input, maxConcurrency: 10 })).toEqual({ type: 'busy' })
    const change = nextChange(here)
    for (const each of held) if (each.type === 'leased') await there.releaseLease({ ...each, model: 'm' })
    await change
    await there.releaseLease(await lease(there))
    expect((await published()) - before).toBe(1)
  })

  it('hears which records others changed, and nothing of its own', async () => {
    const news = listen(here)
    await here.saveRecord('account', 'x', 'text')
    await here.removeRecord('account', 'x')
    const told = news.next()
    await there.saveRecord('chat-deletion', 'y', 'text')
    await told
    const again = news.next()
    await there.removeRecord('chat-deletion', 'never there')
    await there.removeRecord('chat-deletion', 'y')
    await again
    expect(news.kinds).toEqual(['chat-deletion', 'chat-deletion'])
    news.unsubscribe()
  })

  it('is told of everything once after Redis was away: it may have missed it', async () => {
    await here.saveRecord('account', 'x', 'text')
    const news = listen(here)
    const change = nextChange(here)
    await server.restart()
    await change
    expect(news.kinds).toEqual(['account', 'session', 'chat-deletion', 'secret'])
    await here.ping()
    expect(await here.records('account')).toEqual(new Map([['x', 'text']]))
    const told = news.next()
    await there.ping()
    await there.saveRecord('account', 'x', 'changed')
    await told
  })
})
