import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type AccountPool,
  type AccountPoolOptions,
  createAccountPool,
  createChooseAccount,
} from '../../src/accounts/account-pool.ts'
import { createMergeAccounts } from '../../src/accounts/account-roster.ts'
import type { AccountVerdict } from '../../src/accounts/cooldowns.ts'
import type { Lease } from '../../src/accounts/lease.ts'
import { type Account, createAccount, createApiKeyAccount } from '../../src/core/account.ts'
import { createLogger } from '../../src/core/logger.ts'
import { createEmbeddedStore } from '../../src/store/embedded-store.ts'
import type { Store } from '../../src/store/store.ts'
import { fixedRoster } from './fixed-roster.ts'
import { seededRandom } from './seeded-random.ts'

const startMs = Date.UTC(2026, 10, 23)
const hour = 3_600_000
const one = createAccount('session_id=canary-one')
const two = createAccount('session_id=canary-two')

let nowMs: number
let lines: string[]
const open: { close(): Promise<void> }[] = []

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  nowMs = startMs
  lines = []
})
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  expect(lines.join('')).not.toContain('canary')
})

const clock = { now: () => nowMs }

/** Time goes on for the clock and for the timers. */
async function pass(ms: number): Promise<void> {
  nowMs += ms
  await vi.advanceTimersByTimeAsync(ms)
}

function create({
  accounts = [one],
  ...over
}: Partial<AccountPoolOptions> & { accounts?: readonly Account[] } = {}): {
  pool: AccountPool
  store: Store
} {
  const logger = createLogger({
    level: 'info',
    format: 'json',
    destination: { write: (line) => void lines.push(line) },
  })
  const chooseAccount = createChooseAccount(seededRandom(7))
  const store = over.store ?? createEmbeddedStore({ dataDir: undefined, clock, chooseAccount, logger })
  const pool = createAccountPool({
    roster: fixedRoster(accounts),
    store,
    clock,
    logger,
    accountMaxConcurrency: 0,
    accountSelection: 'least-busy',
    queueWaitMs: 15_000,
    queueMax: 100,
    rateLimitCoolDownMs: 600_000,
    modelChatMap: new Map(),
    sessionImageChatMap: new Map(),
    autoBindChats: true,
    ...over,
  })
  open.push(store, pool)
  return { pool, store }
}

const never = new AbortController().signal
const request = { model: 'm', exclude: new Set<string>(), requestId: 'r', signal: never }
const cool = (verdict: Partial<AccountVerdict>) =>
  ({
    type: 'failed',
    verdict: { type: 'cool-down', kind: 'rate-limited', ...verdict } as AccountVerdict,
  }) as const
const signOut = { type: 'failed', verdict: { type: 'sign-out' } } as const
const abandoned = { type: 'abandoned' } as const
const succeeded = { type: 'succeeded' } as const
const held = async (pool: AccountPool) => (await pool.statuses()).map(({ hold }) => hold)
const log = () => lines.map((line) => JSON.parse(line))

/** Releases are written down together, by a timer of the store; whoever reads the counts has them written at once. */
const hasCounted = (store: Store) => store.counts(0, 0)

/** Lets whatever is ready to go on go on. */
const settle = () => vi.advanceTimersByTimeAsync(0)

