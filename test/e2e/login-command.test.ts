import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts'

const code = 'canary-device-1'
const apiKey = 'gsk-canary-login'
const adminKey = 'operator-secret-of-tests'

let emulator: Emulator
let dataDir: string
let service: ServiceProcess | undefined
let child: ChildProcess | undefined
let output = ''

beforeEach(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
  dataDir = await mkdtemp(join(tmpdir(), 'genspark2api-test-'))
  service = undefined
  child = undefined
  output = ''
})

afterEach(async () => {
  child?.kill('SIGKILL')
  await service?.kill()
  await emulator.close()
  // Neither what fetches the key nor the key itself is shown or logged.
  expect(output + (service?.output() ?? '')).not.toMatch(/canary/)
  await rm(dataDir, { recursive: true, force: true })
})

const settings = () => ({
  GENSPARK_BASE_URL: emulator.url,
  DATA_DIR: dataDir,
  RECAPTCHA_MODE: 'off',
  TOKEN_REQUIRED: 'false',
  HOST: '127.0.0.1',
  PORT: '1',
  GS_COOKIE: '',
})

/** Runs `login` as its own process. @returns its exit code */
function login(env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<unknown> {
  const entry = join(import.meta.dirname, '../../src/start.js')
  child = spawn(process.execPath, [entry, 'login', ...args], {
    cwd: dataDir,
    env: { PATH: process.env.PATH, ...settings(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes: Buffer) => {
      output += String(bytes)
    })
  return once(child, 'exit').then(([exitCode]) => exitCode)
}

const shown = (pattern: RegExp) => expect.poll(() => output, { timeout: 30_000 }).toMatch(pattern)

async function startService(env: Readonly<Record<string, string>> = {}) {
  service = await spawnService({ ...settings(), PORT: '0', LOG_LEVEL: 'debug', ...env })
  return service
}

async function chat(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4', messages: [{ role: 'user', content: 'Hello' }] }),
  })
  return await response.text()
}

describe('FINDINGS K9, R12 the login command', () => {
  it('prints the address and its QR code, waits, and keeps the key sealed for the next start', async () => {
    const ended = login()
    await shown(/Ctrl\+C cancels/)
    expect(output).toContain(`${emulator.url}/cli_auth?user_code=ABCD`)
    expect(output).toMatch(/(?:[█▀▄ ]{20,}\n){10,}/)
    emulator.vendor.deviceLogins.set(code, apiKey)
    expect(await ended).toBe(0)
    expect(output).toMatch(/The key is kept, as acc_[0-9a-f]{8}\./)
    for (const file of await readdir(dataDir))
      expect((await readFile(join(dataDir, file))).includes(apiKey)).toBe(false)
    const { url } = await startService()
    expect(await chat(url)).toContain('by API key')
  })

  it('has the service that runs sign in, which uses the key at once', async () => {
    const { url } = await startService({ ADMIN_SECRET: adminKey })
    const ended = login({ PORT: new URL(url).port }, ['--admin-key', adminKey])
    await shown(/Ctrl\+C cancels/)
    emulator.vendor.deviceLogins.set(code, apiKey)
    expect(await ended).toBe(0)
    expect(output).toMatch(/The key is kept, as acc_/)
    expect(await chat(url)).toContain('by API key')
  })

  it('asks for the key of the service that runs, and says when it is wrong', async () => {
    const { url } = await startService({ ADMIN_SECRET: adminKey })
    const { port: PORT } = new URL(url)
    expect(await login({ PORT })).toBe(1)
    expect(output).toContain('--admin-key')
    expect(await login({ PORT }, ['--admin-key', 'wrong-key-of-tests'])).toBe(1)
    expect(output).toContain('Is the admin key right?')
    // Beside a service of other settings nothing is written.
    expect(await login()).toBe(1)
    expect(output).toContain('give those that it has')
    expect(emulator.vendor.deviceLogins.size).toBe(0)
  })

  it.each([['SIGINT'], ['SIGTERM']] as const)('ends at once by %s, and keeps nothing', async (signal) => {
    const ended = login()
    await shown(/Ctrl\+C cancels/)
    child?.kill(signal)
    expect(await ended).toBe(130)
    expect(output).toContain('cancelled: no key is kept')
  })

  it('cancels at the service what it began there', async () => {
    const { url } = await startService({ ADMIN_SECRET: adminKey })
    const ended = login({ PORT: new URL(url).port, ADMIN_SECRET: adminKey })
    await shown(/Ctrl\+C cancels/)
    child?.kill('SIGINT')
    expect(await ended).toBe(130)
    emulator.vendor.deviceLogins.set(code, apiKey)
    const response = await fetch(`${url}/admin/accounts`, {
      headers: { authorization: `Bearer ${adminKey}` },
    })
    expect(await response.json()).toMatchObject({ data: [] })
  })

  it('says that it was not approved in time', async () => {
    const ended = login()
    await shown(/Ctrl\+C cancels/)
    emulator.vendor.deviceLogins.set(code, 'expired')
    expect(await ended).toBe(1)
    expect(output).toContain('it was not approved in time')
  })
})
