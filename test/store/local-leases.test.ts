import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createEmbeddedStore, type EmbeddedStore } from '../../src/store/embedded-store.ts'
import { takeLease } from './lease-input.ts'

let nowMs = Date.UTC(2026, 10, 23)
let liveMs: number | undefined
let store: EmbeddedStore

beforeEach(() => {
  liveMs = undefined
  const clock = { now: () => nowMs, live: () => liveMs ?? nowMs }
  const chooseAccount = createChooseAccount(Math.random)
  store = createEmbeddedStore({ dataDir: undefined, clock, chooseAccount, logger: silentLogger })
})
afterEach(() => store.close())

const inFlight = async () => (await store.accountStates(['a'])).get('a')?.inFlight
const adopted = { account: 'a', leaseId: 'of another store', leaseMs: 30_000 }

it('counts an adopted lease once, however often it comes, until it is released', async () => {
  store.adoptLeases([adopted, adopted])
  store.adoptLeases([adopted])
  expect(await inFlight()).toBe(1)
  expect(await store.extendLease(adopted)).toBe(true)
  await store.releaseLease({ ...adopted, model: 'm' })
  expect(await inFlight()).toBe(0)
})

it('an adopted lease lapses so long after it was adopted last', async () => {
  store.adoptLeases([adopted])
  nowMs += 20_000
  store.adoptLeases([adopted])
  nowMs += 29_999
  expect(await inFlight()).toBe(1)
  nowMs += 1
  expect(await inFlight()).toBe(0)
})

it('tells every hold that has not run out', async () => {
  const signedOut = { type: 'signed-out', sinceMs: nowMs } as const
  const cooling = { type: 'cooling', kind: 'unavailable', untilMs: nowMs + 1000 } as const
  await store.setHold('a', signedOut)
  await store.setHold('b', cooling)
  await store.setHold('c', { ...cooling, untilMs: nowMs + 1001 })
  await store.clearHold('c')
  expect([...store.holds()]).toEqual([
    ['a', signedOut],
    ['b', cooling],
  ])
  nowMs += 1000
  expect([...store.holds().keys()]).toEqual(['a'])
})

describe('a long list', () => {
  const accounts = Array.from({ length: 1000 }, (_, index) => `account-${index}`)

  it('gives every account its turn before any has two', async () => {
    const taken = new Set<string>()
    for (let count = 0; count < 1000; count += 1) taken.add((await takeLease(store, { accounts })).account)
    expect(taken.size).toBe(1000)
  })

  it('is chosen from fairly', async () => {
    let firstHalf = 0
    for (let count = 0; count < 2000; count += 1) {
      const lease = await takeLease(store, { accounts })
      if (accounts.indexOf(lease.account) < 500) firstHalf += 1
      await store.releaseLease(lease)
    }
    // Within more than four standard deviations.
    expect(firstHalf).toBeGreaterThan(900)
    expect(firstHalf).toBeLessThan(1100)
  })

  it.each(['least-busy', 'random', 'round-robin'] as const)(
    '%s finds the only account that can be leased',
    async (selection) => {
      const exclude = new Set(accounts.slice(0, 300))
      for (const account of accounts.slice(300, 600))
        await store.setHold(account, { type: 'cooling', kind: 'unavailable', untilMs: nowMs + 1000 })
      for (const account of accounts.slice(600, 999))
        await takeLease(store, { accounts: [account], maxConcurrency: 1 })
      const input = { accounts, exclude, selection, maxConcurrency: 1 }
      expect((await takeLease(store, input)).account).toBe('account-999')
    },
  )
})

it('FINDINGS X5: no lease lapses by a step of the clock, nor while the process stands still', async () => {
  liveMs = 0
  const leased = await takeLease(store)
  nowMs += 40_000
  expect(await inFlight()).toBe(1)
  expect(await store.extendLease({ ...leased, leaseMs: 30_000 })).toBe(true)
  liveMs = 30_000
  expect(await inFlight()).toBe(0)
})

it.each([
  ['forward', 60_000],
  ['back', -3_600_000],
])('FINDINGS X5: a cool-down lasts no longer than it was when the clock steps %s', async (_way, step) => {
  liveMs = 0
  await store.setHold('a', { type: 'cooling', kind: 'rate-limited', untilMs: nowMs + 30_000 })
  expect(store.isHeld('a')).toBe(true)
  nowMs += step
  liveMs = 29_999
  expect(store.isHeld('a')).toBe(step < 0)
  liveMs = 30_000
  expect(store.isHeld('a')).toBe(false)
  nowMs -= step
})
