import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createEmbeddedStore } from '../../src/store/embedded-store.ts'
import type { Store } from '../../src/store/store.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { takeLease } from './lease-input.ts'
import { openReplica } from './shared/open-replica.ts'

// What 0.1.0 (commit 6bf88bc) has left behind, by `npm run upgrade-test -- --fixtures`: alice and bob of the settings, carol added;
// bob is cooling, the two others have a chat.
const fixture = (name: string) => join(import.meta.dirname, '../fixtures/0.1.0', name)
const [alice, bob, carol] = ['148bb552b84f3b56', '5e9acaf1cacd5812', '642850bfd94b4b45']
/** Soon after it was made. */
const clock = { now: () => Date.UTC(2026, 10, 29) }
const model = 'gpt-5.4'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'earlier-version-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A copy: SQLite writes beside what it reads. */
function openFixture(): DatabaseSync {
  copyFileSync(fixture('state.db'), join(folder, 'fixture.db'))
  return new DatabaseSync(join(folder, 'fixture.db'))
}

async function expectAllKept(store: Store): Promise<void> {
  const added = [...(await store.records('account')).values()]
  expect(added.map((text) => JSON.parse(text))).toEqual([
    expect.objectContaining({ secret: { kind: 'cookie', value: 'session_id=carol' } }),
  ])
  const states = await store.accountStates([alice, bob, carol])
  expect(states.get(bob)?.hold).toMatchObject({ type: 'cooling', kind: 'quota-spent' })
  for (const account of [alice, carol]) {
    expect(states.get(account)).toEqual({ inFlight: 0 })
    const lease = await takeLease(store, { accounts: [account], model })
    expect(lease.chatId).toMatch(/^[\da-f-]{36}$/)
    await store.releaseLease(lease)
  }
}

function openFile(): Store {
  const chooseAccount = createChooseAccount(Math.random)
  return createEmbeddedStore({ dataDir: folder, clock, chooseAccount, logger: silentLogger })
}

it('H7: keeps accounts, cool-downs and chats of a state.db of 0.1.0, which is copied aside', async () => {
  copyFileSync(fixture('state.db'), join(folder, 'state.db'))
  const store = openFile()
  await expectAllKept(store)
  await store.close()
  const copy = new DatabaseSync(join(folder, 'state.db.before-0.2.0'), { readOnly: true })
  const before = openFixture()
  onTestFinished(() => {
    copy.close()
    before.close()
  })
  for (const table of ['account', 'chat_binding', 'record'])
    expect(copy.prepare(`SELECT * FROM ${table}`).all()).toEqual(
      before.prepare(`SELECT * FROM ${table}`).all(),
    )
})

it('H7: leaves state.db as 0.1.0 can read it: the same schema, the same tables', async () => {
  await openFile().close()
  const before = openFixture()
  const now = new DatabaseSync(join(folder, 'state.db'), { readOnly: true })
  onTestFinished(() => {
    before.close()
    now.close()
  })
  const version = 'PRAGMA user_version'
  expect(now.prepare(version).get()).toEqual(before.prepare(version).get())
  const tables = (database: DatabaseSync) =>
    database.prepare('SELECT name, sql FROM sqlite_master ORDER BY name').all()
  expect(tables(now)).toEqual(expect.arrayContaining(tables(before)))
})

it('H7: keeps accounts, cool-downs and chats of a Redis of 0.1.0', async () => {
  const server = await startRedisServer()
  await fill(server.url)
  const { store, until } = openReplica({ redisUrl: server.url, clock })
  onTestFinished(async () => {
    await store.close()
    await server.stop()
  })
  await until('up')
  await expectAllKept(store)
})

interface Key {
  readonly type: 'hash' | 'zset' | 'set' | 'list' | 'string'
  readonly value: string | readonly string[] | Readonly<Record<string, string>>
}

async function fill(url: string): Promise<void> {
  const client = new Redis(url)
  const keys = JSON.parse(readFileSync(fixture('redis.json'), 'utf8')) as Record<string, Key>
  for (const [name, { type, value }] of Object.entries(keys)) {
    const key = name.replace('genspark2api:', 'test:')
    const flat = Array.isArray(value)
      ? value
      : typeof value === 'string'
        ? [value]
        : Object.entries(value).flat()
    if (type === 'zset')
      for (let at = 0; at < flat.length; at += 2) await client.zadd(key, flat[at + 1], flat[at])
    else await client.call({ hash: 'hset', set: 'sadd', list: 'rpush', string: 'set' }[type], key, ...flat)
  }
  await client.quit()
}
