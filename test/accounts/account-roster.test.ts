import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import { type AccountRoster, createAccountRoster } from '../../src/accounts/account-roster.ts'
import { type Account, createAccount, createApiKeyAccount } from '../../src/core/account.ts'
import { createLogger } from '../../src/core/logger.ts'
import { createEmbeddedStore } from '../../src/store/embedded-store.ts'
import type { Store } from '../../src/store/store.ts'

const alice = createAccount('session_id=canary-alice')
const bob = createAccount('session_id=canary-bob')
const carol = createAccount('session_id=canary-carol; c1=1', 'http://u:canary-proxy@p:1')
const key = createApiKeyAccount('canary-key')
const nowMs = Date.UTC(2026, 10, 23)
const clock = { now: () => nowMs }
const stateKey = createSecretKey(randomBytes(32))

const gone: string[] = []
const onGone = (key: string) => void gone.push(key)

let folder: string
let lines: string[]
const open: { close(): unknown }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'roster-'))
  lines = []
})
afterEach(async () => {
  await closeAll()
  rmSync(folder, { recursive: true })
  expect(lines.join('')).not.toContain('canary')
})

/** A roster on a store that tells which records are asked for, and in which another replica changes some. */
async function startWatched() {
  const { store } = await start()
  const asked: (readonly string[] | undefined)[] = []
  const listeners: Parameters<Store['onForeignRecords']>[0][] = []
  const watched: Store = {
    ...store,
    records(kind, ids) {
      if (kind === 'account') asked.push(ids)
      return store.records(kind, ids)
    },
    onForeignRecords(listener) {
      listeners.push(listener)
      return () => {}
    },
  }
  const logger = createLogger({ level: 'info', format: 'json', destination: { write() {} } })
  const roster = createAccountRoster({ accounts: [], store: watched, stateKeys: [], onGone, clock, logger })
  open.push(roster)
  await roster.open()
  const tell = (ids: readonly string[]) => {
    for (const listener of listeners) listener('account', ids)
  }
  return { roster, store, asked, tell }
}

const recordOf = (account: Account) =>
  JSON.stringify({ secret: { kind: 'cookie', value: account.kind === 'cookie' ? account.cookie : '' } })

describe('FINDINGS P9: of many accounts', () => {
  it('only those are read that have changed, here or elsewhere', async () => {
    const { roster, store, asked, tell } = await startWatched()
    await roster.add([{ account: alice }, { account: bob }])
    const [first, second] = roster.entries()
    await roster.change(bob.label, { note: 'his' })
    expect(roster.entries()[0]).toBe(first)
    expect(roster.entries()[1]).not.toBe(second)
    await store.saveRecord('account', 'theirs', recordOf(carol))
    tell(['theirs'])
    await expect.poll(() => roster.entries().length).toBe(3)
    gone.length = 0
    await store.removeRecord('account', 'theirs')
    tell(['theirs'])
    await expect.poll(() => gone).toEqual([carol.key])
    await roster.remove(alice.label)
    expect(secretsOf(roster)).toEqual([bob.cookie])
    // All of them once, at the start.
    expect(asked.map((ids) => ids?.length)).toEqual([undefined, 2, 1, 1, 1, 1])
  })

  it('one that two replicas added at once is the one that the store has first, on both', async () => {
    const { roster, store, tell } = await startWatched()
    await store.saveRecord('account', 'first', recordOf(alice))
    // It has not been told of the first yet.
    await roster.add([{ account: alice, note: 'second' }])
    tell(['first'])
    await expect.poll(() => roster.entries().map(({ recordId }) => recordId)).toEqual(['first'])
  })
})

async function closeAll(): Promise<void> {
  for (const each of open.splice(0).reverse()) await each.close()
}

interface Started {
  readonly roster: AccountRoster
  readonly store: Store
}

/** One life of a service over the same state file. */
async function start(
  accounts: readonly Account[] = [],
  stateKeys: readonly KeyObject[] = [],
): Promise<Started> {
  await closeAll()
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger({ level: 'info', format: 'json', destination })
  const chooseAccount = createChooseAccount(Math.random)
  const store = createEmbeddedStore({ dataDir: folder, clock, chooseAccount, logger })
  const roster = createAccountRoster({ accounts, store, stateKeys, onGone, clock, logger })
  open.push(store, roster)
  await roster.open()
  return { roster, store }
}

const secretsOf = (roster: AccountRoster) =>
  roster.entries().map(({ account }) => (account.kind === 'cookie' ? account.cookie : account.apiKey))

const fileText = () =>
  ['', '-wal'].map((suffix) => readFileSync(join(folder, `state.db${suffix}`), 'latin1')).join('')

