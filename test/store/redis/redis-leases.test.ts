import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createChooseAccount } from '../../../src/accounts/account-pool.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { createEmbeddedStore } from '../../../src/store/embedded-store.ts'
import { createRunScript } from '../../../src/store/redis/redis-scripts.ts'
import type { RedisStore, RedisStoreOptions } from '../../../src/store/redis/redis-store.ts'
import type { AccountHold, Store } from '../../../src/store/store.ts'
import { type RedisServer, startRedisServer } from '../../support/redis-server.ts'
import { leaseInput, takeLease } from '../lease-input.ts'
import { epochOf, openRedisStore } from './open-redis-store.ts'

let server: RedisServer
const open: Store[] = []

beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())
afterEach(async () => {
  for (const store of open.splice(0)) await store.close()
})

const freshPrefix = () => `${randomUUID()}:`

async function create(options: Partial<RedisStoreOptions> = {}): Promise<RedisStore> {
  const store = await openRedisStore({ redisUrl: server.url, redisPrefix: freshPrefix(), ...options })
  open.push(store)
  return store
}

it('a lease that was given up before its question came does not begin any more', async () => {
  const redisPrefix = freshPrefix()
  const store = await create({ redisPrefix })
  await store.releaseLease(await takeLease(store))
  const root = `${redisPrefix}{state}:`
  const runScript = createRunScript({ client: store.client, root, clock: undefined })
  const [pool = ''] = await store.client.zrange(`${root}pools`, '0', '-1')
  const lease = (leaseId: string) => runScript('lease', String(pool), '', leaseId, 30_000, 'm', 0, 0, '')

  await runScript('abandon-lease', 'late')
  expect(await lease('late')).toEqual(['none'])
  expect(await store.accountStates(['a'])).toEqual(new Map([['a', { inFlight: 0 }]]))
  expect(await lease('other')).toEqual(['leased', 'a', null])
})

describe('FINDINGS P9: a long list that changes', () => {
  const many = Array.from({ length: 2000 }, (_, index) => `account-${index}`)
  const changed = [...many.slice(0, 700), ...many.slice(701), 'new']

  async function bytesOf(store: RedisStore, action: () => Promise<unknown>): Promise<number> {
    const sent = async () =>
      Number(/^total_net_input_bytes:(\d+)/m.exec(String(await store.client.call('INFO', 'stats')))?.[1])
    const before = await sent()
    await action()
    return (await sent()) - before
  }

  it.each(['least-busy', 'round-robin'] as const)('is sent as its difference (%s)', async (selection) => {
    const store = await create()
    const terms = { selection, maxConcurrency: 1 }
    const whole = await bytesOf(store, () => takeLease(store, { accounts: many, ...terms }))
    await store.setHold('account-701', { type: 'signed-out', sinceMs: 1 })
    await store.setHold('new', { type: 'signed-out', sinceMs: 1 })
    const difference = await bytesOf(store, () => takeLease(store, { accounts: changed, ...terms }))
    expect(whole).toBeGreaterThan(30_000)
    // Most of it is the text of the script, once.
    expect(difference).toBeLessThan(whole / 2)

    // Every account of the new list once, but for those that are held or in use; none of the old one alone.
    const leased = new Set<string>()
    for (;;) {
      const answer = await store.lease(leaseInput({ accounts: changed, ...terms }))
      if (answer.type !== 'leased') break
      leased.add(answer.account)
    }
    expect(leased.size).toBe(changed.length - 4)
    for (const account of ['account-700', 'account-701', 'new']) expect(leased).not.toContain(account)
    await store.clearHold('new', 'account-701')
    const last = [
      await takeLease(store, { accounts: changed, ...terms }),
      await takeLease(store, { accounts: changed, ...terms }),
    ]
    expect(last.map(({ account }) => account).sort()).toEqual(['account-701', 'new'])
  })

  it('is named alike by replicas that came to it by other ways', async () => {
    const redisPrefix = freshPrefix()
    const [one, two] = [await create({ redisPrefix }), await create({ redisPrefix })]
    const terms = { maxConcurrency: 0, selection: 'random' } as const
    await takeLease(one, { accounts: many, ...terms })
    await takeLease(one, { accounts: changed, ...terms })
    await takeLease(two, { accounts: changed.toReversed(), ...terms })
    expect(await one.client.zcard(`${redisPrefix}{state}:pools`)).toBe(2)
  })

  it('is sent whole where Redis has lost the one before', async () => {
    const store = await create()
    await takeLease(store, { accounts: many })
    await store.client.flushdb()
    const { account } = await takeLease(store, { accounts: changed })
    expect(changed).toContain(account)
  })
})

