import { createAccountAdmin } from './accounts/account-admin.ts'
import { createAccountRoster } from './accounts/account-roster.ts'
import { createDeviceLogins } from './accounts/device-logins.ts'
import { accountsOfSettings } from './accounts/import-accounts.ts'
import type { Config } from './config.ts'
import { systemClock } from './core/clock.ts'
import { silentLogger } from './core/logger.ts'
import { createMetrics } from './core/metrics.ts'
import { openStore } from './store/open-store.ts'
import { openStateKeys } from './store/state-key.ts'
import { createUpstream } from './upstream/client.ts'

/** Prints where to sign in, waits until that is approved, and keeps the key in the store of these settings, sealed.
 *  @returns the label of the account; undefined: it was not approved in time
 *  @throws {ServiceError} */
export async function loginByDevice(
  config: Config,
  print: (line: string) => void,
): Promise<string | undefined> {
  const tools = { clock: systemClock, logger: silentLogger, metrics: createMetrics() }
  const { redisUrl, redisPrefix, dataDir } = config
  const { store } = await openStore({
    ...{ redisUrl, redisPrefix, dataDir, random: Math.random, ...tools },
    // A key that this process alone knows would be none.
    redisDownMode: 'fail',
    chooseAccount: ([first]) => first as NonNullable<typeof first>,
  })
  const stateKeys = openStateKeys({ ...config, canMake: redisUrl === undefined, logger: silentLogger })
  const { accounts } = accountsOfSettings(config)
  const upstream = createUpstream({ ...config, ...tools, transport: 'direct' })
  const { identify, checkAccount, requestDeviceCode, askDeviceCode } = upstream
  const roster = createAccountRoster({ accounts, stateKeys, store, identify, ...tools })
  const accountAdmin = createAccountAdmin({ roster, store, checkAccount, identify, ...tools })
  const logins = createDeviceLogins({ accountAdmin, requestDeviceCode, askDeviceCode, ...tools })
  try {
    await roster.open()
    const { id, authUrl, expiresMs } = await logins.begin(AbortSignal.timeout(20_000))
    print(`Open this in your browser, and approve there:\n\n  ${authUrl}\n`)
    print(`Waiting until ${new Date(expiresMs).toISOString()}; Ctrl+C cancels.`)
    await logins.ended(id)
    const { status, account } = logins.read(id)
    if (status === 'failed') throw new Error('the key could not be kept')
    return account?.id
  } finally {
    await logins.close()
    roster.close()
    await upstream.close()
    await store.close()
  }
}
