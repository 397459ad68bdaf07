import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAccountAdmin } from '../../src/accounts/account-admin.ts'
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import { createAccountRoster } from '../../src/accounts/account-roster.ts'
import { createAccount, createApiKeyAccount } from '../../src/core/account.ts'
import { systemClock } from '../../src/core/clock.ts'
import { UpstreamError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { labelOf } from '../../src/http/keys.ts'
import { createEmbeddedStore } from '../../src/store/embedded-store.ts'
import { createOperatorKey } from '../../src/store/operator-key.ts'
import type { Store } from '../../src/store/store.ts'
import { startApp } from './support/start-app.ts'

const secret = 'sk-admin'
const alice = createAccount('session_id=canary-alice')

async function start({ env = {} as Record<string, string>, settings = [alice] } = {}) {
  const store = createEmbeddedStore({
    dataDir: undefined,
    clock: systemClock,
    chooseAccount: createChooseAccount(Math.random),
    logger: silentLogger,
  })
  const roster = createAccountRoster({
    accounts: settings,
    store,
    stateKeys: [],
    clock: systemClock,
    logger: silentLogger,
  })
  let login: 'signed-in' | 'signed-out' | 'unknown' = 'signed-in'
  const accountAdmin = createAccountAdmin({
    roster,
    store,
    clock: systemClock,
    logger: silentLogger,
    checkAccount: () =>
      login === 'unknown' ? Promise.reject(new UpstreamError('challenged')) : Promise.resolve(login),
  })
  const operatorKey = createOperatorKey(store)
  const services = { accountAdmin, operatorKey }
  const app = await startApp({ env: { ADMIN_SECRET: secret, ...env }, services })
  onTestFinished(() => store.close())

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const isText = typeof body === 'string'
    const response = await fetch(app.url + path, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body !== undefined && { 'content-type': isText ? 'text/plain' : 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    expect(text).not.toContain('canary')
    return { status: response.status, headers: response.headers, body: JSON.parse(text) }
  }
  return {
    app,
    roster,
    store,
    operatorKey,
    call,
    add: (body: unknown) => call('POST', '/admin/accounts', body),
    loginIs: (state: typeof login) => {
      login = state
    },
    secrets: () =>
      roster.entries().map(({ account }) => (account.kind === 'cookie' ? account.cookie : account.apiKey)),
  }
}

describe('GET /admin/accounts', () => {
  it('shows every account without a secret', async () => {
    const { call, store } = await start({
      settings: [alice, createAccount('session_id=canary-bob', 'http://u:canary@proxy.test:8080')],
    })
    await store.setHold(alice.key, { type: 'signed-out', sinceMs: 0 })
    const { status, body, headers } = await call('GET', '/admin/accounts')
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({
      object: 'list',
      data: [
        {
          object: 'account',
          id: alice.label,
          type: 'cookie',
          label: null,
          state: 'signed-out',
          paused: false,
          cooling: null,
          signed_out_since: '1970-01-01T00:00:00.000Z',
          plan_blocked_since: null,
          in_flight: 0,
          source: 'settings',
          added_at: null,
          proxy: null,
          session_renewed_at: null,
          session_ends_at: null,
        },
        expect.objectContaining({ state: 'usable', proxy: 'http://proxy.test:8080' }),
      ],
    })
  })
})

describe('POST /admin/accounts', () => {
  it.each<[string, unknown, string[]]>([
    ['a bare session id', { cookie: 'canary-b' }, ['session_id=canary-b']],
    ['a header', { cookie: 'Cookie: c1=1; session_id=canary-b' }, ['c1=1; session_id=canary-b']],
    ['an API key', { api_key: 'canary-key' }, ['canary-key']],
    [
      'pasted text',
      { accounts: 'canary-b,session_id=canary-c' },
      ['session_id=canary-b', 'session_id=canary-c'],
    ],
    ['pasted keys', { accounts: 'canary-k1, canary-k2', type: 'api-key' }, ['canary-k1', 'canary-k2']],
    [
      'a list',
      { accounts: ['canary-b', { cookie: 'canary-c' }, { api_key: 'canary-key' }] },
      ['session_id=canary-b', 'session_id=canary-c', 'canary-key'],
    ],
    ['a bare list', ['canary-b', { cookie: 'canary-c' }], ['session_id=canary-b', 'session_id=canary-c']],
    [
      'an export within the body',
      { accounts: [{ name: 'session_id', value: 'canary-b', domain: '.genspark.ai', hostOnly: false }] },
      ['session_id=canary-b'],
    ],
    ['an export as the body', [{ name: 'session_id', value: 'canary-b' }], ['session_id=canary-b']],
    [
      'the state of a browser',
      { cookies: [{ name: 'session_id', value: 'canary-b', domain: 'www.genspark.ai' }], origins: [] },
      ['session_id=canary-b'],
    ],
    ['plain text', 'canary-b,canary-c', ['session_id=canary-b', 'session_id=canary-c']],
    ['an export as plain text', '[{"name":"session_id","value":"canary-b"}]', ['session_id=canary-b']],
  ])('G8: takes %s', async (_name, body, secrets) => {
    const { add, secrets: all } = await start({ settings: [] })
    const { status, body: answer } = await add(body)
    expect(status).toBe(201)
    expect(answer.data.length).toBe(secrets.length)
    expect(all()).toEqual(secrets)
  })

  it('takes label, proxy and pause along', async () => {
    const { add, roster } = await start({ settings: [] })
    const details = { label: 'ours', proxy_url: 'socks5://u:canary@p:1', paused: true }
    await add({ accounts: ['canary-b', { cookie: 'canary-c@http://q:2', label: 'hers' }], ...details })
    expect(roster.entries().map(({ account, note, paused }) => [account.proxyUrl, note, paused])).toEqual([
      ['socks5://u:canary@p:1', 'ours', true],
      ['http://q:2', 'hers', true],
    ])
  })

  it('FINDINGS A5: tells when a session ends, where the export says so, until another is pasted', async () => {
    const { add, call } = await start({ settings: [] })
    const text =
      '[{"name":"session_id","value":"canary-b","domain":".genspark.ai","expirationDate":1893456000.5}]'
    const { body } = await add(text)
    expect(body).toMatchObject({
      data: [{ session_ends_at: '2030-01-01T00:00:00.500Z' }],
      notices: ['read as JSON'],
    })
    const row = '.genspark.ai TRUE / TRUE 1893456001 session_id canary-c'
    const [{ id }] = body.data
    const changed = await call('PATCH', `/admin/accounts/${id}`, { cookie: row })
    expect(changed.body.session_ends_at).toBe('2030-01-01T00:00:01.000Z')
    const again = await call('PATCH', `/admin/accounts/${changed.body.id}`, { cookie: 'canary-d' })
    expect(again.body.session_ends_at).toBeNull()
  })

  it('G8: tells duplicates and what is odd, 200 when nothing is new', async () => {
    const { add } = await start()
    const { body } = await add({ accounts: ['canary-b, c1=canary', 'canary-alice'] })
    expect(body.data).toMatchObject([{ type: 'cookie', source: 'added' }])
    expect(body.duplicates).toMatchObject([{ id: alice.label, source: 'settings' }])
    const again = await add('canary-alice')
    expect([again.status, again.body.data, again.body.duplicates.length]).toEqual([200, [], 1])
    const odd = await add({ cookie: 'c1=canary-x' })
    expect(odd.body.notices).toEqual([expect.stringMatching(/no session_id/)])
  })

  it.each<[string, unknown, string | null]>([
    ['a line break', { cookie: 'canary\r\nX: y' }, 'cookie'],
    ['a line feed in the second', { accounts: ['ok', 'canary\nx'] }, 'accounts[1]'],
    ['a NUL in plain text', 'canary\0', 'accounts'],
    ['a line break in plain text', 'canary\nother', 'accounts'],
    ['a line break in a key', { api_key: 'canary\nx' }, 'api_key'],
    ['a letter outside ASCII', { cookie: 'canaryé' }, 'cookie'],
    ['64 KB', { cookie: 'x'.repeat(64 * 1024) }, 'cookie'],
    ['nothing', {}, null],
    ['both', { cookie: 'canary', api_key: 'canary' }, null],
    ['an empty list', { accounts: [] }, 'accounts'],
    ['empty text', { accounts: ' , ' }, 'accounts'],
    ['a wrong proxy', { cookie: 'canary', proxy_url: 'ftp://canary' }, 'proxy_url'],
    ['a wrong proxy behind the cookie', { cookie: 'canary@http://canary/path' }, 'cookie'],
    ['a number', { accounts: 5 }, 'accounts'],
    ['a field of another name', { cookie: 'canary', lable: 'x' }, null],
    ['a string', '', null],
  ])('G8: refuses %s and adds nothing', async (_name, body, param) => {
    const { add, secrets } = await start({ settings: [] })
    const { status, body: answer } = await add(body)
    expect(status).toBe(400)
    expect(answer.error).toEqual({
      message: expect.any(String),
      type: 'invalid_request_error',
      param,
      code: 'invalid_value',
    })
    expect(secrets()).toEqual([])
  })
})

describe('PATCH and DELETE /admin/accounts/:id', () => {
  it('A11: replaces a cookie under its label, clears its hold and answers with the new id', async () => {
    const { call, store, secrets } = await start()
    await call('PATCH', `/admin/accounts/${alice.label}`, { label: 'hers' })
    await store.setHold(alice.key, { type: 'signed-out', sinceMs: 0 })
    const next = createAccount('session_id=canary-next')
    const { status, body } = await call('PATCH', `/admin/accounts/${alice.label}`, { cookie: 'canary-next' })
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ id: next.label, label: 'hers', state: 'usable', source: 'added' }),
    ])
    expect(secrets()).toEqual(['session_id=canary-next'])
    expect((await call('PATCH', `/admin/accounts/${alice.label}`, { paused: true })).status).toBe(404)
  })

  it('pauses, resumes, labels and gives a proxy, each alone', async () => {
    const { call } = await start()
    const patch = async (body: unknown) => (await call('PATCH', `/admin/accounts/${alice.label}`, body)).body
    expect(await patch({ paused: true })).toMatchObject({ paused: true, state: 'paused' })
    expect(await patch({ label: 'hers' })).toMatchObject({ paused: true, label: 'hers' })
    expect(await patch({ proxy_url: 'http://u:canary@p:1' })).toMatchObject({ proxy: 'http://p:1' })
    expect(await patch({ paused: false, proxy_url: null, label: null })).toMatchObject({
      paused: false,
      label: null,
      proxy: null,
      state: 'usable',
    })
  })

  it('a cookie may become a key', async () => {
    const { call } = await start()
    const { body } = await call('PATCH', `/admin/accounts/${alice.label}`, { api_key: 'canary-key' })
    expect(body).toMatchObject({ id: createApiKeyAccount('canary-key').label, type: 'api-key' })
  })

  it.each<[unknown, string | null]>([
    [{}, null],
    [{ paused: 'yes' }, 'paused'],
    [{ cookie: 'canary-a,canary-b' }, 'cookie'],
    [{ cookie: 'canary\nx' }, 'cookie'],
    [{ cookie: 'canary', api_key: 'canary' }, 'api_key'],
    [{ proxy_url: '' }, 'proxy_url'],
  ])('refuses %j and changes nothing', async (body, param) => {
    const { call, secrets } = await start()
    const answer = await call('PATCH', `/admin/accounts/${alice.label}`, body)
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'invalid_value', param } } })
    expect(secrets()).toEqual([alice.cookie])
  })

  it('removes', async () => {
    const { call, secrets } = await start()
    expect(await call('DELETE', `/admin/accounts/${alice.label}`)).toMatchObject({
      status: 200,
      body: { id: alice.label, deleted: true },
    })
    expect(secrets()).toEqual([])
    expect(await call('DELETE', `/admin/accounts/${alice.label}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found', message: 'There is no such account.' } },
    })
  })
})

describe('POST /admin/accounts/:id/check', () => {
  const check = (id = alice.label) => ['POST', `/admin/accounts/${id}/check`] as const

  it('A6: sets the hold of an account that is signed out and clears it when it is signed in', async () => {
    const { call, loginIs } = await start()
    loginIs('signed-out')
    expect((await call(...check())).body).toMatchObject({ state: 'signed-out' })
    loginIs('signed-in')
    expect((await call(...check())).body).toMatchObject({ state: 'usable', signed_out_since: null })
  })

  it('leaves a cool-down as it is', async () => {
    const { call, store } = await start()
    const untilMs = Date.now() + 3_600_000
    await store.setHold(alice.key, { type: 'cooling', kind: 'quota-spent', untilMs })
    expect((await call(...check())).body).toMatchObject({
      state: 'cooling',
      cooling: { kind: 'quota-spent', until: new Date(untilMs).toISOString() },
    })
  })

  it('tells when the site cannot say, and changes nothing', async () => {
    const { call, loginIs } = await start()
    loginIs('unknown')
    expect(await call(...check())).toMatchObject({
      status: 502,
      body: { error: { code: 'upstream_challenge' } },
    })
    expect((await call(...check('acc_00000000'))).status).toBe(404)
    expect((await call('GET', '/admin/accounts')).body.data[0].state).toBe('usable')
  })
})

describe('an account that is removed', () => {
  it('FINDINGS S1: takes the links to its files along, also those under its former keys', async () => {
    const { call, store } = await start()
    const linkOf = (id: string, owner: string) =>
      store.saveDocument('file-link', {
        id,
        owner,
        text: 'https://www.genspark.ai/api/files/s/a',
        lifeMs: 60_000,
      })
    await linkOf('one', alice.key)
    await linkOf('two', 'somebody else')
    const { body } = await call('PATCH', `/admin/accounts/${alice.label}`, {
      cookie: 'session_id=canary-new',
    })
    await linkOf('three', createAccount('session_id=canary-new').key)
    expect((await call('DELETE', `/admin/accounts/${body.id}`)).status).toBe(200)
    const left = await Promise.all(['one', 'two', 'three'].map((id) => store.findDocument('file-link', id)))
    expect(left.map((document) => document?.id)).toEqual([undefined, 'two', undefined])
  })
})

describe('who may', () => {
  const status = async (
    env: Record<string, string>,
    headers: Record<string, string>,
    path = '/admin/accounts',
  ) => {
    const { app } = await start({ env })
    const response = await fetch(app.url + path, { headers })
    expect(response.headers.get('x-request-id')).toBeTruthy()
    await response.text()
    return response.status
  }

  it('ADMIN_SECRET alone, in either header; API_SECRET does not do then', async () => {
    const env = { ADMIN_SECRET: 'sk-a,sk-b', API_SECRET: 'sk-api' }
    expect(await status(env, { authorization: 'Bearer sk-b' })).toBe(200)
    expect(await status(env, { 'x-api-key': 'sk-a' })).toBe(200)
    expect(await status(env, { authorization: 'Bearer sk-api' })).toBe(401)
    expect(await status(env, {})).toBe(401)
    expect(await status(env, { authorization: 'Bearer sk-api' }, '/admin/other')).toBe(401)
    expect(await status(env, { authorization: 'Bearer sk-a' }, '/admin/other')).toBe(404)
  })

  it('FINDINGS S4: no client’s key, and nobody without a key, however near he seems', async () => {
    const env = { ADMIN_SECRET: '', API_SECRET: 'sk-api' }
    expect(await status(env, { authorization: 'Bearer sk-api' })).toBe(401)
    expect(await status({ ADMIN_SECRET: '' }, {})).toBe(401)
    // As nginx with nothing but proxy_pass sends it.
    const { app, roster } = await start({ env: { ADMIN_SECRET: '' } })
    expect(await statusFor(app.port, `127.0.0.1:${app.port}`)).toBe(401)
    expect(await statusFor(app.port, `127.0.0.1:${app.port}`, `DELETE /admin/accounts/${alice.label}`)).toBe(
      401,
    )
    expect(roster.entries()).toHaveLength(1)
  })

  it('the key that was made, until another is made in its place', async () => {
    const { call, operatorKey } = await start({ env: { ADMIN_SECRET: '' } })
    const get = async (key: string) =>
      (await call('GET', '/admin/accounts', undefined, { authorization: `Bearer ${key}` })).status
    const first = (await operatorKey.makeOnce()) ?? ''
    expect(await operatorKey.makeOnce()).toBeUndefined()
    expect(await get(first)).toBe(200)
    expect(await get(`${first}x`)).toBe(401)
    expect(await get('g2a-admin-')).toBe(401)
    const second = await operatorKey.renew()
    expect([await get(first), await get(second)]).toEqual([401, 200])
  })

  it('not the key that was made where ADMIN_SECRET is set', async () => {
    const { call, operatorKey } = await start()
    const authorization = `Bearer ${await operatorKey.makeOnce()}`
    expect((await call('GET', '/admin/accounts', undefined, { authorization })).status).toBe(401)
  })

  it('FINDINGS S10: no page of another origin, whatever CORS_ORIGINS allows', async () => {
    for (const origins of ['*', 'https://chat.example']) {
      const { app } = await start({ env: { CORS_ORIGINS: origins } })
      const ask = (method: string) =>
        fetch(`${app.url}/admin/accounts`, {
          method,
          headers: {
            origin: 'https://chat.example',
            'access-control-request-method': 'GET',
            ...(method === 'GET' && { authorization: `Bearer ${secret}` }),
          },
        })
      for (const response of [await ask('OPTIONS'), await ask('GET')])
        expect(response.headers.get('access-control-allow-origin')).toBeNull()
      expect((await ask('OPTIONS')).status).toBe(401)
    }
  })

  it('answers under ROUTE_PREFIX alone, other methods with 405', async () => {
    const { call } = await start({ env: { ROUTE_PREFIX: '/api' } })
    expect((await call('GET', '/api/admin/accounts')).status).toBe(200)
    expect((await call('GET', '/admin/accounts')).status).toBe(404)
    expect((await call('PUT', '/api/admin/accounts', {})).status).toBe(405)
  })
})

/** `fetch` does not let the Host header be chosen. */
function statusFor(port: number, host: string, line = 'GET /admin/accounts'): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const socket = connect(port, '127.0.0.1', () =>
    socket.write(`${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
  )
  socket.once('data', (data) => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(String(data))?.[1])))
  socket.once('error', reject)
  return promise.finally(() => socket.destroy())
}

describe('/admin/usage', () => {
  const nowMs = Date.UTC(2026, 10, 23, 12, 30)
  const row = { hourMs: Date.UTC(2026, 10, 23, 12), account: '0123456789abcdef', model: 'gpt-5.4' }

  async function start(usage: Store['counts'] = () => Promise.resolve([])) {
    const asked: [number, number][] = []
    const app = await startApp({
      env: { ADMIN_SECRET: 'sk-admin', API_SECRET: 'sk-user' },
      services: {
        clock: { now: () => nowMs },
        usage: (sinceMs, untilMs) => {
          asked.push([sinceMs, untilMs])
          return usage(sinceMs, untilMs)
        },
      },
    })
    const get = async (query: string, key = 'sk-admin') => {
      const response = await fetch(`${app.url}/admin/usage${query}`, {
        headers: { authorization: `Bearer ${key}` },
      })
      return { status: response.status, body: await response.json() }
    }
    return { asked, get }
  }

  it('shows rows with the label of the account', async () => {
    const { get } = await start(() =>
      Promise.resolve([
        { ...row, caller: 'fedcba9876543210', succeeded: 3, failed: 2, abandoned: 1 },
        { ...row, account: 'other', model: 'other', caller: '', succeeded: 0, failed: 0, abandoned: 1 },
      ]),
    )
    expect(await get('')).toEqual({
      status: 200,
      body: {
        object: 'list',
        from: '2026-11-22T12:30:00.000Z',
        to: '2026-11-23T12:30:00.000Z',
        data: [
          {
            hour: '2026-11-23T12:00:00.000Z',
            account: 'acc_01234567',
            model: 'gpt-5.4',
            caller: 'fedcba9876543210',
            succeeded: 3,
            failed: 2,
            abandoned: 1,
            key_name: null,
          },
          {
            hour: '2026-11-23T12:00:00.000Z',
            account: 'other',
            model: 'other',
            caller: null,
            succeeded: 0,
            failed: 0,
            abandoned: 1,
            key_name: null,
          },
        ],
      },
    })
  })

  it('FINDINGS O4: names the keys that it knows', async () => {
    const labels = [labelOf('sk-user'), labelOf(''), 'fedcba9876543210']
    const { get } = await start(() =>
      Promise.resolve(labels.map((caller) => ({ ...row, caller, succeeded: 1, failed: 0, abandoned: 0 }))),
    )
    const { body } = await get('')
    expect(body.data.map((each: { key_name: string | null }) => each.key_name)).toEqual([
      'API_SECRET #1',
      'no key',
      null,
    ])
  })

  it.each([
    ['', Date.UTC(2026, 10, 22, 12, 30), nowMs],
    ['?from=2026-11-01T00:00:00Z', Date.UTC(2026, 10, 1), nowMs],
    ['?to=2026-11-02T00:00:00Z', Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 2)],
    ['?from=2026-11-01&to=2026-11-02T02:00:00%2B02:00', Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 2)],
  ])('reads %j', async (query, sinceMs, untilMs) => {
    const { get, asked } = await start()
    expect((await get(query)).status).toBe(200)
    expect(asked).toEqual([[sinceMs, untilMs]])
  })

  it.each([
    ['?from=yesterday', 'from'],
    ['?to=2026-13-01', 'to'],
    ['?to=2026-11-02T00:00:00', 'to'],
    ['?from=2026-11-01&from=2026-11-02', 'from'],
    ['?from=2026-11-03&to=2026-11-02', 'from'],
  ])('refuses %j', async (query, param) => {
    const { get, asked } = await start()
    expect(await get(query)).toMatchObject({ status: 400, body: { error: { code: 'invalid_value', param } } })
    expect(asked).toEqual([])
  })

  it('is the operator’s alone', async () => {
    const { get } = await start()
    expect(await get('', 'sk-user')).toMatchObject({
      status: 401,
      body: { error: { code: 'invalid_api_key' } },
    })
  })
})