describe('many replicas', () => {
  it('A1: never have more leases on an account than its cap, whoever asks', async () => {
    const redisPrefix = freshPrefix()
    const replicas = await Promise.all([1, 2, 3].map(() => create({ redisPrefix })))
    const accounts = ['a', 'b']
    const holders = new Map(accounts.map((account) => [account, 0]))
    let served = 0
    const asks = Array.from({ length: 150 }, async (_, index) => {
      const store = replicas[index % 3] as RedisStore
      for (;;) {
        const answer = await store.lease(leaseInput({ accounts, maxConcurrency: 2 }))
        if (answer.type !== 'leased') continue
        const held = (holders.get(answer.account) ?? 0) + 1
        expect(held).toBeLessThanOrEqual(2)
        holders.set(answer.account, held)
        await store.client.ping()
        holders.set(answer.account, (holders.get(answer.account) ?? 0) - 1)
        await store.releaseLease({ ...answer, model: 'm' })
        served += 1
        return
      }
    })
    await Promise.all(asks)
    expect(served).toBe(150)
    expect(await replicas[0]?.accountStates(accounts)).toEqual(
      new Map([
        ['a', { inFlight: 0 }],
        ['b', { inFlight: 0 }],
      ]),
    )
  })

  it('FINDINGS P8: each prefer the accounts of their own open pages, and see what the other has taken', async () => {
    const redisPrefix = freshPrefix()
    const [one, two] = [await create({ redisPrefix }), await create({ redisPrefix })]
    const accounts = ['a', 'b', 'c', 'd']
    const next = async (store: Store, preferred: readonly string[]) =>
      takeLease(store, { accounts, preferred })
    const first = await next(one, ['b', 'c'])
    expect(first.account).toBe('b')
    expect((await next(two, ['d', 'b'])).account).toBe('d')
    // The page of b is open here too, but b is busy there.
    expect((await next(two, ['d', 'b', 'c'])).account).toBe('c')
    await one.releaseLease(first)
    expect((await next(two, ['d', 'b', 'c'])).account).toBe('b')
  })

  it('share holds, bindings and counts', async () => {
    const redisPrefix = freshPrefix()
    const [one, two] = [await create({ redisPrefix }), await create({ redisPrefix })]
    await one.releaseLease({ ...(await takeLease(one)), chatId: 'chat-1', succeeded: true })
    expect((await takeLease(two)).chatId).toBe('chat-1')
    await one.countRateLimit('a')
    expect(await two.countRateLimit('a')).toBe(2)
    const hold = { type: 'signed-out', sinceMs: 5 } as const
    await one.setHold('a', hold)
    expect(await two.lease(leaseInput())).toEqual({ type: 'none' })
    expect((await two.accountStates(['a'])).get('a')?.hold).toEqual(hold)
  })

  it('with other lists, caps and selections count the same leases', async () => {
    const store = await create()
    await takeLease(store, { accounts: ['a', 'b'], exclude: new Set(['b']), selection: 'random' })
    await takeLease(store, {
      accounts: ['c', 'a'],
      exclude: new Set(['c']),
      selection: 'round-robin',
      maxConcurrency: 2,
    })
    expect(await store.lease(leaseInput({ maxConcurrency: 2 }))).toEqual({ type: 'busy' })
    expect((await takeLease(store, { maxConcurrency: 3 })).account).toBe('a')
    expect((await store.accountStates(['a', 'b'])).get('a')).toEqual({ inFlight: 3 })
    const all = { accounts: ['a', 'b'], exclude: new Set(['a', 'b']), selection: 'random' } as const
    expect(await store.lease(leaseInput(all))).toEqual({ type: 'none' })
  })
})

