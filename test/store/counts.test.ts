import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createEmbeddedStore, type EmbeddedStore } from '../../src/store/embedded-store.ts'
import { countAttempt, expectCountsBound } from './counts-bound.ts'

const startMs = Date.UTC(2026, 10, 23)

let folder: string
let store: EmbeddedStore

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'saved-counts-'))
  store = open()
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const open = (maxCounts?: number) =>
  createEmbeddedStore({
    dataDir: folder,
    clock: { now: () => startMs },
    chooseAccount: createChooseAccount(Math.random),
    logger: silentLogger,
    ...(maxCounts && { maxCounts }),
  })

const row = { hourMs: startMs, account: 'a', model: 'm', caller: 'key', failed: 0, abandoned: 0 }

/** What another process sees in the file. */
function rowsInFile(): number {
  const database = new DatabaseSync(join(folder, 'state.db'))
  const size = Number(database.prepare('SELECT count(*) AS size FROM attempt_count').get()?.size)
  database.close()
  return size
}

it('many requests are one write, soon and by itself', async () => {
  for (let count = 0; count < 50; count += 1) await countAttempt(store, 'm')
  expect(rowsInFile()).toBe(0)
  await expect.poll(rowsInFile, { timeout: 10_000 }).toBe(1)
})

it('are there after a restart, and go on', async () => {
  await countAttempt(store, 'm')
  await store.close()
  store = open()
  await countAttempt(store, 'm')
  expect(await store.counts(0, startMs + 1)).toEqual([{ ...row, succeeded: 2 }])
})

it('are bounded, in what waits and in the file', async () => {
  await store.close()
  store = open(2)
  await expectCountsBound(store)
})

it('are taken once, the oldest first', async () => {
  await countAttempt(store, 'm')
  const labels = { account: 'a', model: 'm', caller: 'key', outcome: 'succeeded' } as const
  store.addCount({ ...labels, hourMs: startMs - 3_600_000, count: 3 })
  expect(store.takeCounts(1)).toEqual([{ ...labels, hourMs: startMs - 3_600_000, count: 3 }])
  expect(store.takeCounts(10)).toEqual([{ ...labels, hourMs: startMs, count: 1 }])
  expect(store.takeCounts(10)).toEqual([])
  expect(await store.counts(0, startMs + 1)).toEqual([])
})

it('wait in memory while the file is another’s, and are written afterwards', async () => {
  const other = new DatabaseSync(join(folder, 'state.db'))
  other.exec('BEGIN IMMEDIATE')
  await countAttempt(store, 'm')
  expect(await store.counts(0, startMs + 1)).toEqual([])
  other.exec('ROLLBACK')
  other.close()
  expect(await store.counts(0, startMs + 1)).toEqual([{ ...row, succeeded: 1 }])
})
