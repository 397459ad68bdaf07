import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { createAccount, createApiKeyAccount } from '../../src/core/account.ts'
import { version } from '../../src/core/version.ts'
import { runDoctor } from '../../src/doctor/run-doctor.ts'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { admin, adminEnv, ask } from '../support/ask-replica.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { spawnService } from '../support/spawn-service.ts'

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
  const { healthy, findings } = await runDoctor(config, (line) => lines.push(line))
  return {
    ...{ config, healthy, findings },
    lines,
    line: (part: string) => lines.find((each) => each.slice(6).startsWith(part)) ?? '',
  }
}

const off = { RECAPTCHA_MODE: 'off' }
const { label } = createAccount('session_id=alice')

test('finds nothing wrong: each part has its line, the token comes from a real Chromium', async () => {
  const { healthy, lines, line } = await examine({ API_SECRET: 'sk-canary' })
  expect(healthy, lines.join('')).toBe(true)
  expect(lines.map((each) => each.slice(0, 4))).toEqual(Array(12).fill('ok  '))
  expect(line(`direct ${label}`)).toContain('HTTP 200, not challenged')
  expect(line(`page ${label}`)).toContain('HTTP 200, not challenged')
  expect(line(`transport ${label}`)).toContain('GENSPARK_TRANSPORT=auto or direct or browser (it is auto)')
  expect(line('site')).toContain('models')
  expect(line(`account ${label}`)).toContain('signed in (cookie)')
  expect(line('token')).toMatch(/made by Chromium \(\S+ \d+\.\S+\) in \d/)
  expect(emulator.violations).toEqual([])
})

test('leaves a state.db alone that an earlier version wrote, which may be running', async () => {
  const file = join(folder, 'state.db')
  const database = new DatabaseSync(file)
  database.exec(`CREATE TABLE account (account TEXT PRIMARY KEY) STRICT; PRAGMA user_version = 1`)
  database.close()
  const before = await readFile(file)
  const { healthy, line } = await examine(off)
  expect(healthy).toBe(false)
  expect(line('DATA_DIR')).toContain('state.db is of an earlier version')
  expect(line('accounts')).toContain('not looked at')
  expect(line('site')).toContain('models')
  expect(emulator.requests.some(({ path }) => path === '/api/is_login')).toBe(false)
  expect((await readFile(file)).equals(before)).toBe(true)
  expect((await readdir(folder)).filter((name) => !/^state\.db(-wal|-shm)?$/.test(name))).toEqual([])
})

test('FINDINGS O22: names version, memory, Chromium and its sandbox, and warns where API_SECRET is missing', async () => {
  const open = await examine(off)
  expect(open.line('API_SECRET')).toMatch(/^WARN.*none is set.* -> set API_SECRET/)
  expect(open.line('Chromium')).toBe('')
  const { line } = await examine({ HOST: '127.0.0.1', GS_COOKIE: '' })
  expect(line('API_SECRET')).toMatch(/^ok /)
  expect(line('version')).toContain(`genspark2api ${version}, Node ${process.version}`)
  expect(line('memory')).toMatch(/^ok .* \d+ MB, .*heap at most \d+ MB/)
  expect(line('Chromium')).toMatch(/^ok .*Chromium \d+\.[\d.]+, headless, with(?:out)? sandbox/)
})

test('FINDINGS O18: tells why Chromium does not start, in its own words', async () => {
  const broken = join(folder, 'broken')
  await writeFile(
    broken,
    '#!/bin/sh\necho "error while loading shared libraries: libnss3.so" >&2\nexit 127\n',
    {
      mode: 0o755,
    },
  )
  const { healthy, line } = await examine({ BROWSER_EXECUTABLE: broken, GS_COOKIE: '' })
  expect(healthy).toBe(false)
  expect(line('Chromium')).toMatch(/^FAIL.*libnss3\.so.* -> look at BROWSER_EXECUTABLE/)
})

test('tells an account that is signed out, and no secret of it', async () => {
  emulator.signOut('alice')
  const { healthy, lines, line } = await examine(off)
  expect(healthy).toBe(false)
  expect(line(`account ${label}`)).toMatch(/^FAIL.*not signed in.* -> .*session_id/)
  expect(lines.join('')).not.toContain('alice')
})

