import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTokenSource } from '../../src/browser/create-token-source.ts'
import type { TokenSource } from '../../src/browser/token-source.ts'
import { createAccount } from '../../src/core/account.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { mergeCookies, type SetCookie, type SiteSessions } from '../../src/core/site-session.ts'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { until } from './support.ts'

const alice = createAccount('session_id=alice; c1=old')

let emulator: Emulator
let tokens: TokenSource
let values: Map<string, SetCookie>
let revision: number
beforeEach(async () => {
  values = new Map()
  revision = 0
  emulator = await startEmulator()
  const sessions: SiteSessions = {
    cookieOf: ({ cookie }) =>
      mergeCookies(cookie, new Map([...values].map(([name, { value }]) => [name, value]))),
    revisionOf: () => revision,
    renew: (_account, cookies) => renew(cookies),
    refresh: async () => false,
  }
  tokens = createTokenSource({
    recaptchaMode: 'embedded',
    baseUrl: emulator.url,
    tokenPrefetch: 0,
    tokenMaxAgeMs: 90_000,
    browserMaxPages: 4,
    clock: systemClock,
    random: () => 0,
    logger: silentLogger,
    metrics: createMetrics(),
    limits: { mintMs: 60_000 },
    sessions,
  })
})
afterEach(async () => {
  await tokens.close()
  await emulator.close()
})

function renew(cookies: readonly SetCookie[]): void {
  for (const cookie of cookies) values.set(cookie.name, cookie)
  revision += 1
}

const mint = (generation: 'copilot' | 'agent') =>
  tokens.token({ account: alice, generation, signal: new AbortController().signal })

test('FINDINGS A5: what the site renews in the browser is read back, with its end, once', async () => {
  const renewed = emulator.rollSession('alice', { names: ['session_id', 'c1', '__cf_bm'] })
  await mint('agent')
  await until(() => expect(values.get('session_id')?.value).toBe(renewed))
  expect([...values.keys()].sort()).toEqual(['c1', 'session_id'])
  expect(values.get('session_id')?.endsMs).toBeGreaterThan(Date.now() + 19 * 24 * 3600 * 1000)
  await mint('copilot')
  expect(revision).toBe(1)
})

test('FINDINGS A5: what was renewed elsewhere is in the browser before its next use', async () => {
  await mint('agent')
  renew([
    { name: 'session_id', value: 'renewed', endsMs: undefined },
    { name: 'c1', value: '', endsMs: undefined },
  ])
  emulator.signIn('renewed', 'alice')
  await mint('copilot')
  expect(emulator.requests.findLast(({ path }) => path === '/')?.sessionId).toBe('renewed')
  expect(revision).toBe(1)
})