describe('the choice', () => {
  it.each(['least-busy', 'random'] as const)(
    'of %s reaches each of the equals that are not excluded, and no other',
    async (selection) => {
      const accounts = ['a', 'b', 'c', 'd', 'e', 'f']
      const exclude = new Set(['a', 'd', 'never there'])
      let draw = 0
      const store = await create({ random: () => draw })
      const chosen = []
      for (draw of [0, 0.24, 0.25, 0.5, 0.75, 0.999]) {
        const { account, leaseId, model } = await takeLease(store, { accounts, exclude, selection })
        chosen.push(account)
        await store.releaseLease({ account, leaseId, model })
      }
      expect(chosen).toEqual(['b', 'b', 'c', 'e', 'f', 'f'])
    },
  )

  it('of random takes busy ones too, of least-busy the excluded never', async () => {
    let draw = 0
    const store = await create({ random: () => draw })
    const accounts = ['a', 'b', 'c']
    expect((await takeLease(store, { accounts })).account).toBe('a')
    draw = 0.999
    expect((await takeLease(store, { accounts, selection: 'random' })).account).toBe('a')
    expect((await takeLease(store, { accounts, exclude: new Set(['b', 'c']) })).account).toBe('a')
    expect((await takeLease(store, { accounts, exclude: new Set(['c']) })).account).toBe('b')
  })

  it('agrees with the embedded store in whatever happens', async () => {
    const accounts = ['a', 'b', 'c', 'd'] as const
    const account = fc.constantFrom(...accounts)
    const some = fc.subarray([...accounts])
    const list = fc.constantFrom<readonly string[]>(['a', 'b', 'c'], ['c', 'd'], [])
    const hold = fc.oneof(
      fc.record({
        type: fc.constant('cooling' as const),
        kind: fc.constantFrom('rate-limited' as const, 'quota-spent' as const),
        afterMs: fc.integer({ min: -5, max: 60 }),
      }),
      fc.constant({ type: 'signed-out' as const }),
    )
    const step = fc.oneof(
      fc.record({
        do: fc.constant('lease' as const),
        accounts: list,
        fallback: list,
        exclude: some,
        cap: fc.nat(2),
      }),
      fc.record({
        do: fc.constant('release' as const),
        index: fc.nat(9),
        hold: fc.option(hold),
        good: fc.boolean(),
      }),
      fc.record({ do: fc.constant('extend' as const), index: fc.nat(9) }),
      fc.record({ do: fc.constant('hold' as const), account, hold }),
      fc.record({ do: fc.constant('clear' as const), account }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.nat(60) }),
    )
    const holdOf = (
      each: typeof hold extends fc.Arbitrary<infer T> ? T : never,
      nowMs: number,
    ): AccountHold =>
      each.type === 'cooling'
        ? { type: 'cooling', kind: each.kind, untilMs: nowMs + each.afterMs }
        : { type: 'signed-out', sinceMs: nowMs }

    let nowMs = 0
    const clock = { now: () => nowMs }
    const chooseAccount = createChooseAccount(() => 0)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        nowMs = Date.UTC(2026, 10, 23)
        const both = [
          createEmbeddedStore({ dataDir: undefined, clock, chooseAccount, logger: silentLogger }),
          await openRedisStore({
            redisUrl: server.url,
            redisPrefix: freshPrefix(),
            stoppedClock: clock,
            random: () => 0,
          }),
        ]
        const leases: { account: string; leaseIds: (string | undefined)[] }[] = []
        const agreed = async <T>(ask: (store: Store, index: number) => Promise<T>) => {
          const [embedded, redis] = await Promise.all(both.map(ask))
          expect(redis).toEqual(embedded)
          return embedded
        }
        for (const each of steps) {
          switch (each.do) {
            case 'lease': {
              const leaseIds: string[] = []
              const { accounts, fallback, cap } = each
              const over = { accounts, fallback, maxConcurrency: cap, exclude: new Set(each.exclude) }
              const answer = await agreed(async (store, index) => {
                const answer = await store.lease(
                  leaseInput({ ...over, selection: 'round-robin', leaseMs: 50 }),
                )
                if (answer.type !== 'leased') return answer
                leaseIds[index] = answer.leaseId
                return { ...answer, leaseId: '' }
              })
              if (answer?.type === 'leased') leases.push({ account: answer.account, leaseIds })
              break
            }
            case 'release': {
              const [lease] = leases.splice(each.index, 1)
              if (!lease) break
              const lesson = { ...(each.hold && { hold: holdOf(each.hold, nowMs) }), succeeded: each.good }
              await agreed((store, index) =>
                store.releaseLease({
                  account: lease.account,
                  leaseId: String(lease.leaseIds[index]),
                  model: 'm',
                  ...lesson,
                }),
              )
              break
            }
            case 'extend': {
              const lease = leases[each.index]
              if (!lease) break
              const { account, leaseIds } = lease
              await agreed((store, index) =>
                store.extendLease({ account, leaseId: String(leaseIds[index]), leaseMs: 50 }),
              )
              break
            }
            case 'hold':
              await agreed((store) => store.setHold(each.account, holdOf(each.hold, nowMs)))
              break
            case 'clear':
              await agreed((store) => store.clearHold(each.account))
              break
            case 'wait':
              nowMs += each.ms
          }
          await agreed((store) => store.accountStates(accounts))
        }
        for (const store of both) await store.close()
      }),
      { numRuns: 100 },
    )
  })
})

