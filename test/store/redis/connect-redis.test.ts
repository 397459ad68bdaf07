import { afterEach, expect, it } from 'vitest'
import { startRedisSentinel } from '../../support/redis-sentinel.ts'
import { startRedisServer } from '../../support/redis-server.ts'
import { epochOf, openRedisStore } from './open-redis-store.ts'

const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function startServer(options: Parameters<typeof startRedisServer>[0] = {}) {
  const server = await startRedisServer(options)
  closing.push(server.stop)
  return server
}

async function openStore(redisUrl: string, redisPrefix = 'test:') {
  const store = await openRedisStore({ redisUrl, redisPrefix })
  closing.push(store.close)
  return store
}

it('finds the master by its sentinels, each with its own password', async () => {
  const server = await startServer({ password: 'of-the-master' })
  const passwords = { password: 'of-the-master', sentinelPassword: 'of-the-sentinel' }
  const sentinel = await startRedisSentinel({ groupName: 'main', master: server, ...passwords })
  closing.push(sentinel.stop)
  const store = await openStore(
    `redis+sentinel://:of-the-master@127.0.0.1:${sentinel.port}/main/2?sentinel_password=of-the-sentinel`,
  )
  await store.saveRecord('account', 'id', 'text')
  expect(await (await openStore(`${server.url}/2`)).records('account')).toEqual(new Map([['id', 'text']]))
  expect(await (await openStore(server.url)).records('account')).toEqual(new Map())
})

it('keeps to its database and its prefix in every key', async () => {
  const server = await startServer()
  const store = await openStore(`${server.url}/3`, 'genspark2api:')
  const terms = { accounts: ['a'], exclude: new Set<string>(), maxConcurrency: 1, leaseMs: 30_000 }
  const input = { ...terms, selection: 'round-robin', requestId: 'r', model: 'm' } as const
  const first = await store.lease(input)
  await store.lease(input)
  if (first.type === 'leased')
    await store.releaseLease({
      ...first,
      model: 'm',
      chatId: 'chat',
      hold: { type: 'signed-out', sinceMs: 1 },
    })
  await store.lease(input)
  await store.countRateLimit('a')
  await epochOf(store)
  await store.saveRecord('account', 'id', 'text')
  await store.saveDocument('response', { id: 'id', owner: 'owner', text: 'text', lifeMs: 60_000 })
  const keys = await store.client.keys('*')
  expect(keys.length).toBeGreaterThan(12)
  expect(keys.filter((key) => !key.startsWith('genspark2api:{state}:'))).toEqual([])
})

it('takes a prefix with a hash tag as it is', async () => {
  const server = await startServer()
  const store = await openStore(server.url, '{mine}:')
  await epochOf(store)
  expect(await store.client.keys('*')).toEqual(['{mine}:epoch'])
})