describe('FINDINGS U1: where the site challenges this program', () => {
  test('the page passes: auto works, direct is told to be changed, the account is signed in all the same', async () => {
    emulator.challenge = 'clients'
    const auto = await examine({})
    expect(auto.line(`direct ${label}`)).toMatch(/^WARN.*challenged/)
    expect(auto.line(`page ${label}`)).toMatch(/^ok .*HTTP 200, not challenged/)
    expect(auto.line(`transport ${label}`)).toMatch(/^ok .*GENSPARK_TRANSPORT=auto or browser \(it is auto\)/)
    expect(auto.line(`account ${label}`)).toContain('signed in (cookie)')

    const direct = await examine({ GENSPARK_TRANSPORT: 'direct' })
    expect(direct.healthy).toBe(false)
    expect(direct.line(`transport ${label}`)).toMatch(/^FAIL.* -> set GENSPARK_TRANSPORT=auto/)
  })

  test('the page is challenged too: says what else there is', async () => {
    emulator.challenge = 'all'
    const { healthy, line } = await examine({})
    expect(healthy).toBe(false)
    expect(line(`page ${label}`)).toMatch(/^WARN.*challenged/)
    expect(line(`transport ${label}`)).toMatch(
      /^FAIL.*neither .* -> try BROWSER_HEADED=1.*BROWSER_ENDPOINT.*API key/,
    )
    expect(line(`account ${label}`)).toMatch(/^FAIL.*did not say/)
  })

  test('no Chromium may run: says which settings let one', async () => {
    emulator.challenge = 'clients'
    const { line } = await examine(off)
    expect(line(`page ${label}`)).toBe('')
    expect(line(`transport ${label}`)).toMatch(
      /^FAIL.*RECAPTCHA_MODE.* -> set GENSPARK_TRANSPORT=browser, or BROWSER_ENDPOINT/,
    )
  })
})

describe('FINDINGS A5: sessions that the site renews', () => {
  test('are read beside a service that runs, as are accounts added to it; one renewed by the doctor is not lost', async () => {
    const service = await spawnService({
      ...{ GENSPARK_BASE_URL: emulator.url, DATA_DIR: folder, TOKEN_REQUIRED: 'false' },
      ...{ ...off, ...adminEnv },
    })
    try {
      await admin(service.url, 'POST', '', { cookie: 'session_id=bob' })
      emulator.rollSession('alice', { on: 'POST /api/agent/ask_proxy' })
      for (let count = 0; count < 4; count += 1) expect((await ask(service.url)).status).toBe(200)
      emulator.rollSession('bob', { on: 'GET /api/is_login' })

      const { line, lines } = await examine(off)
      expect(line(`account ${label}`), lines.join('')).toContain('signed in (cookie)')
      const bob = createAccount('session_id=bob').label
      expect(line(`account ${bob}`), lines.join('')).toContain('signed in (cookie)')

      for (let count = 0; count < 4; count += 1) expect((await ask(service.url)).status).toBe(200)
      const { data } = await admin(service.url, 'GET')
      expect(data.map(({ state }: { state: string }) => state)).toEqual(['usable', 'usable'])
    } finally {
      await service.kill()
    }
  })
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
    expect(good.line('Redis'), good.lines.join('')).toMatch(/^ok .*answers in .*runs the scripts/)
    const wrong = await examine({ ...off, REDIS_URL: `redis://:wrong-secret@127.0.0.1:${redis.port}` })
    expect(wrong.healthy).toBe(false)
    expect(wrong.line('Redis')).toMatch(/^FAIL.* -> look at REDIS_URL/)
    expect(wrong.lines.join('')).not.toContain('wrong-secret')
  } finally {
    await redis.stop()
  }
})

test('FINDINGS O19: tells of a Redis that runs no scripts', async () => {
  const args = '--user default on nopass ~* &* +@all -@scripting'.split(' ')
  const redis = await startRedisServer({ args })
  try {
    const { healthy, line } = await examine({ ...off, REDIS_URL: redis.url })
    expect(healthy).toBe(false)
    expect(line('Redis')).toMatch(/^FAIL.*(NOPERM|no permissions).* -> look at the rights of its user/)
  } finally {
    await redis.stop()
  }
})

test('a folder that cannot be written to is no fault', async () => {
  const { healthy, line } = await examine({ ...off, DATA_DIR: '/dev/null/data' })
  expect(line('DATA_DIR')).toMatch(/^WARN.*ENOTDIR.* -> mount a volume/)
  expect(healthy).toBe(true)
})

test('FINDINGS K2 asks a key for one token, since what it lists proves nothing', async () => {
  const key = createApiKeyAccount('gsk-canary-doctor')
  const part = `account ${key.label}`
  const env = { ...off, GS_COOKIE: '', GENSPARK_API_KEY: key.apiKey }
  expect((await examine(env)).line(part)).toMatch(/^ok .*answers chats/)
  expect(emulator.vendor.asks).toMatchObject([{ body: { max_tokens: 1, model: 'gpt-5.4-nano' } }])
  emulator.vendor.walls.set(key.apiKey, { code: 'free_plan_block', asJson: true })
  const blocked = await examine(env)
  expect(blocked.healthy).toBe(false)
  expect(blocked.line(part)).toMatch(/^FAIL.*the plan of this API key has no API -> .*paid plan/)
  emulator.vendor.walls.set(key.apiKey, { code: 'credit_exhausted', asJson: true })
  expect((await examine(env)).line(part)).toMatch(/^FAIL.*credits .* spent -> top up/)
  emulator.vendor.badKeys.add(key.apiKey)
  expect((await examine(env)).line(part)).toMatch(/^FAIL.*not signed in/)
  expect(blocked.lines.join('')).not.toContain('canary')
})
