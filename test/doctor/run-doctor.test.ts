import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { createAccount } from '../../src/core/account.ts'
import { runDoctor } from '../../src/doctor/run-doctor.ts'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { startRedisServer } from '../support/redis-server.ts'

let emulator: Emulator
let folder: string

beforeEach(async () => {
  emulator = await startEmulator()
  folder = await mkdtemp(join(tmpdir(), 'doctor-'))
})
afterEach(async () => {
  await emulator.close()
  await rm(folder, { recursive: true })
})

async function examine(env: Readonly<Record<string, string>>) {
  const lines: string[] = []
  const config = parseConfig({
    GENSPARK_BASE_URL: emulator.url,
    GS_COOKIE: 'session_id=alice',
    DATA_DIR: folder,
    ...env,
  })
  const healthy = await runDoctor(config, (line) => lines.push(line))
  return {
    healthy,
    lines,
    line: (part: string) => lines.find((each) => each.slice(6).startsWith(part)) ?? '',
  }
}

const off = { RECAPTCHA_MODE: 'off' }
const { label } = createAccount('session_id=alice')

test('finds nothing wrong: each part has its line, the token comes from a real Chromium', async () => {
  const { healthy, lines, line } = await examine({})
  expect(healthy, lines.join('')).toBe(true)
  expect(lines.map((each) => each.slice(0, 4))).toEqual(Array(5).fill('ok  '))
  expect(line('site')).toContain('models')
  expect(line(`account ${label}`)).toContain('signed in (cookie)')
  expect(line('token')).toMatch(/made by Chromium in \d/)
  expect(emulator.violations).toEqual([])
})

test('tells an account that is signed out, and no secret of it', async () => {
  emulator.signOut('alice')
  const { healthy, lines, line } = await examine(off)
  expect(healthy).toBe(false)
  expect(line(`account ${label}`)).toMatch(/^FAIL.*not signed in.* -> .*session_id/)
  expect(lines.join('')).not.toContain('alice')
})

test('tells what to set when there is no account', async () => {
  const { healthy, line } = await examine({ ...off, GS_COOKIE: '' })
  expect(healthy).toBe(false)
  expect(line('accounts')).toMatch(/^FAIL.* -> set GS_COOKIE/)
})

test('tells a site that is out of reach', async () => {
  const { healthy, line } = await examine({ ...off, GENSPARK_BASE_URL: 'http://127.0.0.1:1' })
  expect(healthy).toBe(false)
  expect(line('site')).toMatch(/^FAIL.*ECONNREFUSED.* -> .*PROXY_URL/)
})

test('tells a Chromium that is not there', async () => {
  const { healthy, line } = await examine({ BROWSER_EXECUTABLE: '/nowhere/chromium' })
  expect(healthy).toBe(false)
  expect(line('token')).toMatch(/^FAIL.* -> look at BROWSER_EXECUTABLE/)
})

test('asks Redis, and tells a wrong password without showing it', async () => {
  const redis = await startRedisServer({ password: 'right-secret' })
  try {
    const good = await examine({ ...off, REDIS_URL: redis.url })
    expect(good.line('Redis'), good.lines.join('')).toMatch(/^ok .*answers in/)
    const wrong = await examine({ ...off, REDIS_URL: `redis://:wrong-secret@127.0.0.1:${redis.port}` })
    expect(wrong.healthy).toBe(false)
    expect(wrong.line('Redis')).toMatch(/^FAIL.* -> look at REDIS_URL/)
    expect(wrong.lines.join('')).not.toContain('wrong-secret')
  } finally {
    await redis.stop()
  }
})

test('a folder that cannot be written to is no fault', async () => {
  const { healthy, line } = await examine({ ...off, DATA_DIR: '/dev/null/data' })
  expect(line('DATA_DIR')).toMatch(/^WARN.*ENOTDIR.* -> mount a volume/)
  expect(healthy).toBe(true)
})