describe('FINDINGS P11: pools', () => {
  const poolsOf = (store: RedisStore, redisPrefix: string) =>
    store.client.zrange(`${redisPrefix}{state}:pools`, '0', '-1')

  it('of lists that are no longer used do not pile up: 80 accounts added one by one leave a few', async () => {
    const redisPrefix = freshPrefix()
    const replicas = await Promise.all([1, 2].map(() => create({ redisPrefix })))
    const accounts: string[] = []
    for (let index = 0; index < 80; index += 1) {
      accounts.push(`account-${index}`)
      for (const replica of replicas) {
        const input = { accounts: [...accounts], fallback: ['key'] }
        await replica.releaseLease(await takeLease(replica, input))
      }
    }
    const [store] = replicas
    const names = store ? await poolsOf(store, redisPrefix) : []
    expect(names.length).toBeLessThanOrEqual(5)
    const keys = await store?.client.keys(`${redisPrefix}{state}:pool:*`)
    expect(keys).toHaveLength(names.length)
  })

  it('go by time, whichever pool is leased from, and come back when they are used again', async () => {
    let nowMs = Date.UTC(2026, 10, 23)
    const redisPrefix = freshPrefix()
    const store = await create({ redisPrefix, stoppedClock: { now: () => nowMs } })
    const [used, unused] = [['a'], ['a', 'b']]
    await takeLease(store, { accounts: unused })
    for (let minute = 0; minute < 11; minute += 1) {
      await takeLease(store, { accounts: used })
      nowMs += 60_000
    }
    await takeLease(store, { accounts: used })
    expect(await poolsOf(store, redisPrefix)).toHaveLength(1)
    expect((await takeLease(store, { accounts: unused })).account).toMatch(/a|b/)
  })
})

