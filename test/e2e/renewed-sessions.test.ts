import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Emulator, startEmulator } from '../emulator/emulator.ts'
import type { Scenario } from '../emulator/scenario.ts'
import { admin, adminEnv, ask } from '../support/ask-replica.ts'
import { type ServiceProcess, spawnService } from '../support/spawn-service.ts'

let emulator: Emulator
let service: ServiceProcess | undefined
let dataDir: string
const outputs: string[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'genspark2api-sessions-'))
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterEach(async () => {
  await service?.kill()
  service = undefined
  await emulator.close()
  await rm(dataDir, { recursive: true, force: true })
})

/** A new life of the service over the same DATA_DIR; the one before gets no chance to say goodbye. */
async function start(env: Readonly<Record<string, string>> = {}): Promise<string> {
  if (service) {
    outputs.push(service.output())
    await service.kill()
  }
  service = await spawnService({
    GENSPARK_BASE_URL: emulator.url,
    RECAPTCHA_MODE: 'off',
    TOKEN_REQUIRED: 'false',
    DATA_DIR: dataDir,
    LOG_LEVEL: 'debug',
    ...adminEnv,
    ...env,
  })
  // The site rolls sessions for what a test asks, not for what the service asks at its start.
  if (env.GS_COOKIE !== '') await service.logged('accounts checked')
  return service.url
}

const sessions = () => emulator.asks.map(({ sessionId }) => sessionId)

const stored = async () =>
  (
    await Promise.all(
      ['', '-wal'].map((suffix) => readFile(join(dataDir, `state.db${suffix}`), 'latin1').catch(() => '')),
    )
  ).join('')

describe.each(['copilot', 'agent'] as const)(
  'FINDINGS A5: a session that the site rolls over %s',
  (GENSPARK_PROTOCOL) => {
    it('is gone on with in the next chat, and after kill -9', async () => {
      const url = await start({ GENSPARK_PROTOCOL })
      const renewed = emulator.rollSession('alice', { on: `POST ${pathOf(GENSPARK_PROTOCOL)}` })
      expect((await ask(url)).status).toBe(200)
      expect((await ask(url)).status).toBe(200)
      expect(sessions()).toEqual(['alice', renewed])
      const again = await start({ GENSPARK_PROTOCOL })
      expect((await ask(again)).status).toBe(200)
      expect(sessions()).toEqual(['alice', renewed, renewed])
      const [account] = (await admin(again, 'GET')).data
      expect(account).toMatchObject({ state: 'usable', source: 'settings' })
      expect(Date.parse(account.session_renewed_at)).toBeLessThanOrEqual(Date.now())
      expect(Date.parse(account.session_ends_at)).toBeGreaterThan(Date.now() + 19 * 24 * 3600 * 1000)
      expect(emulator.violations).toEqual([])
    })

    it('costs the account nothing that a request was in flight on the old one', async () => {
      const url = await start({ GENSPARK_PROTOCOL })
      const late = Promise.withResolvers<void>()
      // The site looks at the session of the first ask when the second has rolled it.
      const refused: Scenario = {
        type: 'raw',
        async respond(response) {
          await late.promise
          response.writeHead(401, { 'content-type': 'application/json' })
          response.end('{"status":-5,"message":"not login","data":{}}')
        },
      }
      emulator.answerWith(() => (emulator.asks.length === 1 ? refused : { type: 'answer', text: 'Good day' }))
      const first = ask(url)
      await emulator.until(() => emulator.asks.length === 1)
      const renewed = emulator.rollSession('alice', { on: `POST ${pathOf(GENSPARK_PROTOCOL)}` })
      expect((await ask(url)).status).toBe(200)
      late.resolve()
      expect(await first).toMatchObject({ status: 200, text: 'Good day' })
      expect(sessions()).toEqual(['alice', 'alice', renewed])
      expect((await admin(url, 'GET')).data).toMatchObject([{ state: 'usable', signed_out_since: null }])
    })

    it('is gone on with in the polls of the very ask that rolled it', async () => {
      const url = await start({ GENSPARK_PROTOCOL })
      emulator.rollSession('alice', { on: `POST ${pathOf(GENSPARK_PROTOCOL)}` })
      const response = await fetch(`${url}/v1/images/generations`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'nano-banana-2', prompt: 'a cat' }),
      })
      expect([response.status, (await response.json()).data?.length]).toEqual([200, 1])
    })
  },
)

const pathOf = (generation: 'copilot' | 'agent') =>
  generation === 'agent' ? '/api/agent/ask_proxy' : '/api/copilot/ask'

