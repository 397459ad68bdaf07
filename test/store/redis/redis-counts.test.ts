import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { maxCountsAnHour } from '../../../src/store/counts.ts'
import type { RedisStoreOptions } from '../../../src/store/redis/redis-store.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { countAttempt, expectCountsBound } from '../counts-bound.ts'
import { openRedisStore } from './open-redis-store.ts'

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
