import { describe, expect, it } from 'vitest'
import { createOperatorSessions } from '../../../src/store/operator-sessions.ts'
import { createSeal } from '../../../src/store/seal.ts'
import { startMemoryStore } from '../support/memory-store.ts'
import { startApp } from '../support/start-app.ts'

const hourMs = 60 * 60 * 1000
const env = { ADMIN_SECRET: 'adm-canary', API_SECRET: 'sk-client' }

async function start(over: Record<string, string> = {}, path = '') {
  const settings = { ...env, ...over }
  const clock = { ms: Date.UTC(2026, 10, 28), now: () => clock.ms }
  const store = startMemoryStore()
  const sessionsOf = (...adminSecrets: string[]) =>
    createOperatorSessions({ store, seal: createSeal([]), adminSecrets })
  const services = { operatorSessions: sessionsOf(settings.ADMIN_SECRET), clock }
  const app = await startApp({ env: settings, services })
  const ask = (method: string, route: string, headers: Record<string, string> = {}, body?: unknown) =>
    fetch(app.url + path + route, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  const signIn = async (headers: Record<string, string> = {}, secret = settings.ADMIN_SECRET) => {
    const response = await ask('POST', '/admin/session', headers, { secret })
    return { response, cookie: cookieOf(response) }
  }
  return { app, ask, signIn, clock, sessionsOf, own: { origin: app.url, 'x-console': '1' } }
}

const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';')[0] ?? ''

describe('the session of the console', () => {
  it('begins with the operator’s key, as a cookie that no script reads', async () => {
    const { signIn, ask } = await start()
    const { response, cookie } = await signIn()
    expect(response.status).toBe(201)
    expect(await response.json()).toEqual({ object: 'session', expires_at: '2026-11-28T12:00:00.000Z' })
    const attributes = response.headers.get('set-cookie')?.split('; ').slice(1)
    expect(attributes).toEqual(['Max-Age=43200', 'Path=/', 'HttpOnly', 'SameSite=Strict'])
    expect(cookie).not.toContain('canary')
    expect((await ask('GET', '/admin/accounts', { cookie })).status).toBe(200)
  })

  it('has the path of ROUTE_PREFIX', async () => {
    const { signIn, ask } = await start({ ROUTE_PREFIX: '/api' }, '/api')
    const { response, cookie } = await signIn()
    expect(response.headers.get('set-cookie')).toContain('Path=/api/;')
    expect((await ask('GET', '/admin/accounts', { cookie })).status).toBe(200)
  })

  it.each<[string, Record<string, string>, Record<string, string>, boolean]>([
    ['what a trusted proxy says', { TRUSTED_PROXY_HOPS: '1' }, { 'x-forwarded-proto': 'https' }, true],
    ['what anybody says', {}, { 'x-forwarded-proto': 'https' }, false],
    ['a PUBLIC_URL that it was not reached by', { PUBLIC_URL: 'https://api.example' }, {}, false],
  ])('is for https alone by %s: %o %o', async (_, over, headers, secure) => {
    const { signIn } = await start(over)
    const { response } = await signIn(headers)
    expect(response.headers.get('set-cookie')?.includes('; Secure')).toBe(secure)
  })

  it('lasts twelve hours, and goes on while it is used', async () => {
    const { signIn, ask, clock } = await start()
    const { cookie } = await signIn()
    const fresh = await ask('GET', '/admin/accounts', { cookie })
    expect(fresh.headers.get('set-cookie')).toBeNull()
    clock.ms += 11 * hourMs
    const renewed = cookieOf(await ask('GET', '/admin/accounts', { cookie }))
    clock.ms += hourMs
    expect((await ask('GET', '/admin/accounts', { cookie })).status).toBe(401)
    expect((await ask('GET', '/admin/accounts', { cookie: renewed })).status).toBe(200)
  })

  it('ends by signing out, here or everywhere', async () => {
    const { signIn, ask, own } = await start()
    const { cookie } = await signIn()
    const out = await ask('DELETE', '/admin/session', { cookie, ...own })
    expect(out.headers.get('set-cookie')).toContain('g2a=; Max-Age=0')
    const other = (await signIn()).cookie
    await ask('DELETE', '/admin/session?everywhere=true', { cookie, ...own })
    for (const each of [cookie, other])
      expect((await ask('GET', '/admin/accounts', { cookie: each })).status).toBe(401)
    expect((await signIn()).response.status).toBe(201)
  })

  it('holds over restarts and in other replicas, and dies when the secret changes', async () => {
    const { sessionsOf } = await start()
    const signature = await sessionsOf('one', 'two').sign('text')
    expect(await sessionsOf('two', 'one').isSigned('text', signature)).toBe(true)
    expect(await sessionsOf('one').isSigned('text', signature)).toBe(false)
    expect(await sessionsOf('one', 'two').isSigned('other', signature)).toBe(false)
  })

  it('opens the clients’ routes to our own pages, as `console`', async () => {
    const { app, signIn, ask, own } = await start()
    const { cookie } = await signIn()
    const line = app.nextRequestLine()
    const body = { model: 'claude-sonnet-5', messages: [{ role: 'user', content: 'Hi' }] }
    expect((await ask('POST', '/v1/chat/completions', { cookie, ...own }, body)).status).toBe(200)
    await line
    expect((await ask('GET', '/v1/models', { cookie, 'x-console': '1' })).status).toBe(200)
    expect((await ask('GET', '/v1/models', { cookie })).status).toBe(401)
    const strange = { cookie, 'x-console': '1', origin: 'https://evil.example' }
    expect((await ask('POST', '/v1/chat/completions', strange, body)).status).toBe(403)
    expect((await ask('POST', '/v1/chat/completions', { cookie, 'x-console': '1' }, body)).status).toBe(403)
  })
})