describe('adding', () => {
  it('makes one pool with the accounts of the settings, over a restart', async () => {
    const first = await start([alice])
    const added = await first.roster.add([{ account: carol, note: 'hers', paused: true }, { account: key }])
    expect(added.map(({ isNew }) => isNew)).toEqual([true, true])
    const { roster } = await start([alice])
    expect(roster.entries()).toEqual([
      expect.objectContaining({
        account: carol,
        note: 'hers',
        paused: true,
        source: 'added',
        addedMs: nowMs,
      }),
      expect.objectContaining({ account: key, note: undefined, paused: false, source: 'added' }),
      expect.objectContaining({ account: alice, source: 'settings', addedMs: undefined }),
    ])
  })

  it('G8: finds what is there already, in the settings, in the pool, and within what is added', async () => {
    const { roster } = await start([alice])
    await roster.add([{ account: key }])
    const again = createAccount('c2=2; session_id=canary-alice')
    const added = await roster.add([{ account: again }, { account: bob }, { account: bob }, { account: key }])
    expect(added.map(({ isNew, entry }) => [isNew, entry.account.label])).toEqual([
      [false, alice.label],
      [true, bob.label],
      [false, bob.label],
      [false, key.label],
    ])
    expect(roster.entries().length).toBe(3)
  })

  it('two that add one account at once add it once', async () => {
    const { roster } = await start()
    const both = await Promise.all([roster.add([{ account: bob }]), roster.add([{ account: bob }])])
    expect(both.flat().map(({ isNew }) => isNew)).toEqual([true, false])
  })

  it('begins without the hold that the account had before', async () => {
    const { roster, store } = await start()
    await store.setHold(bob.key, { type: 'signed-out', sinceMs: nowMs })
    await roster.add([{ account: bob }])
    expect((await store.accountStates([bob.key])).get(bob.key)?.hold).toBeUndefined()
  })

  it('an account that cannot be kept is not there', async () => {
    const { roster, store } = await start([alice])
    await store.close()
    await expect(roster.add([{ account: bob }])).rejects.toMatchObject({ code: 'dependency_unavailable' })
    expect(secretsOf(roster)).toEqual([alice.cookie])
  })

  it('has a bound', async () => {
    const { roster } = await start()
    const many = Array.from({ length: 10_001 }, () => ({ account: bob }))
    await expect(roster.add(many)).rejects.toMatchObject({ code: 'invalid_value' })
    expect(roster.entries()).toEqual([])
  })
})

describe('changing', () => {
  it('A11: replaces the secret and keeps label, proxy and pause; the new one has no hold', async () => {
    const { roster, store } = await start()
    await roster.add([{ account: carol, note: 'hers' }])
    await store.setHold(carol.key, { type: 'signed-out', sinceMs: nowMs })
    const entry = await roster.change(carol.label, { account: bob })
    expect(entry).toMatchObject({ note: 'hers', paused: false, source: 'added' })
    expect(entry.account).toEqual(createAccount(bob.cookie, carol.proxyUrl))
    expect([...(await store.accountStates([carol.key, bob.key])).values()]).toEqual([
      { inFlight: 0 },
      { inFlight: 0 },
    ])
    expect(() => roster.find(carol.label)).toThrow('There is no such account.')
    expect(roster.byKey(carol.key)).toBe(entry.account)
    expect(secretsOf((await start()).roster)).toEqual([bob.cookie])
  })

  it('A11: replaces an account of the settings for good, also when the settings follow', async () => {
    const { roster } = await start([alice])
    await roster.change(alice.label, { account: bob, note: 'his' })
    for (const settings of [[alice], [bob], [alice, bob], []]) {
      const after = await start(settings)
      expect(secretsOf(after.roster)).toEqual([bob.cookie])
      expect(after.roster.entries()[0]?.note).toBe('his')
    }
  })

  it('takes what other cookies stand around the same session', async () => {
    const { roster } = await start([alice])
    const fuller = createAccount('session_id=canary-alice; c1=1')
    expect((await roster.change(alice.label, { account: fuller })).account).toEqual(fuller)
  })

  it('refuses to make two of one', async () => {
    const { roster } = await start([alice, bob])
    await expect(roster.change(alice.label, { account: bob })).rejects.toMatchObject({
      code: 'invalid_value',
      message: `This is the account ${bob.label} already.`,
    })
  })

  it('label, proxy and pause of an account of the settings outlive a restart and end with null', async () => {
    const proxied = createAccount(alice.cookie, 'http://p:1')
    const { roster } = await start([proxied])
    await roster.change(alice.label, { note: 'hers', paused: true })
    expect((await start([proxied])).roster.entries()).toEqual([
      expect.objectContaining({ account: proxied, note: 'hers', paused: true, source: 'settings' }),
    ])
    const later = await start([proxied])
    await later.roster.change(alice.label, { note: null, paused: false, proxyUrl: null })
    const [entry] = (await start([proxied])).roster.entries()
    expect(entry).toMatchObject({ note: undefined, paused: false })
    expect(entry?.account.proxyUrl).toBeUndefined()
  })

  it('an account that left the settings is gone, whatever was changed of it', async () => {
    const { roster } = await start([alice])
    await roster.change(alice.label, { note: 'hers' })
    expect((await start([])).roster.entries()).toEqual([])
    expect((await start([alice])).roster.entries()[0]?.note).toBe('hers')
  })

  it('tells those who listen', async () => {
    const { roster } = await start([alice])
    gone.length = 0
    let calls = 0
    const unsubscribe = roster.onChange(() => {
      calls += 1
    })
    await roster.change(alice.label, { paused: true })
    expect(calls).toBe(1)
    expect(gone).toEqual([])
    unsubscribe()
    await roster.remove(alice.label)
    expect(calls).toBe(1)
    expect(gone).toEqual([alice.key])
  })
})

