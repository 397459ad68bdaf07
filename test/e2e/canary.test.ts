import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { runDoctor } from '../../src/doctor/run-doctor.ts'
import { startEmulator } from '../emulator/emulator.ts'
import { type FailureId, repeated, type Scenario } from '../emulator/scenario.ts'
import { proxyPassword, startHttpProxy, startSocksProxy } from '../support/proxies.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { spawnService } from '../support/spawn-service.ts'
import { startStack } from '../support/stack.ts'

/** Secrets of every kind, each with a word of its own. */
const secrets = {
  API_SECRET: 'sk-canary-client',
  ADMIN_SECRET: 'sk-canary-admin',
  GS_COOKIE: 'session_id=canary-cookie',
  GENSPARK_API_KEY: 'gsk_canary-vendor',
  PROXY_URL: 'http://user:canary-proxy%2Fpass@127.0.0.1:9',
  STATE_KEY: 'ca'.repeat(32),
}
const spoken = [
  ...['canary-client', 'canary-admin', 'canary-cookie', 'canary-vendor', 'canary-proxy', 'canary-added'],
  ...['canary-wrong', 'canary-prompt', 'ca'.repeat(32), proxyPassword],
]

/** As it is, in a URL, and in base64 whatever stands before it. */
function formsOf(word: string): readonly string[] {
  const shifted = [0, 1, 2].map((before) =>
    Buffer.from(`${'x'.repeat(before)}${word}`)
      .toString('base64')
      .slice(before === 0 ? 0 : 4)
      .replace(/.{0,2}=*$/, ''),
  )
  return [
    word,
    word.replaceAll('-', '%2D'),
    encodeURIComponent(word),
    Buffer.from(word).toString('hex'),
    ...shifted,
  ]
}
const forms = new Set(spoken.flatMap(formsOf))
const tells = (text: string): boolean => [...forms].some((form) => text.includes(form))

const hello = { messages: [{ role: 'user', content: 'canary-prompt' }], max_tokens: 9 }
const chats: readonly (readonly [path: string, body: object])[] = [
  ['/v1/chat/completions', { model: 'gpt-5.4', ...hello }],
  ['/v1/chat/completions', { model: 'gpt-5.4', ...hello, stream: true }],
  ['/v1/messages', { model: 'claude-sonnet-5', ...hello }],
  ['/v1/messages', { model: 'claude-sonnet-5', ...hello, stream: true }],
  ['/v1/responses', { model: 'gpt-5.4', input: 'canary-prompt', store: false }],
  ['/v1/responses', { model: 'gpt-5.4', input: 'canary-prompt', store: false, stream: true }],
]

it.each([
  ['through a proxy that is away', secrets],
  ['on good and bad answers', { ...secrets, PROXY_URL: '' }],
])(
  'no secret shows in a log line, an error, a metric, an admin or readiness answer: %s',
  async (_, env) => {
    const stack = await startStack({ env: { RECAPTCHA_MODE: 'off', GENSPARK_PROTOCOL: 'agent', ...env } })
    onTestFinished(() => stack.stop())
    stack.emulator.answerWith({ type: 'answer', text: 'Hi' })
    const seen: string[] = []
    const ask = async (path: string, key: string, body?: object, method = body ? 'POST' : 'GET') => {
      const headers = {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        cookie: 'a=canary-wrong',
      }
      const response = await fetch(stack.url + path, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
      })
      seen.push(JSON.stringify([...response.headers]), await response.text())
    }
    const added = { cookie: 'session_id=canary-added@http://u:canary-proxy@127.0.0.1:9' }

    for (const key of [secrets.API_SECRET, secrets.ADMIN_SECRET, 'sk-canary-wrong']) {
      await ask('/admin/accounts', key, added)
      await ask('/admin/accounts', key, { cookie: ['session_id=canary-added'] })
      await ask('/admin/accounts', key)
      for (const [path, body] of chats) await ask(path, key, body)
      await ask('/v1/images/generations', key, { model: 'sora-2', prompt: 'Hi' })
      for (const path of ['/metrics', '/readyz', '/admin/usage', '/v1/models', '/v1/nothing'])
        await ask(path, key)
    }
    expect(seen.length).toBeGreaterThan(60)
    // What the model says of the prompt is its answer.
    expect(seen.filter((text) => tells(text.replaceAll('canary-prompt', '')))).toEqual([])
    expect(stack.logs.map((line) => JSON.stringify(line)).filter(tells)).toEqual([])
    expect(tells(await stack.metrics.registry.metrics())).toBe(false)
  },
  90_000,
)

// Those that rest an account come last.
const failures: readonly Scenario[] = [
  { type: 'answer', text: 'Hi there', cut: { after: 'first-token', how: 'reset' } },
  { type: 'answer', text: 'Hi there', cut: { after: 'nothing', how: 'hang-up' } },
  ...(['F3', 'F8', 'A2', 'A3', 'F6', 'F7', 'F9', 'F10', 'F1', 'F4', 'F5', 'F2', 'A1'] as const).map(
    (failure: FailureId): Scenario => ({ type: 'failure', failure }),
  ),
]

