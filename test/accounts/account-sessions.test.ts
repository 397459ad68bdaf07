import { createSecretKey, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AccountSessions,
  createAccountSessions,
  type Identify,
  mergeRecords,
} from '../../src/accounts/account-sessions.ts'
import { createAccount } from '../../src/core/account.ts'
import { UnavailableError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import type { SetCookie } from '../../src/core/site-session.ts'
import { createSeal } from '../../src/store/seal.ts'
import type { RecordKind } from '../../src/store/store.ts'

const alice = createAccount('session_id=alice; theme=dark; c1=1')
const seal = createSeal([createSecretKey(randomBytes(32))])
const nowMs = Date.UTC(2026, 10, 28)
const set = (name: string, value: string, endsMs?: number): SetCookie => ({ name, value, endsMs })

/** What replicas share; each change is told to all but the one that made it. */
function createShared() {
  const records = new Map<string, string>()
  const listeners = new Map<object, (kind: RecordKind) => void>()
  const refuses = { now: false }
  function change(self: object, apply: () => void): Promise<void> {
    if (refuses.now) return Promise.reject(new UnavailableError('dependency_unavailable'))
    apply()
    for (const [each, listener] of listeners) if (each !== self) listener('session')
    return Promise.resolve()
  }
  function replica(identify?: Identify): AccountSessions {
    const self = {}
    return createAccountSessions({
      store: {
        records: async () => new Map(records),
        saveRecord: (_kind, id, text) => change(self, () => records.set(id, text)),
        removeRecord: (_kind, id) => change(self, () => records.delete(id)),
        onForeignRecords(listener) {
          listeners.set(self, listener)
          return () => void listeners.delete(self)
        },
      },
      seal,
      clock: { now: () => nowMs },
      logger: silentLogger,
      identify,
    })
  }
  function tellAll(): void {
    for (const listener of listeners.values()) listener('session')
  }
  return { records, refuses, replica, tellAll }
}

/** What was begun has ended. */
const settled = (sessions: AccountSessions) => sessions.refresh(alice)

describe('FINDINGS A5: what the site renews', () => {
  it('is sent at once, in the places of what was imported, and outlives the process', async () => {
    const { replica, records } = createShared()
    const sessions = replica()
    expect([sessions.cookieOf(alice), sessions.revisionOf(alice)]).toEqual([alice.cookie, 0])
    sessions.renew(alice, [
      set('session_id', 'new', nowMs + 1000),
      set('c1', ''),
      set('c2', '2'),
      set('other', 'x'),
    ])
    expect(sessions.cookieOf(alice)).toBe('session_id=new; theme=dark; c2=2')
    expect(sessions.revisionOf(alice)).toBe(1)
    await settled(sessions)
    expect([...records.values()].join('')).toMatch(/^sealed:/)
    const next = replica()
    await next.open()
    expect(next.cookieOf(alice)).toBe('session_id=new; theme=dark; c2=2')
    expect(next.facts(alice.key)).toEqual({ renewedMs: nowMs, endsMs: nowMs + 1000 })
  })

  it('writes nothing for what it knows, and never loses the session', async () => {
    const { replica, records } = createShared()
    const sessions = replica()
    sessions.renew(alice, [
      set('session_id', 'alice'),
      set('c1', '1'),
      set('session_id', ''),
      set('gslogin', ''),
    ])
    await settled(sessions)
    expect([sessions.cookieOf(alice), records.size]).toEqual([alice.cookie, 0])
  })

  it('tells when a session ends that the site only made longer, and writes so at most once a day', async () => {
    const { replica, records } = createShared()
    const sessions = replica()
    const day = 24 * 60 * 60 * 1000
    sessions.renew(alice, [set('session_id', 'alice', nowMs + 20 * day)])
    await settled(sessions)
    const [before] = records.values()
    expect([sessions.cookieOf(alice), sessions.facts(alice.key)?.endsMs]).toEqual([
      alice.cookie,
      nowMs + 20 * day,
    ])
    sessions.renew(alice, [set('session_id', 'alice', nowMs + 20.5 * day)])
    await settled(sessions)
    expect([...records.values()]).toEqual([before])
  })

  it('is taken over by the other replicas; what both had renewed at once meets', async () => {
    const { replica } = createShared()
    const [one, two] = [replica(), replica()]
    one.renew(alice, [set('session_id', 'new')])
    two.renew(alice, [set('c2', '2')])
    for (let round = 0; round < 3; round += 1) await Promise.all([settled(one), settled(two)])
    expect(one.cookieOf(alice)).toBe('session_id=new; theme=dark; c1=1; c2=2')
    expect(two.cookieOf(alice)).toBe(one.cookieOf(alice))
  })

  it('is stored later when the store refuses it now', async () => {
    const { replica, refuses, records, tellAll } = createShared()
    const sessions = replica()
    refuses.now = true
    sessions.renew(alice, [set('session_id', 'new')])
    await settled(sessions)
    expect([records.size, sessions.cookieOf(alice)]).toEqual([0, 'session_id=new; theme=dark; c1=1'])
    refuses.now = false
    tellAll()
    await settled(sessions)
    expect(records.size).toBe(1)
  })

  it('gives way to what an operator pastes, on every replica, also where those were apart', async () => {
    const { replica } = createShared()
    const [one, two] = [replica(), replica()]
    for (const value of ['a', 'b', 'c']) one.renew(alice, [set('session_id', value)])
    await Promise.all([settled(one), settled(two)])
    const pasting = two.pasted(alice.key)
    one.renew(alice, [set('c2', 'late')])
    await pasting
    for (let round = 0; round < 3; round += 1) await Promise.all([settled(one), settled(two)])
    for (const each of [one, two]) expect(each.cookieOf(alice)).toBe(alice.cookie)
  })

  it('goes with its account, and is not kept for one that is unknown', async () => {
    const { replica, records } = createShared()
    const sessions = replica()
    sessions.renew(alice, [set('session_id', 'new')])
    await settled(sessions)
    await sessions.forget(alice.key)
    expect([records.size, sessions.cookieOf(alice)]).toEqual([0, alice.cookie])
    sessions.retain(() => false)
    sessions.renew(alice, [set('session_id', 'new')])
    await settled(sessions)
    expect([records.size, sessions.cookieOf(alice)]).toEqual([0, alice.cookie])
  })
})

describe('a session that the site began anew', () => {
  it.each([
    ['is one of nobody', { state: 'signed-out', person: undefined }, 'session_id=alice; theme=dark; c1=1'],
    ['is one of somebody else', { state: 'signed-in', person: 'bob' }, 'session_id=alice; theme=dark; c1=1'],
    ['is good', { state: 'signed-in', person: 'alice' }, 'session_id=new; theme=dark; c1=1'],
  ] as const)('%s', async (_name, login, cookie) => {
    const { replica } = createShared()
    const asked: string[] = []
    const sessions = replica(async (account) => {
      asked.push(sessions.cookieOf(account))
      return login
    })
    sessions.learnPerson(alice.key, 'alice')
    sessions.renew(alice, [set('session_id', 'new')])
    expect(asked).toEqual(['session_id=new; theme=dark; c1=1'])
    await settled(sessions)
    expect(sessions.cookieOf(alice)).toBe(cookie)
  })

  it('stands when the site cannot say', async () => {
    const sessions = createShared().replica(() => Promise.reject(new Error('away')))
    sessions.renew(alice, [set('session_id', 'new')])
    await settled(sessions)
    expect(sessions.cookieOf(alice)).toBe('session_id=new; theme=dark; c1=1')
  })
})

describe('records of one session', () => {
  const cookie = fc.record({
    value: fc.constantFrom('a', 'b', 'c'),
    revision: fc.integer({ min: 1, max: 3 }),
  })
  const record = fc.record({
    pastes: fc.integer({ min: 0, max: 1 }),
    person: fc.option(fc.constantFrom('p', 'q'), { nil: undefined }),
    renewedMs: fc.integer({ min: 0, max: 3 }),
    cookies: fc.record({ session_id: cookie, c1: cookie, c2: cookie }, { requiredKeys: [] }),
  })
  // A paste that two replicas count at once empties both alike: the same count with other times is no state of theirs.
  const alike = (records: readonly { pastes: number }[]) =>
    new Set(records.map(({ pastes }) => pastes)).size === 1

  it('come to the same in whatever order they meet', () => {
    fc.assert(
      fc.property(record, record, record, (one, two, three) => {
        const all = [one, two, three]
        const left = mergeRecords(mergeRecords(one, two), three)
        expect(mergeRecords(three, mergeRecords(two, one))).toEqual(left)
        expect(mergeRecords(left, left)).toEqual(left)
        if (alike(all)) expect(mergeRecords(one, mergeRecords(two, three))).toEqual(left)
      }),
    )
  })
})