describe('holds', () => {
  it('A6: passes a signed-out account over until it is checked good, and shows since when', async () => {
    const { pool, store } = create({ accounts: [one, two] })
    const lease = await pool.lease({ ...request, exclude: new Set([two.key]) })
    await lease.release(signOut)
    await pass(40 * 24 * hour)
    for (let ask = 0; ask < 20; ask += 1) expect((await pool.lease(request)).account).toBe(two)
    expect(await pool.statuses()).toEqual([
      { label: one.label, inFlight: 0, hold: { type: 'signed-out', sinceMs: startMs } },
      { label: two.label, inFlight: 20 },
    ])
    await store.clearHold(one.key)
    expect((await pool.lease(request)).account).toBe(one)
    expect(log()).toEqual([
      expect.objectContaining({ account: one.label, msg: expect.stringMatching(/signed out/) }),
    ])
  })

  it('A7: a spent quota cools until its reset time, and the next account serves', async () => {
    const { pool } = create({ accounts: [one, two] })
    const first = await pool.lease({ ...request, exclude: new Set([two.key]) })
    await first.release(cool({ kind: 'quota-spent', untilMs: startMs + 5 * hour }))
    expect(await held(pool)).toEqual([
      { type: 'cooling', kind: 'quota-spent', untilMs: startMs + 5 * hour },
      undefined,
    ])
    expect((await pool.lease(request)).account).toBe(two)
    expect(log()).toEqual([
      expect.objectContaining({ account: one.label, kind: 'quota-spent', until: '2026-11-23T05:00:00.000Z' }),
    ])
    await pass(5 * hour)
    expect((await pool.lease({ ...request, exclude: new Set([two.key]) })).account).toBe(one)
  })

  it('A7: without a reset time it cools for 24 h', async () => {
    const { pool } = create()
    await (await pool.lease(request)).release(cool({ kind: 'quota-spent' }))
    expect(await held(pool)).toEqual([{ type: 'cooling', kind: 'quota-spent', untilMs: startMs + 24 * hour }])
  })

  it('A8: tells when the soonest is back while all are cooling', async () => {
    const { pool } = create({ accounts: [one, two] })
    await (await pool.lease({ ...request, exclude: new Set([two.key]) })).release(
      cool({ retryAfterMs: 50_000 }),
    )
    await (await pool.lease(request)).release(cool({ retryAfterMs: 20_000 }))
    await pass(5000)
    await expect(pool.lease(request)).rejects.toMatchObject({
      code: 'all_accounts_cooling',
      retryAfterMs: 15_000,
      retryable: undefined,
      message: 'All cookies are temporarily unavailable.',
    })
  })

  it('A8: tells clients not to try again when the soonest is over a minute away', async () => {
    const { pool } = create()
    await (await pool.lease(request)).release(cool({ kind: 'quota-spent' }))
    await expect(pool.lease(request)).rejects.toMatchObject({
      code: 'all_accounts_cooling',
      retryAfterMs: 24 * hour,
      retryable: false,
      message: 'All cookies are temporarily unavailable. Back in 86400 s.',
    })
  })

  it('A8: has no account when all are signed out, excluded, or there are none', async () => {
    const none = { code: 'no_account_available', retryable: false }
    const { pool } = create()
    await expect(pool.lease({ ...request, exclude: new Set([one.key]) })).rejects.toMatchObject(none)
    await (await pool.lease(request)).release(signOut)
    await expect(pool.lease(request)).rejects.toMatchObject(none)
    await expect(create({ accounts: [] }).pool.lease(request)).rejects.toMatchObject(none)
  })

  it('A9: asking for the statuses 100 times changes nothing', async () => {
    const { pool } = create()
    await (await pool.lease(request)).release(cool({}))
    const before = await pool.statuses()
    for (let ask = 0; ask < 100; ask += 1) expect(await pool.statuses()).toEqual(before)
    await expect(pool.lease(request)).rejects.toMatchObject({
      code: 'all_accounts_cooling',
      retryAfterMs: 30_000,
    })
  })

  it('F11: doubles the back-off for each failure in a row up to the cap, and begins anew after an answer', async () => {
    const { pool } = create()
    const waits: number[] = []
    for (let failure = 0; failure < 6; failure += 1) {
      await (await pool.lease(request)).release(cool({}))
      const [hold] = await held(pool)
      if (hold?.type !== 'cooling') throw new Error('not cooling')
      waits.push(hold.untilMs - nowMs)
      await pass(hold.untilMs - nowMs)
    }
    expect(waits).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 600_000])
    await (await pool.lease(request)).release(succeeded)
    await (await pool.lease(request)).release(cool({ kind: 'unavailable' }))
    expect(await held(pool)).toEqual([{ type: 'cooling', kind: 'unavailable', untilMs: nowMs + 30_000 }])
  })

  it('ten failures of attempts that were in flight together are one failure', async () => {
    const { pool } = create()
    const leases = await Promise.all(Array.from({ length: 10 }, () => pool.lease(request)))
    await pass(100)
    await Promise.all(leases.slice(0, 5).map((lease) => lease.release(cool({}))))
    await pass(100)
    for (const lease of leases.slice(5)) await lease.release(cool({}))
    expect(await held(pool)).toEqual([
      { type: 'cooling', kind: 'rate-limited', untilMs: startMs + 200 + 30_000 },
    ])
  })

  it('C2: a client that left is no fault of the account, and a kept account stays usable', async () => {
    const { pool } = create()
    await (await pool.lease(request)).release(abandoned)
    await (await pool.lease(request)).release({ type: 'failed', verdict: { type: 'keep' } })
    expect(await pool.statuses()).toEqual([{ label: one.label, inFlight: 0 }])
    expect(lines).toEqual([])
  })
})

