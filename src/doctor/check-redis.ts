import type { Config } from '../config.ts'
import type { Logger } from '../core/logger.ts'
import { createRedisStore } from '../store/redis/redis-store.ts'
import { describeFailure } from './describe-failure.ts'
import type { Finding } from './finding.ts'

/** A first connection over TLS takes its time; in service a command has 250 ms. */
const commandTimeoutMs = 5_000

/** Does Redis answer with the password of REDIS_URL, and how quickly? */
export async function checkRedis(
  redisUrl: string,
  { redisPrefix, logger }: Pick<Config, 'redisPrefix'> & { readonly logger: Logger },
): Promise<Finding> {
  const part = 'Redis'
  const redis = createRedisStore({ redisUrl, redisPrefix, logger, random: Math.random, commandTimeoutMs })
  try {
    await redis.ping()
    const startedAt = performance.now()
    await redis.ping()
    return { state: 'ok', part, text: `answers in ${(performance.now() - startedAt).toFixed(1)} ms` }
  } catch (error) {
    const remedy = 'look at REDIS_URL: host, port, password, rediss:// for TLS'
    return { state: 'fault', part, ...describeFailure(error, remedy) }
  } finally {
    await redis.close()
  }
}
