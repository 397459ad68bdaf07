import { describe, expect, it, onTestFinished } from 'vitest'
import { ServiceError } from '../../src/core/errors.ts'
import { BoundedMap } from '../../src/http/limit-rate.ts'
import { openReplica } from '../store/shared/open-replica.ts'
import { type RedisServer, startRedisServer } from '../support/redis-server.ts'
import { cookieFile, making } from './support/media.ts'
import { chatBody, startApp } from './support/start-app.ts'

describe('limitRate', () => {
  it('refuses what is above the limit and says when to come again', async () => {
    const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: '2' } })
    const ask = () => fetch(`${url}/v1/models`)
    expect((await ask()).headers.get('x-ratelimit-remaining')).toBe('1')
    expect((await ask()).headers.get('x-ratelimit-limit')).toBe('2')
    const refused = await ask()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0')
    const retryAfter = Number(refused.headers.get('retry-after'))
    expect(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= 60).toBe(true)
    expect(await refused.json()).toMatchObject({
      error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
    })
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })

  it('FINDINGS S7: counts what a request asks the site for, not the request', async () => {
    let asked = 0
    const app = await startApp({
      env: { REQUEST_RATE_LIMIT: '5' },
      runChat: () => {
        asked += 1
        return Promise.reject(new ServiceError('upstream_empty'))
      },
    })
    const ask = async (n: number) => (await app.post({ ...chatBody, n })).status
    expect([await ask(4), await ask(2)]).toEqual([502, 429])
    expect(asked).toBeLessThanOrEqual(4)
    const media = await startApp({ ...making(cookieFile), env: { REQUEST_RATE_LIMIT: '5' } })
    const make = async (n: number) =>
      (await media.send('/v1/images/generations', { model: 'dall-e-3', prompt: 'A cat', n })).status
    expect([await make(4), await make(1), await make(1)]).toEqual([200, 200, 429])
  })

  it('tells whole seconds, and no wait that ends before the window does', async () => {
    const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: '1' } })
    const startedMs = performance.now()
    const served = await fetch(`${url}/v1/models`)
    const refused = await fetch(`${url}/v1/models`)
    expect(served.headers.get('x-ratelimit-reset')).toMatch(/^\d+$/)
    expect(refused.headers.get('x-ratelimit-reset')).toBe(served.headers.get('x-ratelimit-reset'))
    const passedS = (performance.now() - startedMs) / 1000
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(60 - passedS)
    expect(refused.headers.get('x-should-retry')).toBeNull()
  })

  it('counts each client for itself', async () => {
    const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: '1', TRUSTED_PROXY_HOPS: '1' } })
    const ask = async (address: string) =>
      (await fetch(`${url}/v1/models`, { headers: { 'x-forwarded-for': address } })).status
    expect([await ask('192.0.2.1'), await ask('192.0.2.2'), await ask('192.0.2.1')]).toEqual([200, 200, 429])
  })

  it('counts a network of IPv6 as one client: it has all the addresses it wants', async () => {
    const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: '1', TRUSTED_PROXY_HOPS: '1' } })
    const ask = async (address: string) =>
      (await fetch(`${url}/v1/models`, { headers: { 'x-forwarded-for': address } })).status
    expect([await ask('2001:db8::1'), await ask('2001:db8:0:0:5::2'), await ask('2001:db8:0:1::1')]).toEqual([
      200, 429, 200,
    ])
  })

  it('0 is no limit', async () => {
    const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: '0' } })
    const response = await fetch(`${url}/v1/models`)
    expect([response.status, response.headers.get('x-ratelimit-limit')]).toEqual([200, null])
  })
})

describe('limitRate with Redis', () => {
  it('60 a minute over 3 test: the 61st is refused wherever it goes', async () => {
    const server = await startServer()
    const urls = await Promise.all([1, 2, 3].map(() => startReplica(server, '60')))
    const ask = (index: number) => fetch(`${urls[index % 3]}/v1/models`)
    const served = []
    for (let index = 0; index < 60; index += 1) served.push(await ask(index))
    expect(new Set(served.map(({ status }) => status))).toEqual(new Set([200]))
    expect(served.at(-1)?.headers.get('x-ratelimit-remaining')).toBe('0')
    for (const url of urls) {
      const refused = await fetch(`${url}/v1/models`)
      expect(refused.status).toBe(429)
      expect(await refused.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } })
      expect(refused.headers.get('x-ratelimit-limit')).toBe('60')
      expect(refused.headers.get('x-ratelimit-reset')).toMatch(/^\d+$/)
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    }
  })

  it('tells no wait that ends before the window does', async () => {
    const url = await startReplica(await startServer(), '1')
    const startedMs = performance.now()
    await fetch(`${url}/v1/models`)
    const refused = await fetch(`${url}/v1/models`)
    const passedS = (performance.now() - startedMs) / 1000
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(60 - passedS)
  })

  it('counts in keys that begin with REDIS_PREFIX', async () => {
    const server = await startServer()
    const { client, url } = await startWithRedis(server, '60')
    await fetch(`${url}/v1/models`)
    const keys = await client.keys('*')
    expect(keys.filter((key) => !key.startsWith('test:'))).toEqual([])
    expect(keys).toContain('test:rate-limit:127.0.0.1')
  })

  it.each(['freeze', 'kill'] as const)('B4: after a %s each replica counts for itself', async (how) => {
    const server = await startServer()
    const { url } = await startWithRedis(server, '2', 250)
    const statusOf = async () => (await fetch(`${url}/v1/models`)).status
    expect(await statusOf()).toBe(200)
    await server[how]()
    expect([await statusOf(), await statusOf(), await statusOf()]).toEqual([200, 200, 429])
  })
})

async function startServer(): Promise<RedisServer> {
  const server = await startRedisServer()
  onTestFinished(async () => {
    server.resume()
    await server.stop()
  })
  return server
}

const startReplica = async (server: RedisServer, limit: string) => (await startWithRedis(server, limit)).url

async function startWithRedis(server: RedisServer, limit: string, commandTimeoutMs = 5000) {
  const { store, client, until } = openReplica({ redisUrl: server.url, commandTimeoutMs })
  onTestFinished(() => store.close())
  await until('up')
  const services = { sharedLimit: { store, client, prefix: 'test:' } }
  const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: limit }, services })
  return { url, client }
}

it('BoundedMap is a Map that forgets what was unused for longest', () => {
  const map = new BoundedMap<{ n: number }>(2)
  expect(map).toBeInstanceOf(Map)
  map.set('a', { n: 1 }).set('b', { n: 2 })
  map.get('a')
  map.set('c', { n: 3 })
  expect([map.has('a'), map.has('b'), map.has('c'), map.size]).toEqual([true, false, true, 2])
})