it('no secret shows when the site fails, quotes what it was sent, or gives tokens: streams, Redis, proxies with a password', async () => {
  const redis = await startRedisServer({ password: 'canary-added' })
  onTestFinished(() => redis.stop())
  const proxies = await Promise.all([startHttpProxy(), startSocksProxy()])
  onTestFinished(async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))))
  const own = proxies.map(({ url }, index) => `session_id=canary-cookie-${index}@${url}`)
  const { PROXY_URL: _, GENSPARK_API_KEY: __, ...env } = secrets
  const stack = await startStack({
    env: { ...env, GS_COOKIE: own.join(), REDIS_URL: redis.url, DEBUG: 'true', ROUTE_PREFIX: '' },
  })
  onTestFinished(() => stack.stop())
  const seen: string[] = []
  const ask = async (path: string, body?: object) => {
    const headers = { authorization: `Bearer ${secrets.ADMIN_SECRET}`, 'content-type': 'application/json' }
    const method = body ? 'POST' : 'GET'
    const response = await fetch(stack.url + path, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    seen.push(JSON.stringify([...response.headers]), await response.text())
  }
  const tokens = () =>
    stack.emulator.asks.flatMap(
      ({ body }) => JSON.stringify(body).match(/"g_recaptcha_token":"([^"]+)/)?.[1] ?? [],
    )
  // A site that hands back all that it was sent.
  stack.emulator.answerWith((asked) => ({
    type: 'raw',
    respond: (response) =>
      void response.writeHead(422).end(JSON.stringify({ detail: [asked.headers, asked.body, asked.cookie] })),
  }))
  for (const [path, body] of chats) await ask(path, body)
  for (const scenario of [{ type: 'answer', text: 'Hi' } as Scenario, ...failures]) {
    stack.emulator.answerWith(scenario)
    for (const [path, body] of chats.slice(0, 2)) await ask(path, body)
    await ask('/admin/accounts')
  }
  for (const path of ['/metrics', '/readyz', '/admin/usage']) await ask(path)
  expect(seen.filter(tells)).toEqual([])
  const lines = stack.logs.map((line) => JSON.stringify(line))
  expect(lines.filter(tells)).toEqual([])
  expect(tokens()).not.toEqual([])
  for (const token of tokens()) expect([...seen, ...lines].filter((text) => text.includes(token))).toEqual([])
}, 120_000)

it('no secret shows in what the doctor says', async () => {
  let said = ''
  const DATA_DIR = await mkdtemp(join(tmpdir(), 'canary-'))
  onTestFinished(() => rm(DATA_DIR, { recursive: true }))
  const env = { ...secrets, GENSPARK_BASE_URL: 'http://127.0.0.1:9', RECAPTCHA_MODE: 'off', DATA_DIR }
  await runDoctor(parseConfig(env), (line) => {
    said += line
  })
  expect(said).not.toBe('')
  expect(tells(said)).toBe(false)
}, 60_000)

it('no secret shows in what a service prints that cannot start, or is killed', async () => {
  const env = { ...secrets, RECAPTCHA_MODE: 'off' }
  const broken = await spawnService({ ...env, GENSPARK_BASE_URL: 'http://127.0.0.1:9' })
  await fetch(`${broken.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secrets.API_SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4', ...hello }),
  })
  broken.signal('SIGTERM')
  await broken.exitCode
  expect(tells(broken.output())).toBe(false)
}, 60_000)

it('no secret shows in what a service prints that crashes, whatever the error bears', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'canary-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  // Errors as Node and its libraries throw them: with the address that was wrong, and the request that failed.
  const crash = `process.on('SIGUSR2', () => {
    const { GS_COOKIE: cookie, API_SECRET, CRASH_URL: input } = process.env
    const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', config: { headers: { cookie } } })
    const error = Object.assign(new TypeError('Invalid URL', { cause }), { code: 'ERR_INVALID_URL', input })
    throw Object.assign(error, { request: { authorization: 'Bearer ' + API_SECRET, messages: ['canary-prompt'] } })
  })`
  await writeFile(join(folder, 'crash.mjs'), crash)
  const emulator = await startEmulator({ tokenCheck: 'off' })
  onTestFinished(() => emulator.close())
  emulator.answerWith({
    type: 'answer',
    chunks: repeated('word ', Number.POSITIVE_INFINITY),
    chunkDelayMs: 5,
  })
  const { PROXY_URL: _, GENSPARK_API_KEY: __, ...env } = secrets
  const service = await spawnService({
    ...{ ...env, RECAPTCHA_MODE: 'off', TOKEN_REQUIRED: 'false' },
    ...{ GENSPARK_BASE_URL: emulator.url, LOG_LEVEL: 'debug' },
    CRASH_URL: secrets.PROXY_URL,
    NODE_OPTIONS: `--import ${join(folder, 'crash.mjs')}`,
  })
  onTestFinished(() => service.kill())
  const answer = await fetch(`${service.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secrets.API_SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4', ...hello, stream: true, max_tokens: 1_000_000 }),
  })
  expect(answer.status).toBe(200)
  service.signal('SIGUSR2')
  const rest = await answer.text().catch(String)
  expect(await service.exitCode).toBe(1)
  expect(service.output()).toContain('ERR_INVALID_URL')
  expect(service.output()).toContain('ECONNRESET')
  expect([service.output(), rest].filter(tells)).toEqual([])
}, 60_000)
