import { describe, expect, it } from 'vitest'
import type { AppServices } from '../../src/http/app.ts'
import { startApp, type TestApp } from './support/start-app.ts'

const env = { API_SECRET: 'sk-client', ADMIN_SECRET: 'adm-right', REQUEST_RATE_LIMIT: '0' }

const get = (app: TestApp, key: string, path = '/admin/accounts', headers: Record<string, string> = {}) =>
  fetch(app.url + path, { headers: { ...(key && { authorization: `Bearer ${key}` }), ...headers } })

describe('CASES G3: wrong secrets of the operator', () => {
  it.each([
    ['each another', (index: number) => `adm-${index}`],
    ['the same one', () => 'adm-wrong'],
    ["a client's key", () => 'sk-client'],
    ['one with letters of another case', () => 'ADM-RIGHT'],
    ['a longer one', () => 'adm-right-and-more'],
    ['a shorter one', () => 'adm-righ'],
  ])('100 of them, %s: 401 five times, then 429 with the true wait', async (_, secret) => {
    const app = await startApp({ env })
    const statuses: number[] = []
    for (let index = 0; index < 100; index += 1) statuses.push((await get(app, secret(index))).status)
    expect(statuses).toEqual([...Array(5).fill(401), ...Array(95).fill(429)])
    const refused = await get(app, 'adm-right')
    expect(refused.status).toBe(429)
    const wait = Number(refused.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(60)
    expect(await refused.json()).toMatchObject({
      error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
    })
  })

  it('are counted when many come at once, before it is known that they are wrong', async () => {
    const allCame = Promise.withResolvers<void>()
    let came = 0
    const operatorKey = { looksMade: () => true, matches: () => allCame.promise.then(() => false) }
    const services = { operatorKey: operatorKey as unknown as AppServices['operatorKey'] }
    const app = await startApp({ env: { API_SECRET: 'sk-client', REQUEST_RATE_LIMIT: '0' }, services })
    app.server.on('request', () => {
      came += 1
      if (came === 40) allCame.resolve()
    })
    const answers = Array.from({ length: 40 }, (_, index) => get(app, `g2a-admin-${index}`))
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(5)
    expect(statuses.filter((status) => status === 429)).toHaveLength(35)
  })

  it('leave no trace of a right one, however often it comes at once', async () => {
    const app = await startApp({ env })
    const answers = await Promise.all(Array.from({ length: 40 }, () => get(app, 'adm-right')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })

  it('do not shut out who sends no key, nor the clients of /v1', async () => {
    const app = await startApp({ env })
    for (let index = 0; index < 6; index += 1) await get(app, `adm-${index}`)
    expect((await get(app, '')).status).toBe(401)
    expect((await get(app, 'sk-client', '/v1/models')).status).toBe(200)
    expect((await get(app, '', '/livez')).status).toBe(200)
  })

  it('count in whatever header and on whatever route they come', async () => {
    const app = await startApp({ env })
    await get(app, '', '/admin/usage', { 'x-api-key': 'adm-1', 'api-key': 'adm-2' })
    await get(app, 'adm-3', '/metrics')
    await get(app, 'adm-4', '/admin/nothing')
    expect((await get(app, 'adm-5')).status).toBe(401)
    for (const path of ['/admin/accounts', '/admin/usage', '/metrics'])
      expect((await get(app, 'adm-6', path)).status).toBe(429)
  })

  it('are counted by address, which no client can make up', async () => {
    const app = await startApp({ env: { ...env, TRUSTED_PROXY_HOPS: '1' } })
    const from = (address: string, key: string) =>
      get(app, key, '/admin/accounts', { 'x-forwarded-for': address })
    for (let index = 0; index < 6; index += 1) await from(`10.0.0.${index}, 203.0.113.7`, `adm-${index}`)
    expect((await from('198.51.100.1, 203.0.113.7', 'adm-right')).status).toBe(429)
    expect((await from('203.0.113.7, 203.0.113.8', 'adm-right')).status).toBe(200)
    for (let index = 0; index < 6; index += 1) await from(`2001:db8:1:2::${index}`, `adm-${index}`)
    expect((await from('2001:db8:1:2:ffff::1', 'adm-right')).status).toBe(429)
  })
})

describe('CASES H4: the routes of the operator', () => {
  const routes: readonly (readonly [string, string])[] = [
    ['GET', '/admin/accounts'],
    ['POST', '/admin/accounts'],
    ['PATCH', '/admin/accounts/acc_12345678'],
    ['DELETE', '/admin/accounts/acc_12345678'],
    ['POST', '/admin/accounts/acc_12345678/check'],
    ['GET', '/admin/usage'],
    ['GET', '/metrics'],
  ]
  const spellings = [
    '/admin/accounts/',
    '/admin//accounts',
    '//admin/accounts',
    '/ADMIN/accounts',
    '/%61dmin/accounts',
    '/admin%2faccounts',
    '/v1/admin/accounts',
    '/v1/../admin/accounts',
    '/admin/./accounts',
    '/admin/accounts?key=adm-right',
    '/admin/accounts;x',
    '/admin/',
    '/admin',
  ]

  it.each(['', 'adm-wrong'])('are closed to the key %j', async (key) => {
    const app = await startApp({ env })
    for (const [method, path] of routes) {
      const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) }
      const response = await fetch(app.url + path, {
        method,
        headers,
        ...(method === 'POST' && { body: '{}' }),
      })
      expect([path, response.status]).toEqual([path, 401])
      expect(JSON.stringify(await response.json())).not.toContain('acc_')
    }
  })

  it('are closed to a client’s key in every spelling of their paths', async () => {
    const app = await startApp({ env })
    for (const path of spellings) {
      const response = await get(app, 'sk-client', path)
      expect([path, [401, 404, 405, 429].includes(response.status)]).toEqual([path, true])
      expect(await response.text()).not.toContain('"object":"list"')
    }
  })
})
