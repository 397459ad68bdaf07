import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import { createLogger, silentLogger } from '../../src/core/logger.ts'
import { createEmbeddedStore, type EmbeddedStoreOptions } from '../../src/store/embedded-store.ts'
import type { LeaseInput, LeaseRelease, Store } from '../../src/store/store.ts'
import { leaseInput, takeLease } from './lease-input.ts'
import { describeStore } from './store-contract.ts'

const chooseAccount = createChooseAccount(Math.random)
const startMs = Date.UTC(2026, 10, 23)
const day = 24 * 60 * 60 * 1000

let folder: string
let lines: { level: string; msg: string }[]
const open: Store[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedded-store-'))
  lines = []
})
afterEach(async () => {
  for (const store of open.splice(0)) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

function create(options: Partial<EmbeddedStoreOptions> = {}): Store {
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const logger = createLogger({ level: 'info', format: 'json', destination })
  const store = createEmbeddedStore({
    dataDir: folder,
    clock: { now: () => startMs },
    chooseAccount,
    logger,
    ...options,
  })
  open.push(store)
  return store
}

async function leave(store: Store, over: Partial<LeaseInput>, lesson: Partial<LeaseRelease>): Promise<void> {
  const { account, leaseId } = await takeLease(store, over)
  await store.releaseLease({ account, leaseId, model: over.model ?? 'm', ...lesson })
}

for (const place of ['in a file', 'in memory'] as const) {
  describeStore(`embedded, ${place}`, async () => {
    const dataDir = place === 'in a file' ? mkdtempSync(join(tmpdir(), 'store-contract-')) : undefined
    let nowMs = startMs
    const store = createEmbeddedStore({
      dataDir,
      clock: { now: () => nowMs },
      chooseAccount,
      logger: silentLogger,
    })
    return {
      store,
      nowMs: () => nowMs,
      advance: (ms) => {
        nowMs += ms
      },
      async close() {
        await store.close()
        if (dataDir) rmSync(dataDir, { recursive: true })
      },
    }
  })
}

describe('persistence', () => {
  it('keeps holds, counts and bindings over a restart, and no lease', async () => {
    const before = create()
    const signedOut = { type: 'signed-out', sinceMs: startMs } as const
    const cooling = { type: 'cooling', kind: 'quota-spent', untilMs: startMs + day } as const
    await leave(before, { accounts: ['a'] }, { hold: signedOut })
    await leave(before, { accounts: ['b'] }, { hold: cooling })
    await before.countRateLimit('c')
    await before.countRateLimit('c')
    await leave(before, { accounts: ['d'] }, { chatId: 'chat-1' })
    await takeLease(before, { accounts: ['d'] })
    await before.close()

    const after = create()
    const states = await after.accountStates(['a', 'b', 'd'])
    expect(Object.fromEntries(states)).toEqual({
      a: { inFlight: 0, hold: signedOut },
      b: { inFlight: 0, hold: cooling },
      d: { inFlight: 0 },
    })
    expect(await after.countRateLimit('c')).toBe(3)
    expect((await takeLease(after, { accounts: ['d'] })).chatId).toBe('chat-1')
    expect(lines).toEqual([])
  })

  it('keeps records over a restart, in a file that is nobody else’s', async () => {
    writeFileSync(join(folder, 'state.db'), '', { mode: 0o644 })
    const before = create()
    await before.saveRecord('account', 'a', 'text')
    for (const suffix of ['', '-wal', '-shm'])
      expect(statSync(join(folder, `state.db${suffix}`)).mode & 0o777).toBe(0o600)
    await before.close()
    expect([...(await create().records('account'))]).toEqual([['a', 'text']])
  })

  it('FINDINGS S12: nothing of an account that was removed is left in the file', async () => {
    const store = create()
    await store.saveRecord('account', 'a', 'session_id=canary')
    await store.saveRecord('account', 'b', 'session_id=other')
    await store.removeRecord('account', 'a')
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'))
    expect(files.join('')).not.toContain('canary')
    expect(files.join('')).toContain('session_id=other')
  })

  it('tells when a record cannot be kept', async () => {
    const store = create()
    const other = new DatabaseSync(join(folder, 'state.db'))
    other.exec('DROP TABLE record')
    other.close()
    for (const action of [
      store.saveRecord('account', 'a', 'text'),
      store.removeRecord('account', 'a'),
      store.records('account'),
    ])
      await expect(action).rejects.toMatchObject({ code: 'dependency_unavailable' })
  })

  it('a cleared hold and a forgotten count stay so', async () => {
    const before = create()
    await leave(before, {}, { hold: { type: 'signed-out', sinceMs: startMs } })
    await before.clearHold('a')
    await before.countRateLimit('b')
    await leave(before, { accounts: ['b'] }, { succeeded: true })
    await before.close()
    const after = create()
    expect((await after.accountStates(['a'])).get('a')).toEqual({ inFlight: 0 })
    expect(await after.countRateLimit('b')).toBe(1)
  })

  it('loses nothing that was written before a kill -9', async () => {
    const writer = fileURLToPath(new URL('./write-then-wait.ts', import.meta.url))
    const child = spawn(process.execPath, [writer, folder, String(startMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(child.stdout, 'data')
    expect(String(line)).toBe('written\n')
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    expect(await exit).toEqual([null, 'SIGKILL'])

    const store = create()
    expect((await store.accountStates(['held'])).get('held')).toEqual({
      inFlight: 0,
      hold: { type: 'cooling', kind: 'rate-limited', untilMs: startMs + 600_000 },
    })
    expect(await store.countRateLimit('held')).toBe(2)
    for (const index of [0, 499, 999]) {
      expect((await takeLease(store, { accounts: ['bound'], model: `model-${index}` })).chatId).toBe(
        `chat-${index}`,
      )
    }
    expect(lines).toEqual([])
  })

  it('touches the file only when something changes', async () => {
    const store = create()
    const lesson = { chatId: 'chat-1', succeeded: true }
    await leave(store, {}, lesson)
    const reader = new DatabaseSync(join(folder, 'state.db'), { readOnly: true })
    const version = () => reader.prepare('PRAGMA data_version').get()?.data_version
    const before = version()
    for (let count = 0; count < 100; count += 1) {
      expect((await takeLease(store)).chatId).toBe('chat-1')
      await leave(store, {}, lesson)
    }
    expect(version()).toBe(before)
    await leave(store, {}, { chatId: 'chat-2' })
    expect(version()).not.toBe(before)
    reader.close()
  })

  it('forgets bindings at the cap, the longest unused first', async () => {
    let nowMs = startMs
    const store = create({ maxBindings: 10, clock: { now: () => nowMs } })
    for (let index = 0; index < 1010; index += 1) {
      nowMs += 1
      await leave(store, { model: `model-${index}` }, { chatId: `chat-${index}` })
    }
    await store.close()
    const database = new DatabaseSync(join(folder, 'state.db'))
    const rows = database.prepare('SELECT model FROM chat_binding ORDER BY used_ms').all()
    database.close()
    // Pruned at the first write and every thousandth after it.
    expect(rows.length).toBeLessThanOrEqual(20)
    expect(rows.at(-1)?.model).toBe('model-1009')
  })

  it('deletes bindings that ran out', async () => {
    let nowMs = startMs
    const store = create({ clock: { now: () => nowMs } })
    await leave(store, { model: 'old' }, { chatId: 'chat-1' })
    nowMs += 30 * day
    await leave(store, { model: 'new' }, { chatId: 'chat-2' })
    await store.close()
    const database = new DatabaseSync(join(folder, 'state.db'))
    expect(database.prepare('SELECT model FROM chat_binding').all()).toEqual([{ model: 'new' }])
    database.close()
  })
})

describe('kept texts', () => {
  const keep = (store: Store, id: string, text: string, lifeMs = day) =>
    store.saveDocument('response', { id, owner: 'alice', text, lifeMs })
  const idsOf = async (store: Store) =>
    (await store.listDocuments('response', 'alice', 100)).map(({ id }) => id)

  it('outlive a restart, and the bounds count them', async () => {
    const before = create({ maxDocuments: 3 })
    for (const id of ['a', 'b', 'c']) await keep(before, id, 'text')
    await before.close()
    const after = create({ maxDocuments: 3 })
    await keep(after, 'd', 'text')
    expect(await idsOf(after)).toEqual(['d', 'c', 'b'])
  })

  it('go from the oldest on when they are too many, of each kind for itself', async () => {
    const store = create({ maxDocuments: 2 })
    await store.saveDocument('video-job', { id: 'first', owner: 'alice', text: 'text', lifeMs: day })
    for (const id of ['a', 'b', 'a', 'c']) await keep(store, id, 'text')
    expect(await idsOf(store)).toEqual(['c', 'a'])
    expect(await store.findDocument('video-job', 'first')).toBeDefined()
  })

  it('FINDINGS R3: go by their last use', async () => {
    const store = create({ maxDocuments: 3 })
    for (const id of ['a', 'b', 'c']) await keep(store, id, 'text')
    await store.touchDocuments('response', ['b', 'a', 'never there'])
    for (const id of ['d', 'e']) await keep(store, id, 'text')
    const there = async (id: string) => (await store.findDocument('response', id)) !== undefined
    expect([await there('a'), await there('b'), await there('c')]).toEqual([true, false, false])
  })

  it('go from the oldest on when they are too long, also by a replaced text', async () => {
    const store = create({ maxDocumentsLength: 10 })
    for (const id of ['a', 'b', 'c']) await keep(store, id, 'xxx')
    expect(await idsOf(store)).toEqual(['c', 'b', 'a'])
    await store.replaceDocument('response', 'c', 'xxxxx')
    expect(await idsOf(store)).toEqual(['c', 'b'])
    await store.removeDocument('response', 'b')
    await keep(store, 'd', 'xxxxx')
    expect(await idsOf(store)).toEqual(['d', 'c'])
  })

  it('refuse a text that is longer than all of them may be, and lose none for it', async () => {
    const store = create({ maxDocumentsLength: 10 })
    await keep(store, 'a', 'xxx')
    await expect(keep(store, 'b', 'x'.repeat(11))).rejects.toMatchObject({ code: 'dependency_unavailable' })
    await expect(store.replaceDocument('response', 'a', 'x'.repeat(11))).rejects.toMatchObject({
      code: 'dependency_unavailable',
    })
    expect(await idsOf(store)).toEqual(['a'])
  })

  it('make room first by what has ended, and leave nothing of it in the file', async () => {
    let nowMs = startMs
    const store = create({ maxDocuments: 2, clock: { now: () => nowMs } })
    await keep(store, 'a', 'text', 2 * day)
    await keep(store, 'b', 'text')
    nowMs += day
    await keep(store, 'c', 'text')
    expect(await idsOf(store)).toEqual(['c', 'a'])
    await store.close()
    const database = new DatabaseSync(join(folder, 'state.db'))
    expect(database.prepare('SELECT id FROM kept_text ORDER BY age').all()).toEqual([
      { id: 'a' },
      { id: 'c' },
    ])
    database.close()
  })
})

describe('a file that cannot be used', () => {
  it('makes the folder when it is missing', async () => {
    folder = join(folder, 'deep', 'down')
    await leave(create(), {}, { chatId: 'chat-1' })
    expect(existsSync(join(folder, 'state.db'))).toBe(true)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(lines).toEqual([])
  })

  it('goes on in memory with one warning when the folder cannot be made', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const store = create({ dataDir: join(file, 'data') })
    await leave(
      store,
      {},
      { chatId: 'chat-1', hold: { type: 'cooling', kind: 'unavailable', untilMs: startMs } },
    )
    expect((await takeLease(store)).chatId).toBe('chat-1')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.msg).toMatch(/^DATA_DIR cannot be used/)
  })

  it.each([
    ['text', () => 'this is not a database, not in the least. '.repeat(100)],
    ['a cut database', (file: string) => readFileSync(file).subarray(0, 6000)],
    ['a database with bytes overwritten', (file: string) => readFileSync(file).fill(0xa5, 4096, 12_288)],
  ])('sets %s aside with one warning and begins afresh', async (_name, damage) => {
    const before = create()
    for (let index = 0; index < 300; index += 1)
      await leave(before, { model: `model-${index}` }, { chatId: 'chat' })
    await before.close()
    const file = join(folder, 'state.db')
    writeFileSync(file, damage(file))

    const store = create()
    await leave(store, {}, { chatId: 'chat-1' })
    await store.close()
    expect(lines).toHaveLength(1)
    expect(lines[0]?.msg).toMatch(/damaged/)
    expect(existsSync(join(folder, 'state.db.damaged'))).toBe(true)
    expect((await takeLease(create())).chatId).toBe('chat-1')
    expect(lines).toHaveLength(1)
  })

  it('takes an empty file as a new one', async () => {
    writeFileSync(join(folder, 'state.db'), '')
    await leave(create(), {}, { chatId: 'chat-1' })
    expect(lines).toEqual([])
  })

  it.each(['user_version', 'application_id'])(
    'H7: refuses the file of a later version in words, and leaves it alone (%s)',
    async (mark) => {
      const file = join(folder, 'state.db')
      await create().close()
      const later = new DatabaseSync(file)
      later.exec(`PRAGMA ${mark} = 99`)
      later.close()
      expect(create).toThrow(/written by a later version/)
      const kept = new DatabaseSync(file, { readOnly: true })
      expect(kept.prepare(`PRAGMA ${mark}`).get()).toEqual({ [mark]: 99 })
      kept.close()
      expect(lines).toEqual([])
    },
  )

  it('H7: copies the file of an earlier version aside, once, before it writes to it', async () => {
    const file = join(folder, 'state.db')
    await leave(create(), {}, { chatId: 'chat-1' })
    const earlier = new DatabaseSync(file)
    earlier.exec('PRAGMA application_id = 0; DROP TABLE attempt_count; PRAGMA user_version = 3')
    earlier.close()
    expect((await takeLease(create())).chatId).toBe('chat-1')
    const copy = `${file}.before-0.2.0`
    const copied = new DatabaseSync(copy, { readOnly: true })
    expect(copied.prepare('PRAGMA user_version').get()).toEqual({ user_version: 3 })
    expect(copied.prepare('SELECT chat_id FROM chat_binding').all()).toEqual([{ chat_id: 'chat-1' }])
    copied.close()
    expect(statSync(copy).mode & 0o777).toBe(0o600)
    rmSync(copy)
    await create().close()
    expect(existsSync(copy)).toBe(false)
  })

  it('serves on, with one warning, when the file breaks while it is in use', async () => {
    const store = create()
    await leave(store, {}, { chatId: 'chat-1' })
    truncateSync(join(folder, 'state.db'), 0)
    truncateSync(join(folder, 'state.db-wal'), 0)
    const hold = { type: 'cooling', kind: 'rate-limited', untilMs: startMs + 1000 } as const
    for (let index = 0; index < 20; index += 1) {
      await leave(store, { accounts: [`x${index}`], model: `m${index}` }, { chatId: 'c', hold })
    }
    expect((await store.accountStates(['x7'])).get('x7')).toEqual({ inFlight: 0, hold })
    expect(lines.length).toBeLessThanOrEqual(1)
  })
})

describe('any order of operations', () => {
  const operation = fc.oneof(
    fc.record({ type: fc.constant('lease' as const), cap: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ type: fc.constant('release' as const), pick: fc.nat(20) }),
    fc.record({ type: fc.constant('extend' as const), pick: fc.nat(20) }),
    fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
  )
  const accounts = ['a', 'b', 'c']

  it('never counts below nothing or over the cap, agrees with a plain model, and is free at the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 80 }), async (operations) => {
        let nowMs = startMs
        const store = createEmbeddedStore({
          dataDir: undefined,
          clock: { now: () => nowMs },
          chooseAccount,
          logger: silentLogger,
        })
        const leases: { account: string; leaseId: string; lapsesMs: number; released: boolean }[] = []
        const alive = (account: string) =>
          leases.filter((each) => each.account === account && !each.released && each.lapsesMs > nowMs).length
        for (const step of operations) {
          const picked = 'pick' in step ? leases[step.pick % Math.max(leases.length, 1)] : undefined
          if (step.type === 'wait') nowMs += step.ms
          if (step.type === 'lease') {
            const answer = await store.lease(leaseInput({ accounts, maxConcurrency: step.cap }))
            const free = accounts.some((account) => alive(account) < step.cap)
            expect(answer.type).toBe(free ? 'leased' : 'busy')
            if (answer.type === 'leased') {
              expect(alive(answer.account)).toBeLessThan(step.cap)
              leases.push({ ...answer, lapsesMs: nowMs + 30_000, released: false })
            }
          }
          if (step.type === 'release' && picked) {
            await store.releaseLease({ ...picked, model: 'm' })
            picked.released = true
          }
          if (step.type === 'extend' && picked) {
            const living = !picked.released && picked.lapsesMs > nowMs
            expect(await store.extendLease({ ...picked, leaseMs: 30_000 })).toBe(living)
            if (living) picked.lapsesMs = nowMs + 30_000
          }
          for (const [account, state] of await store.accountStates(accounts))
            expect(state.inFlight).toBe(alive(account))
        }
        for (const each of leases) await store.releaseLease({ ...each, model: 'm' })
        for (const state of (await store.accountStates(accounts)).values())
          expect(state).toEqual({ inFlight: 0 })
        await store.close()
      }),
      { numRuns: 200 },
    )
  })
})
