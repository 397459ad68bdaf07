import { describe, expect, it, onTestFinished } from 'vitest'
import { silentLogger } from '../../../src/core/logger.ts'
import type { GatewayCall } from '../../../src/gateway/attempt.ts'
import { createNamedKeys } from '../../../src/store/named-keys.ts'
import type { Store } from '../../../src/store/store.ts'
import { openReplica } from '../../store/shared/open-replica.ts'
import { startRedisServer } from '../../support/redis-server.ts'
import { startMemoryStore } from '../support/memory-store.ts'
import { answerOf, chatBody, finished, startApp, text } from '../support/start-app.ts'

const beginMs = Date.UTC(2026, 10, 28)

async function start(env: Record<string, string> = {}) {
  const clock = { ms: beginMs, now: () => clock.ms }
  const store = startMemoryStore()
  const namedKeys = createNamedKeys({ store, clock, logger: silentLogger })
  const calls: GatewayCall[] = []
  let held: Promise<void> | undefined
  const app = await startApp({
    env: { ADMIN_SECRET: 'adm', ...env },
    services: { namedKeys, clock },
    async runChat(_chat, call) {
      calls.push(call)
      await held
      return answerOf([[...text('Hello'), finished]])
    },
  })
  const admin = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(app.url + path, {
      method,
      headers: { authorization: 'Bearer adm', 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }
  const ask = async (key?: string, more: object = {}) => {
    const headers = { ...(key !== undefined && { authorization: `Bearer ${key}` }) }
    const response = await app.post({ ...chatBody, ...more }, { headers })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }
  const make = async (more: object = {}) =>
    (await admin('POST', '/admin/keys', { name: 'phone', ...more })).body
  const hold = () => {
    const gate = Promise.withResolvers<void>()
    held = gate.promise
    return gate.resolve
  }
  return { admin, ask, make, hold, clock, calls, store }
}

describe('/admin/keys', () => {
  it('makes a key that is shown once and stored as a hash', async () => {
    const { admin, ask, make, calls, store } = await start()
    const { key, id, ...made } = await make()
    expect(made).toMatchObject({ object: 'key', name: 'phone', state: 'active', models: null })
    expect((await ask(key)).status).toBe(200)
    expect(calls[0]?.caller).toBe(id)
    const listed = await admin('GET', '/admin/keys')
    expect(listed.body.data).toMatchObject([{ id, name: 'phone' }])
    expect(JSON.stringify(listed)).not.toContain(key)
    expect(JSON.stringify([...(await store.records('secret'))])).not.toContain(key)
  })

  it('closes a service that was open to all, for good', async () => {
    const { admin, ask, make } = await start()
    expect((await ask()).status).toBe(200)
    const { id } = await make()
    expect((await ask()).status).toBe(401)
    await admin('DELETE', `/admin/keys/${id}`)
    expect((await ask()).status).toBe(401)
  })

  it('goes beside API_SECRET, whose keys are listed by number', async () => {
    const { admin, ask, make } = await start({ API_SECRET: 'sk-canary,sk-two' })
    const { key } = await make()
    for (const each of [key, 'sk-canary']) expect((await ask(each)).status).toBe(200)
    const { body } = await admin('GET', '/admin/keys')
    expect(body.data.map(({ name }: { name: string }) => name)).toEqual([
      'phone',
      'API_SECRET #1',
      'API_SECRET #2',
    ])
    expect(JSON.stringify(body)).not.toContain('canary')
    expect((await admin('DELETE', '/admin/keys/setting_1')).status).toBe(404)
  })

  it('refuses what is expired, paused or removed, as an unknown key', async () => {
    const { admin, ask, make, clock } = await start()
    const { key, id } = await make({ expires_at: new Date(beginMs + 1000).toISOString() })
    expect((await ask(key)).status).toBe(200)
    clock.ms += 1000
    expect(await ask(key)).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key' } } })
    expect((await admin('PATCH', `/admin/keys/${id}`, { expires_at: null })).body.state).toBe('active')
    expect((await ask(key)).status).toBe(200)
    await admin('PATCH', `/admin/keys/${id}`, { paused: true })
    expect((await ask(key)).status).toBe(401)
    await admin('PATCH', `/admin/keys/${id}`, { paused: false })
    expect((await ask(key)).status).toBe(200)
    expect((await admin('DELETE', `/admin/keys/${id}`)).status).toBe(200)
    expect((await ask(key)).status).toBe(401)
  })

  it('holds a key to its models', async () => {
    const { ask, make, calls } = await start()
    const { key } = await make({ models: ['Claude-Sonnet-5'] })
    expect((await ask(key)).status).toBe(200)
    const refused = await ask(key, { model: 'gpt-5.4' })
    expect(refused).toMatchObject({
      status: 403,
      body: { error: { type: 'invalid_request_error', code: 'model_not_allowed' } },
    })
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(calls.length).toBe(1)
  })

  it('holds a key to its requests a minute and at once', async () => {
    const { ask, make, hold } = await start()
    const { key: slow } = await make({ requests_per_minute: 2 })
    expect([await ask(slow), await ask(slow), await ask(slow)].map(({ status }) => status)).toEqual([
      200, 200, 429,
    ])
    const { key: one } = await make({ max_concurrent: 1 })
    const release = hold()
    const first = ask(one)
    await expect.poll(async () => (await ask(one)).status).toBe(429)
    release()
    expect((await first).status).toBe(200)
    await expect.poll(async () => (await ask(one)).status).toBe(200)
  })

  it('opens nothing of the operator’s', async () => {
    const { make } = await start()
    const { key } = await make()
    expect(key).toMatch(/^sk-g2a-[\w-]{43}$/)
  })

  it.each([
    {},
    { name: '' },
    { name: 'a', models: [] },
    { name: 'a', odd: 1 },
    { name: 'a', expires_at: 'x' },
  ])('refuses %j', async (body) => {
    const { admin } = await start()
    expect((await admin('POST', '/admin/keys', body)).status).toBe(400)
  })
})

describe('named keys of replicas that share Redis', () => {
  const keysOf = (store: Store, seesAll?: () => boolean) => {
    const keys = createNamedKeys({ store, seesAll, clock: { now: Date.now }, logger: silentLogger })
    onTestFinished(() => keys.close())
    return keys
  }

  it('are made and revoked in all of them', async () => {
    const server = await startRedisServer()
    onTestFinished(() => server.stop())
    const replicas = [openReplica({ redisUrl: server.url }), openReplica({ redisUrl: server.url })]
    for (const { store } of replicas) onTestFinished(() => store.close())
    for (const replica of replicas) await replica.until('up')
    const [one, two] = replicas.map(({ store }) => keysOf(store))
    await Promise.all([one?.load(), two?.load()])
    const made = await one?.make({ name: 'phone' })
    const { named, key } = made as NonNullable<typeof made>
    await expect.poll(() => two?.find(key)?.id).toBe(named.id)
    await one?.remove(named.id)
    await expect.poll(() => two?.find(key)).toBeUndefined()
    expect(two?.everMade).toBe(true)
  })

  it('are not taken for none while Redis has been away since the start', async () => {
    const keys = keysOf(startMemoryStore(), () => false)
    await expect(keys.load()).rejects.toMatchObject({ code: 'dependency_unavailable' })
    expect(keys.isLoaded).toBe(false)
  })
})