describe('FINDINGS A5: a renewed session', () => {
  it('of an account that was added outlives kill -9, and a new paste wins over it', async () => {
    const env = { GS_COOKIE: '' }
    const url = await start(env)
    const { data } = await admin(url, 'POST', '', { cookie: 'session_id=bob', label: 'his' })
    const renewed = emulator.rollSession('bob')
    await ask(url)
    const again = await start(env)
    await ask(again)
    expect(sessions().at(-1)).toBe(renewed)
    const [bob] = (await admin(again, 'GET')).data
    expect(bob.id).toBe(data[0].id)

    emulator.signIn('bob-anew', 'bob')
    const changed = await admin(again, 'PATCH', `/${bob.id}`, { cookie: 'session_id=bob-anew' })
    expect(changed).toMatchObject({ label: 'his', session_renewed_at: null })
    await ask(again)
    expect(sessions().at(-1)).toBe('bob-anew')
    await ask(await start(env))
    expect(sessions().at(-1)).toBe('bob-anew')
  })

  it('gives way to the very cookie that was imported when an operator pastes that again', async () => {
    const url = await start()
    const renewed = emulator.rollSession('alice')
    await ask(url)
    emulator.signOut(renewed)
    emulator.signIn('alice')
    const [alice] = (await admin(url, 'GET')).data
    await admin(url, 'PATCH', `/${alice.id}`, { cookie: 'session_id=alice' })
    expect((await ask(url)).status).toBe(200)
    expect((await ask(await start())).status).toBe(200)
    expect(sessions().slice(1)).toEqual(['alice', 'alice'])
  })

  it('in the browser is read back, and used by the direct connections after kill -9', {
    timeout: 120_000,
  }, async () => {
    const url = await start({ GENSPARK_TRANSPORT: 'browser' })
    const renewed = emulator.rollSession('alice', { on: 'POST /api/agent/ask_proxy' })
    expect((await ask(url)).status).toBe(200)
    const account = async () => (await admin(url, 'GET')).data[0]
    await expect.poll(async () => (await account()).session_renewed_at, { timeout: 20_000 }).not.toBeNull()
    expect((await ask(url)).status).toBe(200)
    expect((await ask(await start({ GENSPARK_TRANSPORT: 'direct' }))).status).toBe(200)
    expect(sessions()).toEqual(['alice', renewed, renewed])
  })

  it('goes when its account is removed', async () => {
    const url = await start({ GS_COOKIE: '' })
    const { data } = await admin(url, 'POST', '', { cookie: 'session_id=bob' })
    emulator.rollSession('bob')
    await ask(url)
    await admin(url, 'DELETE', `/${data[0].id}`)
    emulator.signIn('bob')
    await admin(url, 'POST', '', { cookie: 'session_id=bob' })
    await ask(url)
    expect(sessions()).toEqual(['bob', 'bob'])
  })

  it('the same person pasted by another session replaces the first', async () => {
    const url = await start({ GS_COOKIE: '' })
    await admin(url, 'POST', '', { cookie: 'session_id=bob', label: 'his' })
    emulator.rollSession('bob')
    await ask(url)
    emulator.signIn('at-home', 'bob')
    const { data, duplicates, replaced } = await admin(url, 'POST', '', { cookie: 'session_id=at-home' })
    expect([data, duplicates]).toEqual([[], []])
    expect(replaced).toMatchObject([{ label: 'his' }])
    expect((await admin(url, 'GET')).data).toHaveLength(1)
    await ask(url)
    expect(sessions().at(-1)).toBe('at-home')
  })

  it('the same person twice in GS_COOKIE is used once, and the other session serves when the first is signed out', async () => {
    emulator.signIn('at-home', 'alice')
    emulator.signIn('at-work', 'alice')
    const url = await start({ GS_COOKIE: 'session_id=at-home,session_id=at-work,session_id=bob' })
    await service?.logged('two sessions of the same person[^"]*')
    const { data } = await admin(url, 'GET')
    expect(data.map(({ state }: { state: string }) => state)).toEqual(['usable', 'duplicate', 'usable'])
    expect(data[1].duplicate_of).toBe(data[0].id)
    for (let count = 0; count < 6; count += 1) expect((await ask(url)).status).toBe(200)
    expect(new Set(sessions())).toEqual(new Set(['at-home', 'bob']))

    // Who is who is known at the next start: the site is not asked again.
    const asked = emulator.requests.filter(({ path }) => path === '/api/is_login').length
    emulator.signOut('at-home')
    await admin(url, 'POST', `/${data[0].id}/check`)
    await start({ GS_COOKIE: 'session_id=at-home,session_id=at-work,session_id=bob' })
    await expect
      .poll(async () => (await ask(service?.url ?? '')).status === 200 && sessions(), { timeout: 30_000 })
      .toContain('at-work')
    expect(sessions().slice(6)).not.toContain('at-home')
    expect(asked).toBe(3)
  })

  it('of a guest is not taken: a refusal sets one too', async () => {
    const url = await start()
    const renewed = emulator.rollSession('alice')
    emulator.signOut(renewed)
    emulator.signIn('alice')
    await ask(url)
    emulator.signIn('alice')
    await expect.poll(async () => (await ask(url)).status && sessions().at(-1)).toBe('alice')
  })

  it('G1: stands in no log, no answer and, sealed, not in the file', async () => {
    const url = await start({ STATE_KEY: '7'.repeat(64), DEBUG: 'true' })
    const renewed = emulator.rollSession('alice')
    await ask(url)
    await ask(url)
    expect(sessions().at(-1)).toBe(renewed)
    const answers = await Promise.all(
      ['/metrics', '/readyz', '/admin/accounts'].map(async (path) => {
        const response = await fetch(url + path, { headers: { authorization: 'Bearer sk-admin' } })
        return await response.text()
      }),
    )
    const written = [...answers, service?.output(), await stored()].join('\n')
    expect(written).toContain('acc_')
    for (const form of [renewed, encodeURIComponent(renewed), Buffer.from(renewed).toString('base64')])
      expect(written).not.toContain(form)
  })
})
