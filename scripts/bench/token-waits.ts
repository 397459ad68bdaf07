// A process of its own for the suite tokens: the token source of a checkout against the mock's page, with a real Chromium and no spares.
// Usage: node token-waits.ts CHECKOUT SITE; prints TokenWaits as JSON.

import { join } from 'node:path'
import type * as tokenSourceModule from '../../src/browser/create-token-source.ts'
import type * as accountModule from '../../src/core/account.ts'
import type * as clockModule from '../../src/core/clock.ts'
import type * as metricsModule from '../../src/core/metrics.ts'
import { median, quantile } from '../lib/statistics.ts'

export interface TokenWaits {
  /** Our wait over the page's own `execute`. */
  readonly addedP50Ms: number
  readonly addedP99Ms: number
  readonly oneMs: number
  /** Until the last of them is there. */
  readonly fiftyMs: number
}

const [, , checkout = '.', site = ''] = process.argv
/** All of one context: it is thrown away after 500. */
const counts = { warmUp: 20, one: 200, batches: 5, batch: 50 }

const load = <T>(path: string): Promise<T> => import(join(checkout, 'src', path))
const { createTokenSource } = await load<typeof tokenSourceModule>('browser/create-token-source.ts')
const { createAccount } = await load<typeof accountModule>('core/account.ts')
const { systemClock } = await load<typeof clockModule>('core/clock.ts')
const { createMetrics } = await load<typeof metricsModule>('core/metrics.ts')

const quiet = () => {}
const source = createTokenSource({
  recaptchaMode: 'embedded',
  baseUrl: site,
  tokenPrefetch: 0,
  tokenMaxAgeMs: 90_000,
  browserMaxPages: 4,
  clock: systemClock,
  random: Math.random,
  logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  metrics: createMetrics(),
  limits: { mintMs: 60_000 },
})
const account = createAccount('session_id=bench')

try {
  for (let count = 0; count < counts.warmUp; count += 1) await mint()
  const ones = []
  for (let count = 0; count < counts.one; count += 1) ones.push(await mint())
  const batches = []
  for (let count = 0; count < counts.batches; count += 1) {
    const startedMs = performance.now()
    await Promise.all(Array.from({ length: counts.batch }, mint))
    batches.push(performance.now() - startedMs)
  }
  const added = ones.map(({ waitMs, executeMs }) => waitMs - executeMs)
  const waits: TokenWaits = {
    addedP50Ms: median(added),
    addedP99Ms: quantile(added, 0.99),
    oneMs: median(ones.map(({ waitMs }) => waitMs)),
    fiftyMs: median(batches),
  }
  console.log(JSON.stringify(waits))
} finally {
  await source.close()
}

/** The mock's page writes into a token how long its own call took. */
async function mint(): Promise<{ waitMs: number; executeMs: number }> {
  const startedMs = performance.now()
  const token = await source.token({ account, generation: 'agent', signal: new AbortController().signal })
  const waitMs = performance.now() - startedMs
  return { waitMs, executeMs: Number(/^bench_([\d.]+)_/.exec(token ?? '')?.[1]) }
}