describe('CASES G3: who is not let in', () => {
  it('100 wrong secrets: 429 after five, with the true wait, also for the right one then', async () => {
    const { signIn, ask } = await start()
    const statuses: number[] = []
    for (let index = 0; index < 100; index += 1)
      statuses.push((await signIn({}, `wrong-${index}`)).response.status)
    expect(statuses).toEqual([...Array(5).fill(401), ...Array(95).fill(429)])
    const { response, cookie } = await signIn()
    expect(response.status).toBe(429)
    expect(cookie).toBe('')
    const wait = Number(response.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(60)
    expect((await ask('GET', '/admin/accounts', { authorization: 'Bearer adm-canary' })).status).toBe(429)
  })

  it('a forged and an expired session, a client’s key as the secret: 401', async () => {
    const { signIn, ask, clock } = await start()
    const { cookie } = await signIn()
    const [until, signature] = cookie.slice('g2a='.length).split('.')
    const forged = [
      `g2a=${Number(until) + 1}.${signature}`,
      `g2a=${until}.${'A'.repeat(43)}`,
      `g2a=${until}.`,
      'g2a=',
      `xg2a=${until}.${signature}`,
    ]
    for (const each of forged)
      expect((await ask('GET', '/admin/accounts', { cookie: each })).status).toBe(401)
    expect((await signIn({}, 'sk-client')).response.status).toBe(401)
    clock.ms += 12 * hourMs
    expect((await ask('GET', '/admin/accounts', { cookie })).status).toBe(401)
  })

  it.each<[string, Record<string, string>]>([
    ['another origin', { 'x-console': '1', origin: 'https://evil.example' }],
    ['another port', { 'x-console': '1', origin: 'http://127.0.0.1:1' }],
    ['an opaque origin', { 'x-console': '1', origin: 'null' }],
    ['no origin', { 'x-console': '1' }],
    ['no header of the console', {}],
    ['another site, as the browser says', { 'x-console': '1', 'sec-fetch-site': 'cross-site' }],
  ])('a write from %s: 403, nothing changed', async (_, headers) => {
    const { app, signIn, ask } = await start()
    const { cookie } = await signIn()
    const origin =
      headers.origin ?? (headers['x-console'] && !headers['sec-fetch-site'] ? undefined : app.url)
    const sent = { cookie, ...headers, ...(origin && { origin }) }
    const response = await ask('DELETE', '/admin/session?everywhere=true', sent)
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({
      error: { code: 'origin_not_allowed', message: expect.stringContaining('PUBLIC_URL') },
    })
    expect((await ask('GET', '/admin/accounts', { cookie })).status).toBe(200)
  })

  it('a page of another site signs nobody in', async () => {
    const { signIn } = await start()
    expect((await signIn({ origin: 'https://evil.example' })).response.status).toBe(403)
  })

  it('takes writes of PUBLIC_URL’s pages, and of what a trusted proxy was reached by', async () => {
    const over = { PUBLIC_URL: 'https://api.example', TRUSTED_PROXY_HOPS: '1' }
    const { signIn, ask } = await start(over)
    for (const headers of [
      { origin: 'https://api.example' },
      { origin: 'https://other.example:8443', 'x-forwarded-host': 'other.example:8443' },
    ]) {
      const { cookie } = await signIn()
      const sent = { cookie, 'x-console': '1', ...headers } as Record<string, string>
      expect((await ask('DELETE', '/admin/session', sent)).status).toBe(200)
    }
  })
})

describe('the operator’s own limit', () => {
  it('FINDINGS O2: clients’ requests and the operator’s count apart', async () => {
    const { ask } = await start({ REQUEST_RATE_LIMIT: '5' })
    const key = { authorization: 'Bearer adm-canary' }
    for (let index = 0; index < 62; index += 1)
      expect((await ask('GET', '/admin/usage', key)).status).toBe(200)
    expect((await ask('GET', '/v1/models', { authorization: 'Bearer sk-client' })).status).toBe(200)
  })

  it('is 600 a minute', async () => {
    const { ask } = await start()
    const key = { authorization: 'Bearer adm-canary' }
    const response = await ask('GET', '/admin/usage', key)
    expect(response.headers.get('x-ratelimit-limit')).toBe('600')
  })

  it('FINDINGS S10: no other origin gets headers of CORS', async () => {
    const { ask } = await start()
    for (const path of ['/admin/session', '/console', '/console/accounts'])
      expect(
        (await ask('GET', path, { origin: 'https://evil.example' })).headers.get(
          'access-control-allow-origin',
        ),
      ).toBeNull()
  })
})