describe('release', () => {
  it('counts once: the first outcome stands', async () => {
    const { pool } = create()
    const lease = await pool.lease(request)
    await Promise.all([lease.release(abandoned), lease.release(signOut)])
    await lease.release(signOut)
    expect(await pool.statuses()).toEqual([{ label: one.label, inFlight: 0 }])
  })

  it('never rejects, and frees the lease even when failures cannot be counted', async () => {
    const { store } = create()
    const { pool } = create({ store: { ...store, countRateLimit: () => Promise.reject(new Error('away')) } })
    await (await pool.lease(request)).release(cool({}))
    expect(await held(pool)).toEqual([{ type: 'cooling', kind: 'rate-limited', untilMs: startMs + 30_000 }])
    const broken = create({
      store: { ...store, releaseLease: () => Promise.reject(new Error('away')) },
      accounts: [two],
    })
    await (await broken.pool.lease(request)).release(succeeded)
    expect(log().at(-1)).toMatchObject({
      account: two.label,
      msg: expect.stringMatching(/could not be ended/),
    })
  })
})

describe('API keys', () => {
  const key = createApiKeyAccount('canary-key')
  const other = createApiKeyAccount('canary-other')

  it('are leased before cookies, and cookies while no key is usable', async () => {
    const { pool } = create({ accounts: [one, key, two, other] })
    const held = []
    for (let ask = 0; ask < 10; ask += 1) held.push(await pool.lease(request))
    expect(new Set(held.map(({ account }) => account.kind))).toEqual(new Set(['api-key']))
    await held.find(({ account }) => account === key)?.release(cool({ retryAfterMs: 5000 }))
    expect((await pool.lease(request)).account).toBe(other)
    await (await pool.lease(request)).release(signOut)
    expect((await pool.lease(request)).account.kind).toBe('cookie')
    await pass(5000)
    expect((await pool.lease(request)).account).toBe(key)
  })

  it('one request goes on from a key to a cookie', async () => {
    const { pool } = create({ accounts: [one, key] })
    const first = await pool.lease(request)
    const next = await pool.lease({ ...request, exclude: new Set([first.account.key]) })
    expect([first.account, next.account]).toEqual([key, one])
  })

  it('a request that needs a cookie, or a key, gets no other', async () => {
    const { pool } = create({ accounts: [one, key] })
    expect((await pool.lease({ ...request, kind: 'cookie' })).account).toBe(one)
    expect((await pool.lease({ ...request, kind: 'api-key' })).account).toBe(key)
    await (await pool.lease({ ...request, kind: 'cookie' })).release(signOut)
    await expect(pool.lease({ ...request, kind: 'cookie' })).rejects.toMatchObject({
      code: 'no_account_available',
    })
  })

  it('at their cap the cookies serve too', async () => {
    const { pool } = create({ accounts: [one, key], accountMaxConcurrency: 1 })
    const leases = [await pool.lease(request), await pool.lease(request)]
    expect(leases.map(({ account }) => account)).toEqual([key, one])
  })
})

