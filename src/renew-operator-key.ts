import type { Config } from './config.ts'
import { systemClock } from './core/clock.ts'
import { silentLogger } from './core/logger.ts'
import { createMetrics } from './core/metrics.ts'
import { openStore } from './store/open-store.ts'
import { createOperatorKey } from './store/operator-key.ts'

/** Makes a new key for the operator in the store of these settings; a service that runs knows it at once.
 *  @param warn  takes what the operator should know besides
 *  @throws {UnavailableError} `dependency_unavailable` */
export async function renewOperatorKey(
  config: Pick<Config, 'adminSecrets' | 'redisUrl' | 'redisPrefix' | 'dataDir'>,
  warn: (line: string) => void,
): Promise<string> {
  const { adminSecrets, redisUrl, redisPrefix, dataDir } = config
  if (adminSecrets.length > 0) warn('ADMIN_SECRET is set: the new key counts only where it is not.')
  const { store } = await openStore({
    ...{ redisUrl, redisPrefix, dataDir, clock: systemClock, random: Math.random, metrics: createMetrics() },
    // A key that this process alone knows would be none.
    redisDownMode: 'fail',
    chooseAccount: ([first]) => first as NonNullable<typeof first>,
    logger: { ...silentLogger, warn: (_fields, message) => warn(message) },
  })
  try {
    return await createOperatorKey(store).renew()
  } finally {
    await store.close()
  }
}