describe('removing', () => {
  it('an added account is gone, and nothing of it stays in the store', async () => {
    const { roster, store } = await start([alice])
    await roster.add([{ account: bob }])
    await roster.remove(bob.label)
    expect(secretsOf(roster)).toEqual([alice.cookie])
    expect((await store.records('account')).size).toBe(0)
    await expect(roster.remove(bob.label)).rejects.toMatchObject({ code: 'not_found', status: 404 })
  })

  it('an account of the settings comes back only by being added', async () => {
    await (await start([alice, bob])).roster.remove(alice.label)
    const { roster } = await start([alice, bob])
    expect(secretsOf(roster)).toEqual([bob.cookie])
    await roster.add([{ account: alice }])
    expect(secretsOf((await start([alice, bob])).roster)).toEqual([alice.cookie, bob.cookie])
  })

  it('neither the replaced nor the new secret comes back', async () => {
    const { roster } = await start([alice, bob])
    await roster.remove(bob.label)
    await roster.change(alice.label, { account: bob })
    await roster.remove(bob.label)
    expect((await start([alice, bob])).roster.entries()).toEqual([])
  })

  it('an account that was added and later put into the settings too is gone from both', async () => {
    await (await start()).roster.add([{ account: bob, note: 'his' }])
    const { roster } = await start([bob])
    expect(roster.entries()).toEqual([expect.objectContaining({ note: 'his' })])
    await roster.remove(bob.label)
    expect((await start([bob])).roster.entries()).toEqual([])
  })
})

describe('FINDINGS A12: two labels that are the same by chance', () => {
  const one = createAccount('session_id=120459')
  const two = createAccount('session_id=122867')

  it('name no account, all digits of the key do', async () => {
    const { roster } = await start([one, two])
    expect(one.label).toBe(two.label)
    expect(() => roster.find(one.label)).toThrow(/Several accounts/)
    await expect(roster.remove(one.label)).rejects.toMatchObject({ code: 'invalid_value' })
    await roster.change(`acc_${two.key}`, { note: 'second' })
    await roster.remove(`acc_${one.key}`)
    expect(roster.entries()).toEqual([expect.objectContaining({ note: 'second' })])
    expect(roster.find(two.label).account.key).toBe(two.key)
  })
})

describe('STATE_KEY', () => {
  it('G1: nothing of an account can be read in the file', async () => {
    const { roster } = await start([alice], [stateKey])
    await roster.add([{ account: carol, note: 'canary-note' }, { account: key }])
    await roster.change(alice.label, { account: bob })
    expect(fileText()).not.toContain('canary')
    expect(secretsOf((await start([alice], [stateKey])).roster)).toEqual([
      carol.cookie,
      key.apiKey,
      bob.cookie,
    ])
  })

  it('seals what lies open or under an old key at the next start', async () => {
    const next = createSecretKey(randomBytes(32))
    await (await start()).roster.add([{ account: bob }])
    await start([], [stateKey])
    await start([], [next, stateKey])
    expect(secretsOf((await start([], [next])).roster)).toEqual([bob.cookie])
    expect(lines).toEqual([])
  })

  it('without its key an account is missing, and back with it', async () => {
    await (await start([], [stateKey])).roster.add([{ account: bob }])
    const { roster } = await start([alice])
    expect(secretsOf(roster)).toEqual([alice.cookie])
    expect(lines.join('')).toMatch(/kept accounts cannot be read/)
    expect(secretsOf((await start([], [stateKey])).roster)).toEqual([bob.cookie])
  })
})