describe('accounts that change', () => {
  function changing(...accounts: Account[]) {
    let entries = [...createMergeAccounts(accounts)(new Map()).values()]
    const listeners = new Set<() => void>()
    const roster: AccountPoolOptions['roster'] = {
      entries: () => entries,
      onChange(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
    function set(next: readonly Account[], paused: readonly Account[] = []): void {
      entries = [...createMergeAccounts(next)(new Map()).values()].map((entry) => ({
        ...entry,
        paused: paused.includes(entry.account),
      }))
      for (const listener of listeners) listener()
    }
    return { roster, set, listeners }
  }

  it('A11: what runs ends with the old secret, what comes begins with the new one', async () => {
    const { roster, set } = changing(one)
    const { pool, store } = create({ roster })
    const running = await pool.lease(request)
    set([two])
    expect((await pool.lease(request)).account).toBe(two)
    for (let step = 0; step < 6; step += 1) await pass(10_000)
    expect(running.lost.aborted).toBe(false)
    expect(running.account).toBe(one)
    await running.release(succeeded)
    expect((await store.accountStates([one.key])).get(one.key)).toEqual({ inFlight: 0 })
  })

  it('a paused account is shown and not leased', async () => {
    const { roster, set } = changing(one, two)
    const { pool } = create({ roster })
    set([one, two], [one])
    for (let ask = 0; ask < 10; ask += 1) expect((await pool.lease(request)).account).toBe(two)
    expect(await pool.statuses()).toEqual([
      { label: one.label, inFlight: 0, paused: true },
      { label: two.label, inFlight: 10 },
    ])
    set([one, two], [one, two])
    await expect(pool.lease(request)).rejects.toMatchObject({ code: 'no_account_available' })
  })

  it('those who wait get an account that is added, and are told when the last is removed', async () => {
    const { roster, set, listeners } = changing(one)
    const { pool } = create({ roster, accountMaxConcurrency: 1 })
    await pool.lease(request)
    const waiting = pool.lease(request)
    await settle()
    set([one, two])
    expect((await waiting).account).toBe(two)
    const last = expect(pool.lease(request)).rejects.toMatchObject({ code: 'no_account_available' })
    await settle()
    set([])
    await last
    await pool.close()
    expect(listeners.size).toBe(0)
  })
})

describe('chats that an attempt made', () => {
  function withDeletions(over: Partial<AccountPoolOptions> = {}) {
    const deleted: string[] = []
    const chatDeletions = { add: (_account: Account, chatId: string) => void deleted.push(chatId) }
    return { deleted, ...create({ chatDeletions, ...over }) }
  }
  const createdChatId = 'chat-1'

  it.each([
    ['an answer', { type: 'succeeded', createdChatId }],
    ['a failure', { type: 'failed', verdict: { type: 'keep' }, createdChatId }],
    ['a client that left', { type: 'abandoned', createdChatId }],
  ] as const)('are deleted after %s', async (_name, outcome) => {
    const { pool, deleted } = withDeletions()
    await (await pool.lease(request)).release(outcome)
    expect(deleted).toEqual(['chat-1'])
  })

  it('stay when they are bound, were continued or pinned', async () => {
    const { pool, deleted } = withDeletions({ modelChatMap: new Map([['pinned', 'pin']]) })
    await (await pool.lease(request)).release({ type: 'succeeded', chatId: 'chat-1', createdChatId })
    await (await pool.lease(request)).release({ type: 'succeeded', createdChatId })
    await (await pool.lease({ ...request, model: 'pinned' })).release({
      type: 'abandoned',
      createdChatId: 'pin',
    })
    expect(deleted).toEqual([])
  })

  it('are deleted where nothing is bound by itself', async () => {
    const { pool, deleted } = withDeletions({ autoBindChats: false })
    await (await pool.lease(request)).release({ type: 'succeeded', chatId: 'chat-1', createdChatId })
    expect(deleted).toEqual(['chat-1'])
  })
})

describe('chat bindings', () => {
  it('binds the chat that answered and continues it', async () => {
    const { pool } = create()
    const lease = await pool.lease(request)
    expect(lease.chatId).toBeUndefined()
    await lease.release({ type: 'succeeded', chatId: 'chat-1' })
    expect(await pool.lease(request)).toMatchObject({ chatId: 'chat-1', chatPinned: false })
    expect((await pool.lease({ ...request, model: 'other' })).chatId).toBeUndefined()
  })

  it('A10: drops a stale binding and leaves the account as it is', async () => {
    const { pool } = create()
    await (await pool.lease(request)).release({ type: 'succeeded', chatId: 'chat-1' })
    await (await pool.lease(request)).release({
      type: 'failed',
      verdict: { type: 'keep' },
      dropBinding: true,
    })
    expect((await pool.lease(request)).chatId).toBeUndefined()
    expect(await held(pool)).toEqual([undefined])
  })

  it('A10: does not try a stale pin again', async () => {
    const { pool } = create({ modelChatMap: new Map([['m', 'pin']]) })
    const lease = await pool.lease(request)
    expect(lease).toMatchObject({ chatId: 'pin', chatPinned: true })
    await lease.release({ type: 'failed', verdict: { type: 'keep' }, dropBinding: true })
    expect((await pool.lease(request)).chatId).toBeUndefined()
  })

  it('binds nothing with automatic binding off', async () => {
    const { pool } = create({ autoBindChats: false })
    await (await pool.lease(request)).release({ type: 'succeeded', chatId: 'chat-1' })
    expect((await pool.lease(request)).chatId).toBeUndefined()
  })
})

describe('counts', () => {
  it('each attempt by how it ended and who asked, and no lease that nobody used', async () => {
    const { pool, store } = create({ accountMaxConcurrency: 1 })
    const alice = { ...request, caller: 'alice' }
    const outcomes = [succeeded, abandoned, cool({ retryAfterMs: 0 }), { type: 'unused' }] as const
    for (const outcome of outcomes) {
      await (await pool.lease(alice)).release(outcome)
      // No hold is shorter than a second.
      await store.clearHold(one.key)
    }
    await (await pool.lease(request)).release(succeeded)
    const row = { hourMs: startMs, account: one.key, model: 'm', failed: 0, abandoned: 0, succeeded: 1 }
    expect(await store.counts(startMs, nowMs + 1)).toEqual([
      { ...row, caller: '' },
      { ...row, caller: 'alice', failed: 1, abandoned: 1 },
    ])
  })
})

describe('renewal', () => {
  it('keeps a lease for as long as it is held', async () => {
    const { pool } = create({ accountMaxConcurrency: 1 })
    const lease = await pool.lease(request)
    for (let step = 0; step < 30; step += 1) await pass(10_000)
    expect(lease.lost.aborted).toBe(false)
    expect(await pool.statuses()).toEqual([{ label: one.label, inFlight: 1 }])
    await lease.release(succeeded)
  })

  it('A2: a holder that was frozen past its lease is told at its next renewal and changes nothing any more', async () => {
    const { pool } = create({ accountMaxConcurrency: 1 })
    const frozen = await pool.lease(request)
    nowMs += 30_000
    const newer = await pool.lease(request)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(frozen.lost.aborted).toBe(true)
    expect(frozen.lost.reason).toMatchObject({ code: 'dependency_unavailable', status: 503 })
    expect(newer.lost.aborted).toBe(false)
    await frozen.release(signOut)
    expect(await pool.statuses()).toEqual([{ label: one.label, inFlight: 1 }])
    expect(lines).toEqual([])
    await newer.release(succeeded)
  })

  it('a store that is away for a renewal does not end the lease', async () => {
    const { store } = create()
    const extendLease = vi
      .fn<Store['extendLease']>()
      .mockRejectedValueOnce(new Error('away'))
      .mockResolvedValue(true)
    const { pool } = create({ store: { ...store, extendLease } })
    const lease = await pool.lease(request)
    await pass(20_000)
    expect(extendLease).toHaveBeenCalledTimes(2)
    expect(lease.lost.aborted).toBe(false)
    await lease.release(succeeded)
  })

  it('a lease that ends while it is renewed is not lost', async () => {
    const { store } = create()
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const { pool } = create({ store: { ...store, extendLease: () => promise } })
    const lease = await pool.lease(request)
    await pass(10_000)
    await lease.release(succeeded)
    resolve(false)
    await settle()
    expect(lease.lost.aborted).toBe(false)
  })

  it('runs one timer for all leases and none without any', async () => {
    const { pool, store } = create()
    const leases = await Promise.all(Array.from({ length: 50 }, () => pool.lease(request)))
    expect(vi.getTimerCount()).toBe(1)
    for (const lease of leases) await lease.release(succeeded)
    await hasCounted(store)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the line', () => {
  it('serves in order of arrival, each as soon as an account is free', async () => {
    const { pool } = create({ accountMaxConcurrency: 1 })
    const order: number[] = []
    let current = await pool.lease(request)
    const served: Promise<Lease>[] = []
    for (let index = 0; index < 5; index += 1) {
      const waiting = pool.lease(request)
      served.push(waiting)
      void waiting.then(() => order.push(index))
      await settle()
    }
    for (const waiting of served) {
      await current.release(succeeded)
      current = await waiting
      expect(await pool.statuses()).toEqual([{ label: one.label, inFlight: 1 }])
    }
    await current.release(succeeded)
    expect(order).toEqual([0, 1, 2, 3, 4])
  })

  it('A1: 50 requests at once on one account with a cap of 1 are never two at once', async () => {
    const { pool } = create({ accountMaxConcurrency: 1 })
    let inFlight = 0
    let most = 0
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const lease = await pool.lease(request)
        inFlight += 1
        most = Math.max(most, inFlight)
        await Promise.resolve()
        inFlight -= 1
        await lease.release(succeeded)
      }),
    )
    expect(most).toBe(1)
    expect(await pool.statuses()).toEqual([{ label: one.label, inFlight: 0 }])
  })

  it('turns away whoever finds it full', async () => {
    const { pool } = create({ accountMaxConcurrency: 1, queueMax: 1 })
    const lease = await pool.lease(request)
    const waiting = pool.lease(request)
    await settle()
    await expect(pool.lease(request)).rejects.toMatchObject({ code: 'queue_full' })
    await lease.release(succeeded)
    await (await waiting).release(succeeded)
  })

  it('with QUEUE_MAX=0 nobody waits', async () => {
    const { pool } = create({ accountMaxConcurrency: 1, queueMax: 0 })
    const lease = await pool.lease(request)
    await expect(pool.lease(request)).rejects.toMatchObject({ code: 'queue_full' })
    await lease.release(succeeded)
  })

  it('gives up after the waiting time', async () => {
    const { pool } = create({ accountMaxConcurrency: 1 })
    const lease = await pool.lease(request)
    const waiting = expect(pool.lease(request)).rejects.toMatchObject({ code: 'queue_timeout' })
    await settle()
    await pass(15_000)
    await waiting
    await lease.release(succeeded)
  })

  it('C2: an abort leaves it at once and the next moves up', async () => {
    const { pool } = create({ accountMaxConcurrency: 1, queueMax: 2 })
    const lease = await pool.lease(request)
    const client = new AbortController()
    const gone = expect(pool.lease({ ...request, signal: client.signal })).rejects.toBe('client left')
    await settle()
    const next = pool.lease(request)
    await settle()
    client.abort('client left')
    await gone
    await lease.release(succeeded)
    await (await next).release(succeeded)
    expect(await pool.statuses()).toEqual([{ label: one.label, inFlight: 0 }])
  })

  it('C2: a lease that comes for one who left while it was asked for is given back', async () => {
    const { store } = create()
    const { promise, resolve } = Promise.withResolvers<void>()
    const { pool } = create({ store: { ...store, lease: (input) => promise.then(() => store.lease(input)) } })
    const client = new AbortController()
    const gone = expect(pool.lease({ ...request, signal: client.signal })).rejects.toBe('client left')
    client.abort('client left')
    resolve()
    await gone
    await settle()
    expect(await pool.statuses()).toEqual([{ label: one.label, inFlight: 0 }])
  })

  it('an abort before asking takes nothing', async () => {
    const { pool } = create()
    await expect(pool.lease({ ...request, signal: AbortSignal.abort('gone') })).rejects.toBe('gone')
    expect(await pool.statuses()).toEqual([{ label: one.label, inFlight: 0 }])
  })

  it('one who can take only a busy account does not hold up those behind', async () => {
    const { pool } = create({ accounts: [one, two], accountMaxConcurrency: 1 })
    const onOne = await pool.lease({ ...request, exclude: new Set([two.key]) })
    const onTwo = await pool.lease(request)
    const choosy = pool.lease({ ...request, exclude: new Set([two.key]) })
    await settle()
    const any = pool.lease(request)
    await settle()
    await onTwo.release(succeeded)
    expect((await any).account).toBe(two)
    await onOne.release(succeeded)
    expect((await choosy).account).toBe(one)
    await (await any).release(succeeded)
    await (await choosy).release(succeeded)
  })

  it('those who wait are told when the account they wait for cools or is signed out', async () => {
    const { pool } = create({ accountMaxConcurrency: 1 })
    const lease = await pool.lease(request)
    const waiting = expect(pool.lease(request)).rejects.toMatchObject({ code: 'all_accounts_cooling' })
    await settle()
    await lease.release(cool({}))
    await waiting
  })

  it('finds an account whose cool-down ends while it waits for another', async () => {
    const { pool } = create({ accounts: [one, two], accountMaxConcurrency: 1 })
    await (await pool.lease({ ...request, exclude: new Set([two.key]) })).release(
      cool({ retryAfterMs: 5000 }),
    )
    const busy = await pool.lease(request)
    const waiting = pool.lease(request)
    await settle()
    await pass(5000)
    expect((await waiting).account).toBe(one)
    await busy.release(succeeded)
    await (await waiting).release(succeeded)
  })

  it('H1: closing sends everyone away and lets the leases end', async () => {
    const { pool, store } = create({ accountMaxConcurrency: 1 })
    const lease = await pool.lease(request)
    const waiting = expect(pool.lease(request)).rejects.toMatchObject({ code: 'shutting_down' })
    await settle()
    await pool.close()
    await waiting
    await expect(pool.lease(request)).rejects.toMatchObject({ code: 'shutting_down' })
    await lease.release(succeeded)
    expect((await store.accountStates([one.key])).get(one.key)).toEqual({ inFlight: 0 })
  })
})

describe('any order of operations', () => {
  const operation = fc.oneof(
    fc.record({ type: fc.constant('lease' as const), exclude: fc.constantFrom(undefined, one.key, two.key) }),
    fc.record({ type: fc.constant('abort' as const), pick: fc.nat(20) }),
    fc.record({
      type: fc.constant('release' as const),
      pick: fc.nat(20),
      outcome: fc.constantFrom(abandoned, succeeded, cool({}), signOut),
    }),
    fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
    fc.record({ type: fc.constant('clear' as const), key: fc.constantFrom(one.key, two.key) }),
  )

  it('is never over the cap and all free at the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
        const { pool, store } = create({ accounts: [one, two], accountMaxConcurrency: 2, queueMax: 5 })
        const clients: AbortController[] = []
        const asked: Promise<unknown>[] = []
        const leases = new Set<Lease>()
        const everything = new Set<Lease>()
        for (const step of operations) {
          if (step.type === 'lease') {
            const client = new AbortController()
            clients.push(client)
            const exclude = new Set(step.exclude ? [step.exclude] : [])
            const keep = (lease: Lease) => {
              leases.add(lease)
              everything.add(lease)
            }
            asked.push(pool.lease({ ...request, exclude, signal: client.signal }).then(keep, () => undefined))
          }
          if (step.type === 'abort') clients[step.pick % Math.max(clients.length, 1)]?.abort('gone')
          if (step.type === 'release') {
            const lease = [...leases][step.pick % Math.max(leases.size, 1)]
            if (lease) leases.delete(lease)
            await lease?.release(step.outcome)
          }
          if (step.type === 'pass') for (let ms = step.ms; ms > 0; ms -= 5000) await pass(Math.min(ms, 5000))
          if (step.type === 'clear') await store.clearHold(step.key)
          await settle()
          const statuses = await pool.statuses()
          for (const { inFlight } of statuses) expect(inFlight).toBeLessThanOrEqual(2)
          expect(statuses.reduce((sum, { inFlight }) => sum + inFlight, 0)).toBe(leases.size)
        }
        for (const client of clients) client.abort('gone')
        await Promise.all(asked)
        for (const lease of everything) await lease.release(abandoned)
        for (const { inFlight } of await pool.statuses()) expect(inFlight).toBe(0)
        await hasCounted(store)
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: 100 },
    )
  })
})
