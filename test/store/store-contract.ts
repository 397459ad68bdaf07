import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chatBindingMs, countedMs, type LeaseInput, type Store } from '../../src/store/store.ts'

/** A store under test, with the hands on its clock. */
export interface StoreUnderTest {
  readonly store: Store
  nowMs(): number
  advance(ms: number): void | Promise<void>
  /** Closes the store and whatever it needed. */
  close(): Promise<void>
}

const leaseMs = 30_000
const noAccounts: ReadonlySet<string> = new Set()

/** What every store must do, whatever it is made of. */
export function describeStore(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`contract: ${name}`, () => {
    let under: StoreUnderTest
    let store: Store

    beforeEach(async () => {
      under = await create()
      store = under.store
    })
    afterEach(() => under.close())

    const input = (over: Partial<LeaseInput> = {}): LeaseInput => ({
      accounts: ['a'],
      exclude: noAccounts,
      selection: 'least-busy',
      maxConcurrency: 0,
      leaseMs,
      requestId: 'request-1',
      model: 'gpt-4o',
      ...over,
    })

    async function leased(over: Partial<LeaseInput> = {}) {
      const answer = await store.lease(input(over))
      if (answer.type !== 'leased') throw new Error(`expected a lease, got ${answer.type}`)
      return {
        account: answer.account,
        leaseId: answer.leaseId,
        model: over.model ?? 'gpt-4o',
        ...chatOf(answer),
      }
    }
    const chatOf = ({ chatId }: { chatId?: string }) => (chatId === undefined ? {} : { chatId })
    const end = async (
      over: Partial<LeaseInput>,
      lesson: Omit<Parameters<Store['releaseLease']>[0], 'account' | 'leaseId' | 'model'>,
    ) => {
      const { account, leaseId, model } = await leased(over)
      await store.releaseLease({ account, leaseId, model, ...lesson })
    }
    const stateOf = async (account: string) => (await store.accountStates([account])).get(account)

    describe('lease', () => {
      it('answers none without accounts, and without any after exclusion', async () => {
        expect(await store.lease(input({ accounts: [] }))).toEqual({ type: 'none' })
        expect(await store.lease(input({ exclude: new Set(['a']) }))).toEqual({ type: 'none' })
      })

      it('leases the one that is not excluded', async () => {
        expect((await leased({ accounts: ['a', 'b'], exclude: new Set(['a']) })).account).toBe('b')
      })

      it('FINDINGS A3: passes over what is held for this use, and for this use alone', async () => {
        const untilMs = under.nowMs() + 60_000
        const hold = { type: 'cooling', kind: 'quota-spent', untilMs } as const
        const image = { use: 'image', model: undefined } as const
        const { leaseId } = await leased({ ...image, accounts: ['a', 'b'] })
        await store.setHold('a:image', hold)
        expect(leaseId).toBeDefined()
        expect(await store.lease(input(image))).toEqual({ type: 'cooling', untilMs })
        expect((await leased({ ...image, accounts: ['a', 'b'] })).account).toBe('b')
        expect((await store.lease(input({ use: 'video' }))).type).toBe('leased')
        expect((await leased()).account).toBe('a')
        await store.setHold('b', hold)
        expect(await store.lease(input({ ...image, accounts: ['b'] }))).toMatchObject({ type: 'cooling' })
        await under.advance(60_001)
        expect((await store.lease(input(image))).type).toBe('leased')
      })

      it('FINDINGS P8: takes the first of the preferred that is as good as the others', async () => {
        const accounts = ['a', 'b', 'c', 'd']
        const preferred = ['d', 'gone', 'b']
        const next = async (over = {}) => (await leased({ accounts, preferred, ...over })).account
        expect(await next()).toBe('d')
        expect(await next()).toBe('b')
        // None that is busier than the others is preferred to them.
        expect(['a', 'c']).toContain(await next())
        expect(['a', 'c']).toContain(await next())
        expect(await next({ exclude: new Set(['d']) })).toBe('b')
        await store.setHold('d', { type: 'signed-out', sinceMs: under.nowMs() })
        expect(await next()).not.toBe('d')
      })

      it('gives each lease its own id, also to one request twice', async () => {
        expect((await leased()).leaseId).not.toBe((await leased()).leaseId)
      })

      it('is busy at the cap and free again after a release', async () => {
        const first = await leased({ maxConcurrency: 2 })
        await leased({ maxConcurrency: 2 })
        expect(await store.lease(input({ maxConcurrency: 2 }))).toEqual({ type: 'busy' })
        await store.releaseLease(first)
        expect((await store.lease(input({ maxConcurrency: 2 }))).type).toBe('leased')
      })

      it('has no cap at 0', async () => {
        for (let count = 0; count < 50; count += 1) await leased()
        expect(await stateOf('a')).toEqual({ inFlight: 50 })
      })

      it('spreads over the least busy', async () => {
        const chosen = [
          await leased({ accounts: ['a', 'b', 'c'] }),
          await leased({ accounts: ['a', 'b', 'c'] }),
          await leased({ accounts: ['a', 'b', 'c'] }),
        ]
        expect(chosen.map(({ account }) => account).sort()).toEqual(['a', 'b', 'c'])
      })

      it('goes round in round-robin, over an account that is at its cap', async () => {
        const round = { accounts: ['a', 'b', 'c'], selection: 'round-robin', maxConcurrency: 1 } as const
        const turns = []
        await leased({ accounts: ['b'], maxConcurrency: 1 })
        for (let turn = 0; turn < 4; turn += 1) {
          const lease = await leased(round)
          turns.push(lease.account)
          await store.releaseLease(lease)
        }
        expect(turns).toEqual(['a', 'c', 'a', 'c'])
      })

      it('tells the soonest end when all that is left is cooling', async () => {
        const now = under.nowMs()
        await end(
          { accounts: ['a'] },
          { hold: { type: 'cooling', kind: 'quota-spent', untilMs: now + 9000 } },
        )
        await end(
          { accounts: ['b'] },
          { hold: { type: 'cooling', kind: 'rate-limited', untilMs: now + 5000 } },
        )
        await end({ accounts: ['c'] }, { hold: { type: 'signed-out', sinceMs: now } })
        expect(await store.lease(input({ accounts: ['a', 'b', 'c'] }))).toEqual({
          type: 'cooling',
          untilMs: now + 5000,
        })
      })

      it('is busy, not cooling, while a usable account is at its cap', async () => {
        await end(
          { accounts: ['a'] },
          { hold: { type: 'cooling', kind: 'unavailable', untilMs: under.nowMs() + 10 } },
        )
        await leased({ accounts: ['b'] })
        expect(await store.lease(input({ accounts: ['a', 'b'], maxConcurrency: 1 }))).toEqual({
          type: 'busy',
        })
      })

      it('answers none when all are signed out', async () => {
        await end({}, { hold: { type: 'signed-out', sinceMs: under.nowMs() } })
        expect(await store.lease(input())).toEqual({ type: 'none' })
      })
    })

    describe('holds', () => {
      it('A7: passes a cooling account over until its time, to the millisecond, and then uses it', async () => {
        await end({}, { hold: { type: 'cooling', kind: 'rate-limited', untilMs: under.nowMs() + 5000 } })
        await under.advance(4999)
        expect((await store.lease(input())).type).toBe('cooling')
        await under.advance(1)
        expect(await stateOf('a')).toEqual({ inFlight: 0 })
        expect((await store.lease(input())).type).toBe('leased')
      })

      it('A9: looking at the states changes nothing', async () => {
        const hold = { type: 'cooling', kind: 'quota-spent', untilMs: under.nowMs() + 5000 } as const
        await end({}, { hold })
        for (let look = 0; look < 100; look += 1) expect(await stateOf('a')).toEqual({ inFlight: 0, hold })
        expect((await store.lease(input())).type).toBe('cooling')
      })

      it('a cool-down that is found late does not bring back a signed-out account', async () => {
        const early = await leased()
        const signedOut = { type: 'signed-out', sinceMs: under.nowMs() } as const
        await end({}, { hold: signedOut })
        await store.releaseLease({
          ...early,
          hold: { type: 'cooling', kind: 'rate-limited', untilMs: under.nowMs() + 1 },
        })
        expect(await stateOf('a')).toEqual({ inFlight: 0, hold: signedOut })
      })

      it('a shorter cool-down does not cut a longer one', async () => {
        const early = await leased()
        const quota = { type: 'cooling', kind: 'quota-spent', untilMs: under.nowMs() + 86_400_000 } as const
        await end({}, { hold: quota })
        await store.releaseLease({
          ...early,
          hold: { type: 'cooling', kind: 'rate-limited', untilMs: under.nowMs() + 30_000 },
        })
        expect(await stateOf('a')).toEqual({ inFlight: 0, hold: quota })
      })

      it('an answer that was under way does not lift a hold', async () => {
        const early = await leased()
        const hold = { type: 'cooling', kind: 'rate-limited', untilMs: under.nowMs() + 30_000 } as const
        await end({}, { hold })
        await store.releaseLease({ ...early, succeeded: true })
        expect(await stateOf('a')).toEqual({ inFlight: 0, hold })
      })

      it('is usable again once cleared', async () => {
        await end({}, { hold: { type: 'signed-out', sinceMs: under.nowMs() } })
        await store.clearHold('a')
        expect((await store.lease(input())).type).toBe('leased')
      })

      it('counts rate limits in a row, for each account, until an answer is good', async () => {
        expect(await store.countRateLimit('a')).toBe(1)
        expect(await store.countRateLimit('a')).toBe(2)
        expect(await store.countRateLimit('b')).toBe(1)
        await end({}, { succeeded: true })
        expect(await store.countRateLimit('a')).toBe(1)
      })
    })

    describe('a fallback', () => {
      const tiers = { accounts: ['a', 'b'], fallback: ['c'] } as const
      const cooling = (ms: number) => ({
        hold: { type: 'cooling', kind: 'rate-limited', untilMs: under.nowMs() + ms } as const,
      })

      it('is left alone while one of the first can be leased', async () => {
        for (let ask = 0; ask < 10; ask += 1) expect((await leased(tiers)).account).not.toBe('c')
      })

      it('serves when the first are cooling, excluded or at their cap, and not any more once one is back', async () => {
        await end({ accounts: ['a'] }, cooling(5000))
        expect((await leased({ ...tiers, exclude: new Set(['b']) })).account).toBe('c')
        await leased({ accounts: ['b'] })
        expect((await leased({ ...tiers, maxConcurrency: 2, exclude: new Set(['c']) })).account).toBe('b')
        expect((await leased({ ...tiers, maxConcurrency: 2 })).account).toBe('c')
        await under.advance(5000)
        expect((await leased({ ...tiers, maxConcurrency: 2 })).account).toBe('a')
      })

      it('counts with the first for what cannot be leased', async () => {
        await end({ accounts: ['a'] }, cooling(9000))
        await end({ accounts: ['c'] }, cooling(5000))
        const only = { accounts: ['a'], fallback: ['c'] }
        expect(await store.lease(input(only))).toEqual({ type: 'cooling', untilMs: under.nowMs() + 5000 })
        await leased({ accounts: ['b'] })
        expect(await store.lease(input({ ...only, accounts: ['b'], maxConcurrency: 1 }))).toEqual({
          type: 'busy',
        })
        expect(await store.lease(input({ accounts: [], fallback: [] }))).toEqual({ type: 'none' })
      })
    })

    describe('setHold', () => {
      it('holds without a lease, and does not lift a stricter hold', async () => {
        const signedOut = { type: 'signed-out', sinceMs: under.nowMs() } as const
        await store.setHold('a', signedOut)
        expect(await stateOf('a')).toEqual({ inFlight: 0, hold: signedOut })
        await store.setHold('a', { type: 'cooling', kind: 'unavailable', untilMs: under.nowMs() + 1000 })
        expect(await stateOf('a')).toEqual({ inFlight: 0, hold: signedOut })
        expect(await store.lease(input())).toEqual({ type: 'none' })
      })

      it('FINDINGS K2: tells why a key is put aside, and does not lease it', async () => {
        const blocked = { type: 'signed-out', sinceMs: under.nowMs(), reason: 'plan-blocked' } as const
        await store.setHold('a', blocked)
        expect(await stateOf('a')).toEqual({ inFlight: 0, hold: blocked })
        expect(await store.lease(input())).toEqual({ type: 'none' })
      })
    })

    describe('records', () => {
      it('are kept by kind and id, replaced and removed', async () => {
        await store.saveRecord('account', 'z', 'one')
        await store.saveRecord('account', 'a', 'two')
        await store.saveRecord('chat-deletion', 'z', 'three')
        await store.saveRecord('account', 'z', "o'ne again \u0000 ü")
        expect([...(await store.records('account'))]).toEqual([
          ['z', "o'ne again \u0000 ü"],
          ['a', 'two'],
        ])
        await store.removeRecord('account', 'z')
        await store.removeRecord('account', 'never there')
        expect([...(await store.records('account')).keys()]).toEqual(['a'])
        expect([...(await store.records('chat-deletion'))]).toEqual([['z', 'three']])
      })

      it('are added once: who comes later finds the first', async () => {
        const added = await Promise.all(['one', 'two'].map((text) => store.addRecord('secret', 'key', text)))
        expect(added.toSorted()).toEqual([false, true])
        const [text] = (await store.records('secret')).values()
        expect(await store.addRecord('secret', 'key', 'three')).toBe(false)
        expect([...(await store.records('secret'))]).toEqual([['key', text]])
        await store.saveRecord('secret', 'key', 'four')
        expect([...(await store.records('secret'))]).toEqual([['key', 'four']])
        await store.removeRecord('secret', 'key')
        expect(await store.addRecord('secret', 'key', 'five')).toBe(true)
      })

      it('tells of no change of its own', async () => {
        let calls = 0
        const unsubscribe = store.onForeignRecords(() => {
          calls += 1
        })
        await store.saveRecord('account', 'a', 'text')
        unsubscribe()
        expect(calls).toBe(0)
      })
    })

    describe('kept texts', () => {
      const keep = (id: string, over: { owner?: string; text?: string; lifeMs?: number } = {}) =>
        store.saveDocument('response', { id, owner: 'alice', text: `text of ${id}`, lifeMs: 1000, ...over })
      const idsOf = async (owner: string, limit = 100) =>
        (await store.listDocuments('response', owner, limit)).map(({ id }) => id)

      it('are found by kind and id, with their owner, whatever is in them', async () => {
        await keep('z', { text: "o'ne \u0000 ü" })
        await store.saveDocument('video-job', { id: 'z', owner: 'bob', text: '', lifeMs: 1000 })
        expect(await store.findDocument('response', 'z')).toEqual({
          id: 'z',
          owner: 'alice',
          text: "o'ne \u0000 ü",
        })
        expect(await store.findDocument('video-job', 'z')).toEqual({ id: 'z', owner: 'bob', text: '' })
        expect(await store.findDocument('response', 'y')).toBeUndefined()
      })

      it('are listed by owner, newest first, no more than asked for', async () => {
        for (const id of ['c', 'a', 'b']) await keep(id)
        await keep('other', { owner: 'bob' })
        expect(await idsOf('alice')).toEqual(['b', 'a', 'c'])
        expect(await idsOf('alice', 2)).toEqual(['b', 'a'])
        expect(await idsOf('bob')).toEqual(['other'])
        expect(await idsOf('carol')).toEqual([])
      })

      it('end with their life, to the millisecond', async () => {
        await keep('short')
        await keep('long', { lifeMs: 2000 })
        await under.advance(999)
        expect(await idsOf('alice')).toEqual(['long', 'short'])
        await under.advance(1)
        expect(await store.findDocument('response', 'short')).toBeUndefined()
        expect(await idsOf('alice')).toEqual(['long'])
        expect(await store.replaceDocument('response', 'short', 'late')).toBe(false)
        expect(await store.removeDocument('response', 'short')).toBe(false)
        expect(await store.findDocument('response', 'short')).toBeUndefined()
      })

      it('are new when they are kept again: text, owner, age and life', async () => {
        await keep('a')
        await keep('b')
        await under.advance(900)
        await keep('a', { owner: 'bob', text: 'new' })
        await keep('b')
        await under.advance(900)
        expect(await store.findDocument('response', 'a')).toEqual({ id: 'a', owner: 'bob', text: 'new' })
        await keep('a')
        expect(await idsOf('alice')).toEqual(['a', 'b'])
        expect(await idsOf('bob')).toEqual([])
      })

      it('stay what they are, but for the text, when that is replaced', async () => {
        await keep('a')
        await keep('b')
        await under.advance(500)
        expect(await store.replaceDocument('response', 'a', 'new')).toBe(true)
        expect(await store.replaceDocument('response', 'never there', 'new')).toBe(false)
        expect(await store.replaceDocument('video-job', 'a', 'new')).toBe(false)
        expect(await store.listDocuments('response', 'alice', 2)).toEqual([
          { id: 'b', owner: 'alice', text: 'text of b' },
          { id: 'a', owner: 'alice', text: 'new' },
        ])
        expect(await store.findDocument('response', 'never there')).toBeUndefined()
        await under.advance(500)
        expect(await store.findDocument('response', 'a')).toBeUndefined()
      })

      it('are dropped once', async () => {
        await keep('a')
        await keep('b')
        expect(await store.removeDocument('video-job', 'a')).toBe(false)
        expect(await store.removeDocument('response', 'a')).toBe(true)
        expect(await store.removeDocument('response', 'a')).toBe(false)
        expect(await idsOf('alice')).toEqual(['b'])
      })
    })

    describe('the life of a lease', () => {
      it('A4: lapses after leaseMs and frees its place', async () => {
        await leased({ maxConcurrency: 1 })
        await under.advance(leaseMs - 1)
        expect(await store.lease(input({ maxConcurrency: 1 }))).toEqual({ type: 'busy' })
        await under.advance(1)
        expect(await stateOf('a')).toEqual({ inFlight: 0 })
        expect((await store.lease(input({ maxConcurrency: 1 }))).type).toBe('leased')
      })

      it('lives on while it is extended', async () => {
        const lease = await leased()
        for (let renewal = 0; renewal < 10; renewal += 1) {
          await under.advance(leaseMs - 1)
          expect(await store.extendLease({ ...lease, leaseMs })).toBe(true)
        }
        expect(await stateOf('a')).toEqual({ inFlight: 1 })
      })

      it('cannot be extended once lapsed or released', async () => {
        const lapsed = await leased()
        await under.advance(leaseMs)
        expect(await store.extendLease({ ...lapsed, leaseMs })).toBe(false)
        const released = await leased()
        await store.releaseLease(released)
        expect(await store.extendLease({ ...released, leaseMs })).toBe(false)
        expect(await stateOf('a')).toEqual({ inFlight: 0 })
      })

      it('A2: the late release of a lapsed lease writes nothing over the newer holder', async () => {
        const frozen = await leased({ maxConcurrency: 1 })
        await under.advance(leaseMs)
        const newer = await leased({ maxConcurrency: 1 })
        await store.releaseLease({
          ...frozen,
          chatId: 'chat-of-the-frozen',
          hold: { type: 'signed-out', sinceMs: under.nowMs() },
          succeeded: true,
        })
        expect(await stateOf('a')).toEqual({ inFlight: 1 })
        await store.releaseLease({ ...newer, chatId: 'chat-of-the-newer', succeeded: true })
        expect((await leased()).chatId).toBe('chat-of-the-newer')
      })

      it('a second release counts for nothing', async () => {
        const lease = await leased()
        await leased()
        await store.releaseLease(lease)
        await store.releaseLease({ ...lease, hold: { type: 'signed-out', sinceMs: under.nowMs() } })
        expect(await stateOf('a')).toEqual({ inFlight: 1 })
      })
    })

    describe('chat bindings', () => {
      it('come with the lease of the same account and model only', async () => {
        await end({}, { chatId: 'chat-1', succeeded: true })
        expect((await leased()).chatId).toBe('chat-1')
        expect((await leased({ model: 'claude' })).chatId).toBeUndefined()
        expect((await leased({ accounts: ['b'] })).chatId).toBeUndefined()
      })

      it('are not read for a lease that names no model', async () => {
        await end({}, { chatId: 'chat-1' })
        expect(await store.lease(input({ model: undefined }))).not.toHaveProperty('chatId')
        expect((await leased()).chatId).toBe('chat-1')
      })

      it('stay when a release says nothing of them, follow a new chat, go with null', async () => {
        await end({}, { chatId: 'chat-1' })
        await end({}, {})
        expect((await leased()).chatId).toBe('chat-1')
        await end({}, { chatId: 'chat-2' })
        expect((await leased()).chatId).toBe('chat-2')
        await end({}, { chatId: null })
        expect((await leased()).chatId).toBeUndefined()
      })

      it('all go with their account, and no other', async () => {
        await end({}, { chatId: 'chat-1' })
        await end({ model: 'claude' }, { chatId: 'chat-2' })
        await end({ accounts: ['b'] }, { chatId: 'chat-3' })
        await store.dropBindings('a')
        expect((await leased()).chatId).toBeUndefined()
        expect((await leased({ model: 'claude' })).chatId).toBeUndefined()
        expect((await leased({ accounts: ['b'] })).chatId).toBe('chat-3')
      })

      it('end 30 days after their last use', async () => {
        await end({}, { chatId: 'chat-1' })
        await under.advance(chatBindingMs - 1000)
        await end({}, { chatId: 'chat-1' })
        await under.advance(chatBindingMs - 1000)
        expect((await leased()).chatId).toBe('chat-1')
        await under.advance(1000)
        expect((await leased()).chatId).toBeUndefined()
      })

      it('keep models and chats with any characters apart', async () => {
        const odd = ["o'hara; DROP TABLE chat_binding", 'a b', 'a', 'ключ:1', '']
        for (const [index, model] of odd.entries()) await end({ model }, { chatId: `chat ${index}` })
        for (const [index, model] of odd.entries())
          expect((await leased({ model })).chatId).toBe(`chat ${index}`)
      })
    })

    describe('counts', () => {
      const hour = 60 * 60 * 1000
      const alice = { outcome: 'succeeded', caller: 'alice' } as const
      const none = { succeeded: 0, failed: 0, abandoned: 0 }
      const read = (sinceMs = under.nowMs() - 24 * hour, untilMs = under.nowMs() + 1) =>
        store.counts(sinceMs, untilMs)

      it('are by hour, account, model and caller, in this order', async () => {
        const first = Math.floor(under.nowMs() / hour) * hour
        await end({ accounts: ['b'] }, { counted: alice })
        await end({}, { counted: alice })
        await end({}, { counted: alice, succeeded: true, chatId: 'chat' })
        await end({}, { counted: { outcome: 'failed', caller: 'alice' }, chatId: null })
        await end({}, { counted: { outcome: 'abandoned', caller: 'bob' } })
        await end({ model: 'claude' }, { counted: { outcome: 'failed' } })
        await under.advance(hour)
        await end({}, { counted: alice })
        expect(await read()).toEqual([
          { hourMs: first, account: 'a', model: 'claude', caller: '', ...none, failed: 1 },
          { hourMs: first, account: 'a', model: 'gpt-4o', caller: 'alice', ...none, succeeded: 2, failed: 1 },
          { hourMs: first, account: 'a', model: 'gpt-4o', caller: 'bob', ...none, abandoned: 1 },
          { hourMs: first, account: 'b', model: 'gpt-4o', caller: 'alice', ...none, succeeded: 1 },
          { hourMs: first + hour, account: 'a', model: 'gpt-4o', caller: 'alice', ...none, succeeded: 1 },
        ])
      })

      it('are of the hours that are asked for', async () => {
        const first = Math.floor(under.nowMs() / hour) * hour
        for (let passed = 0; passed < 3; passed += 1) {
          await end({}, { counted: alice })
          await under.advance(hour)
        }
        const hours = async (sinceMs: number, untilMs: number) =>
          (await read(sinceMs, untilMs)).map(({ hourMs }) => (hourMs - first) / hour)
        expect(await hours(0, under.nowMs())).toEqual([0, 1, 2])
        expect(await hours(first + hour, first + 2 * hour)).toEqual([1])
        expect(await hours(first + 2 * hour - 1, first + 2 * hour + 1)).toEqual([1, 2])
        expect(await hours(under.nowMs() + hour, under.nowMs() + 2 * hour)).toEqual([])
      })

      it('are none of a release that says nothing, comes again or is of a lapsed lease', async () => {
        await end({}, {})
        const twice = { ...(await leased()), counted: alice }
        await store.releaseLease(twice)
        await store.releaseLease(twice)
        const lapsed = await leased()
        await under.advance(leaseMs)
        await store.releaseLease({ ...lapsed, counted: { outcome: 'abandoned', caller: 'late' } })
        expect(await read()).toMatchObject([{ caller: 'alice', succeeded: 1 }])
      })

      it('end 30 days after their hour', async () => {
        const endMs = (Math.floor(under.nowMs() / hour) + 1) * hour + countedMs
        await end({}, { counted: alice })
        await under.advance(endMs - 1 - under.nowMs())
        expect(await read(0)).toMatchObject([{ succeeded: 1 }])
        await under.advance(1)
        await end({ accounts: ['b'] }, { counted: alice })
        expect(await read(0)).toMatchObject([{ account: 'b' }])
      })

      it('keep models with any characters apart, and cut long ones', async () => {
        const odd = ["o'hara; DROP TABLE attempt_count", 'a|b', 'a|b|failed', '|', 'a', 'ключ:1\n2', '']
        for (const model of odd) await end({ model }, { counted: alice })
        await end({ model: 'x'.repeat(100_000) }, { counted: alice })
        const rows = await read()
        expect(rows.map(({ model }) => model).sort()).toEqual([...odd, 'x'.repeat(100)].sort())
        for (const row of rows) expect(row).toMatchObject({ account: 'a', caller: 'alice', succeeded: 1 })
      })
    })

    describe('onChange', () => {
      it('calls when a lease ends or a hold is cleared, until unsubscribed', async () => {
        let calls = 0
        const lease = await leased()
        const other = await leased()
        const unsubscribe = store.onChange(() => {
          calls += 1
        })
        await store.releaseLease(lease)
        expect(calls).toBe(1)
        await store.clearHold('a')
        expect(calls).toBe(2)
        unsubscribe()
        await store.releaseLease(other)
        expect(calls).toBe(2)
      })
    })
  })
}
