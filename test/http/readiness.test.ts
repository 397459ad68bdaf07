import { describe, expect, it } from 'vitest'
import type { AccountStatus } from '../../src/accounts/account-pool.ts'
import type { BrowserState } from '../../src/browser/token-source.ts'
import { checkReadiness, type ReadinessSources } from '../../src/http/readiness.ts'

const usable: AccountStatus = { label: 'acc_1', inFlight: 0 }
const cooling: AccountStatus = {
  label: 'acc_2',
  inFlight: 0,
  hold: { type: 'cooling', kind: 'rate-limited', untilMs: 1_800_000_000_000 },
}
const signedOut: AccountStatus = {
  label: 'acc_3',
  inFlight: 0,
  hold: { type: 'signed-out', sinceMs: 1_700_000_000_000 },
}

interface CheckOptions {
  readonly accounts?: readonly AccountStatus[]
  readonly browser?: BrowserState
  readonly shuttingDown?: boolean
  readonly redis?: ReadinessSources['redis']
}

function check({ accounts = [usable], browser = 'ready', shuttingDown = false, redis }: CheckOptions) {
  return checkReadiness({
    redis,
    pool: { statuses: () => Promise.resolve(accounts) },
    tokens: { state: () => browser },
    isShuttingDown: () => shuttingDown,
  })
}

describe('checkReadiness', () => {
  it('says what to set when there is no account at all', async () => {
    const { parts } = await check({ accounts: [] })
    expect(parts.accounts).toMatchObject({
      ok: false,
      total: 0,
      problem: expect.stringContaining('GS_COOKIE'),
    })
  })

  it('is ready with one usable account', async () => {
    expect(await check({ accounts: [cooling, usable, signedOut] })).toEqual({
      ready: true,
      parts: {
        accounts: {
          ok: true,
          total: 3,
          usable: 1,
          in_flight: 0,
          cooling: [{ account: 'acc_2', kind: 'rate-limited', until: '2027-01-15T08:00:00.000Z' }],
          signed_out: [{ account: 'acc_3', since: '2023-11-14T22:13:20.000Z' }],
        },
        browser: { ok: true, state: 'ready' },
        process: { ok: true, state: 'running' },
      },
    })
  })

  it.each<BrowserState>(['off', 'idle', 'starting'])('is ready while the browser is %s', async (browser) => {
    expect((await check({ browser })).ready).toBe(true)
  })

  it.each([
    ['local', true, { ok: true, state: 'up' }],
    ['fail', true, { ok: true, state: 'up' }],
    ['local', false, { ok: true, state: 'down' }],
    ['fail', false, { ok: false, state: 'down' }],
  ] as const)('B1: tells of Redis, which only %s may do without (up: %s)', async (mode, isUp, part) => {
    const { ready, parts } = await check({ redis: { mode, isRedisUp: () => isUp } })
    expect([ready, parts.redis]).toEqual([part.ok, part])
  })

  it('H6: names the part that is missing', async () => {
    const faulty = async (options: Parameters<typeof check>[0]) => {
      const { ready, parts } = await check(options)
      return { ready, faulty: Object.keys(parts).filter((part) => !parts[part]?.ok) }
    }
    expect(await faulty({ accounts: [] })).toEqual({ ready: false, faulty: ['accounts'] })
    expect(await faulty({ accounts: [cooling, signedOut] })).toEqual({ ready: false, faulty: ['accounts'] })
    expect(await faulty({ browser: 'down' })).toEqual({ ready: false, faulty: ['browser'] })
    expect(await faulty({ shuttingDown: true })).toEqual({ ready: false, faulty: ['process'] })
  })
})
