import { afterAll, beforeAll } from 'vitest'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
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
