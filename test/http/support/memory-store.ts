import { onTestFinished } from 'vitest'
import { createChooseAccount } from '../../../src/accounts/account-pool.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { createEmbeddedStore } from '../../../src/store/embedded-store.ts'

/** A store that ends with the test. */
export function startMemoryStore() {
  const chooseAccount = createChooseAccount(Math.random)
  const store = createEmbeddedStore({
    dataDir: undefined,
    clock: systemClock,
    chooseAccount,
    logger: silentLogger,
  })
  onTestFinished(() => store.close())
  return store
}