describe('a lease', () => {
  it('is one round trip, and its end one more', async () => {
    const store = await create()
    const accounts = ['a', 'b']
    await store.releaseLease(await takeLease(store, { accounts }))
    await store.client.call('config', 'resetstat')
    await store.releaseLease({ ...(await takeLease(store, { accounts })), chatId: 'chat', succeeded: true })
    const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await store.client.info('commandstats'))
    expect(calls?.[1]).toBe('2')
  })

  it('A4: lapses by the clock of Redis', async () => {
    const store = await create()
    const short = await takeLease(store, { leaseMs: 1 })
    await expect.poll(async () => (await store.accountStates(['a'])).get('a')).toEqual({ inFlight: 0 })
    expect(await store.extendLease({ ...short, leaseMs: 1000 })).toBe(false)
  })

  it('goes on when Redis has forgotten the scripts or all that it knew', async () => {
    const store = await create()
    const before = await takeLease(store, { maxConcurrency: 1 })
    await store.client.script('FLUSH')
    expect(await store.lease(leaseInput({ maxConcurrency: 1 }))).toEqual({ type: 'busy' })
    await store.client.flushall()
    expect((await takeLease(store, { maxConcurrency: 1 })).account).toBe('a')
    expect(await store.extendLease({ ...before, leaseMs: 1000 })).toBe(false)
  })

  it('can be chosen among thousands of accounts, which lapse and cool down together', async () => {
    let nowMs = Date.UTC(2026, 10, 23)
    const store = await create({ stoppedClock: { now: () => nowMs } })
    const accounts = Array.from({ length: 3000 }, (_, index) => index.toString(16).padStart(16, '0'))
    for (let count = 0; count < 300; count += 1) await takeLease(store, { accounts, leaseMs: 1000 })
    const hold = { type: 'cooling', kind: 'unavailable', untilMs: nowMs + 1000 } as const
    await Promise.all(accounts.slice(0, 2990).map((account) => store.setHold(account, hold)))
    const others = new Set(accounts.slice(2990))
    expect(await store.lease(leaseInput({ accounts, exclude: others }))).toEqual({
      type: 'cooling',
      untilMs: nowMs + 1000,
    })
    nowMs += 1000
    expect((await store.lease(leaseInput({ accounts, exclude: others }))).type).toBe('leased')
    const states = [...(await store.accountStates(accounts)).values()]
    expect(states.filter(({ inFlight }) => inFlight > 0)).toHaveLength(1)
    expect(states.filter(({ hold }) => hold)).toEqual([])
  })

  it('lets the longest unused chat bindings go when there are too many', async () => {
    let nowMs = Date.UTC(2026, 10, 23)
    const store = await create({ maxBindings: 2, stoppedClock: { now: () => nowMs } })
    for (const model of ['one', 'two', 'one', 'three']) {
      nowMs += 60 * 60 * 1000
      await store.releaseLease({ ...(await takeLease(store, { model })), chatId: `chat of ${model}` })
    }
    expect((await takeLease(store, { model: 'one' })).chatId).toBe('chat of one')
    expect((await takeLease(store, { model: 'two' })).chatId).toBeUndefined()
    expect((await takeLease(store, { model: 'three' })).chatId).toBe('chat of three')
  })
})

describe('what is put back', () => {
  it('B3: leases count again, over the cap too, until they end', async () => {
    const store = await create()
    const held = [await takeLease(store), await takeLease(store), await takeLease(store)]
    await store.client.flushall()
    await store.adoptLeases(held.map((each) => ({ ...each, leaseMs: 30_000 })))
    expect((await store.accountStates(['a'])).get('a')).toEqual({ inFlight: 3 })
    for (const each of held.slice(0, 2)) {
      expect(await store.lease(leaseInput({ maxConcurrency: 2 }))).toEqual({ type: 'busy' })
      await store.releaseLease(each)
    }
    expect((await takeLease(store, { maxConcurrency: 2 })).account).toBe('a')
  })

  it('is not counted twice when Redis knows it, and stays with its holder', async () => {
    let nowMs = Date.UTC(2026, 10, 23)
    const store = await create({ stoppedClock: { now: () => nowMs } })
    const { leaseId } = await takeLease(store)
    nowMs += 20_000
    await store.adoptLeases([{ account: 'a', leaseId, leaseMs: 30_000 }])
    await store.adoptLeases([{ account: 'b', leaseId, leaseMs: 30_000 }])
    nowMs += 20_000
    expect(await store.accountStates(['a', 'b'])).toEqual(
      new Map([
        ['a', { inFlight: 1 }],
        ['b', { inFlight: 0 }],
      ]),
    )
    expect(await store.extendLease({ account: 'b', leaseId, leaseMs: 1 })).toBe(false)
  })

  it('is known by the epoch: one for all replicas until the data is lost', async () => {
    const redisPrefix = freshPrefix()
    const [one, two] = [await create({ redisPrefix }), await create({ redisPrefix })]
    const [first, second] = await Promise.all([epochOf(one), epochOf(two)])
    expect(first).toBe(second)
    await one.client.flushall()
    expect(await epochOf(two)).not.toBe(first)
    expect(await epochOf(one)).toBe(await epochOf(two))
  })
})
