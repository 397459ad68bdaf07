import { expect, it, onTestFinished } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import { createRedisStore } from '../../../src/store/redis/redis-store.ts'
import { startRedisServer } from '../../support/redis-server.ts'

it('a replica that was busy itself for 300 ms does not take that for a Redis that is away', async () => {
  const redis = await startRedisServer()
  onTestFinished(() => redis.stop())
  const options = { redisUrl: redis.url, redisPrefix: 'test:', logger: silentLogger, random: Math.random }
  const store = createRedisStore(options)
  onTestFinished(() => store.close())
  await expect.poll(() => store.ping().then(() => 'there', String)).toBe('there')

  const answer = store.ping()
  // The command has left; its answer waits in the socket while others are being served.
  await new Promise((resolve) => setImmediate(resolve))
  const busyUntil = performance.now() + 300
  while (performance.now() < busyUntil);
  await expect(answer).resolves.toBeUndefined()
})
