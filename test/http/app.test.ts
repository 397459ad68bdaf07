import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { version } from '../../src/core/version.ts'
import type { Readiness } from '../../src/http/readiness.ts'
import { chatBody, startApp } from './support/start-app.ts'

const errorOf = async (response: Response) => {
  const { error } = (await response.json()) as { error: { code: string } }
  return [response.status, error.code]
}

/** Sends bytes and reads the status line and headers of the reply. */
async function raw(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(request)
  const [reply] = await once(socket, 'data')
  socket.destroy()
  return String(reply)
}

describe('routes', () => {
  it('answers HEAD /api/hello without a key (FINDINGS C26)', async () => {
    const { url } = await startApp({ env: { API_SECRET: 'sk-one' } })
    expect((await fetch(`${url}/api/hello`, { method: 'HEAD' })).status).toBe(200)
  })

  it.each([
    '/v1/chat/completions',
    '/chat/completions',
    '/v1/v1/chat/completions',
    '/v1/chat/completions?beta=true',
    '//v1/chat/completions',
    '/v1//chat/completions/',
  ])('answers POST %s (CLIENTS rules 12 and 17)', async (path) => {
    const { url } = await startApp()
    const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(chatBody) })
    expect(await response.json()).toMatchObject({ object: 'chat.completion' })
  })

  it('answers everything under ROUTE_PREFIX, and the probes at the root too', async () => {
    const { url } = await startApp({ env: { ROUTE_PREFIX: '/api' } })
    const status = async (path: string) => (await fetch(url + path)).status
    expect(await status('/api/v1/models')).toBe(200)
    expect(await status('/api/models')).toBe(200)
    expect(await status('/v1/models')).toBe(404)
    for (const path of ['/livez', '/readyz', '/']) {
      expect([path, await status(path), await status(`/api${path}`)]).toEqual([path, 200, 200])
    }
  })

  it('lists models in the shape that every client takes (CLIENTS 2)', async () => {
    const { url } = await startApp()
    expect(await (await fetch(`${url}/v1/models?limit=1000`)).json()).toEqual({
      object: 'list',
      data: [
        {
          id: 'claude-sonnet-5',
          object: 'model',
          created: 1_700_000_000,
          owned_by: 'anthropic',
          type: 'model',
          display_name: 'Claude Sonnet 5',
          supported_endpoint_types: ['openai'],
          created_at: '2023-11-14T22:13:20.000Z',
        },
        expect.objectContaining({ id: 'org/model:free' }),
      ],
      has_more: false,
      first_id: 'claude-sonnet-5',
      last_id: 'org/model:free',
    })
  })

  it.each(['org/model:free', 'org%2Fmodel%3Afree'])('finds the model %s', async (path) => {
    const { url } = await startApp()
    expect(await (await fetch(`${url}/v1/models/${path}`)).json()).toMatchObject({ id: 'org/model:free' })
  })

  it.each([
    ['GET', '/v1/models/unknown', 404, 'model_not_found'],
    ['GET', '/v1/models/%E0%A4%A', 404, 'model_not_found'],
    ['GET', '/nowhere', 404, 'not_found'],
    ['GET', '/%', 404, 'not_found'],
    ['GET', '/v1/v1/v1/models', 404, 'not_found'],
    ['GET', '/v1/responses', 404, 'not_found'],
    ['GET', '/v1/chat/completions', 405, 'method_not_allowed'],
    ['DELETE', '/v1/models', 405, 'method_not_allowed'],
    ['POST', '/livez', 405, 'method_not_allowed'],
  ])('answers %s %s with %i %s', async (method, path, status, code) => {
    const { url } = await startApp()
    expect(await errorOf(await fetch(url + path, { method }))).toEqual([status, code])
  })

  it('names the methods that a route knows', async () => {
    const { url } = await startApp()
    expect((await fetch(`${url}/v1/chat/completions`)).headers.get('allow')).toBe('POST')
    expect((await fetch(`${url}/v1/models`, { method: 'PUT' })).headers.get('allow')).toBe('HEAD, GET')
  })

  it('answers a WebSocket upgrade of /v1/responses with 426 at once (CLIENTS rule 18)', async () => {
    const { port } = await startApp()
    const reply = await raw(
      port,
      'GET /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    expect(reply).toMatch(/^HTTP\/1\.1 426 /)
    expect(reply).toContain('"code":"upgrade_not_supported"')
  })

  it('shows a page to a person at / and JSON to a program, both with the version', async () => {
    const { url } = await startApp({ env: { ROUTE_PREFIX: '/api' } })
    const home = async (accept: string) => {
      const response = await fetch(url, { headers: { accept } })
      return { type: response.headers.get('content-type'), body: await response.text() }
    }
    expect(await home('*/*')).toEqual({
      type: 'application/json; charset=utf-8',
      body: JSON.stringify({ name: 'genspark2api', version }),
    })
    const page = await home('text/html,application/xhtml+xml,*/*;q=0.8')
    expect(page.type).toBe('text/html; charset=utf-8')
    expect(page.body).toContain(`<code>${url}/api/v1</code>`)
    expect(page.body).toContain(version)
  })

  it('answers HEAD / without a key (CLIENTS rule 19)', async () => {
    const { url } = await startApp({ env: { API_SECRET: 'sk-one' } })
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
  })

  it('gives every reply a request id of its own (CLIENTS rule 21)', async () => {
    const { url } = await startApp()
    const ids = await Promise.all(
      ['/livez', '/v1/models', '/nowhere', '/'].map(async (path) =>
        (await fetch(url + path, { headers: { 'x-request-id': 'mine' } })).headers.get('x-request-id'),
      ),
    )
    expect(new Set(ids).size).toBe(4)
    for (const id of ids) expect(id).toMatch(/^[\da-f-]{36}$/)
  })
})

describe('probes', () => {
  it('H6: /livez is 200 and /readyz 503 with the part by name, both without a key', async () => {
    const readiness = { ready: false, parts: { accounts: { ok: false }, browser: { ok: true } } }
    const { url } = await startApp({
      env: { API_SECRET: 'sk-one' },
      services: { readiness: () => Promise.resolve(readiness) },
    })
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toEqual(readiness)
  })

  it('/readyz names accounts only to who sends a key, where there are keys', async () => {
    const cooling = { account: 'acc_12345678', kind: 'rate-limited' }
    const readiness = { ready: true, parts: { accounts: { ok: true, usable: 1, cooling: [cooling] } } }
    const services = { readiness: () => Promise.resolve(readiness) }
    const ask = async (url: string, key?: string) => {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
      return ((await (await fetch(`${url}/readyz`, { headers })).json()) as typeof readiness).parts.accounts
    }
    const { url } = await startApp({ env: { API_SECRET: 'sk-one', ADMIN_SECRET: 'sk-admin' }, services })
    for (const key of [undefined, 'sk-wrong'])
      expect(await ask(url, key)).toEqual({ ok: true, usable: 1, cooling: [{ kind: 'rate-limited' }] })
    for (const key of ['sk-one', 'sk-admin']) expect((await ask(url, key)).cooling).toEqual([cooling])
    const open = await startApp({ services })
    expect((await ask(open.url)).cooling).toEqual([cooling])
  })

  it('H1: while shutting down only the probes are answered', async () => {
    const app = await startApp()
    app.startShutdown()
    const refused = await app.post(chatBody)
    expect(refused.headers.get('connection')).toBe('close')
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await errorOf(refused)).toEqual([503, 'shutting_down'])
    for (const path of ['/livez', '/readyz']) expect((await fetch(app.url + path)).status).toBe(200)
    expect((await fetch(`${app.url}/metrics`)).status).toBe(401)
  })

  it('FINDINGS S5: shows metrics with a key alone, also to this machine', async () => {
    const { url, post, nextRequestLine } = await startApp({
      env: { API_SECRET: 'sk-one', ADMIN_SECRET: 'sk-admin' },
    })
    const scrape = (headers: Record<string, string>) => fetch(`${url}/metrics`, { headers })
    const ended = nextRequestLine()
    await post(chatBody)
    await ended
    const text = await (await scrape({ 'x-api-key': 'sk-one' })).text()
    expect(text).toContain('genspark2api_requests_total{route="/v1/chat/completions",status="401"} 1')
    expect(await errorOf(await scrape({}))).toEqual([401, 'invalid_api_key'])
    expect(await errorOf(await scrape({ authorization: 'Bearer sk-two' }))).toEqual([401, 'invalid_api_key'])
    for (const key of ['sk-one', 'sk-admin'])
      expect((await scrape({ authorization: `Bearer ${key}` })).status).toBe(200)
  })

  it('FINDINGS S5: shows no metrics to anybody where no key is set', async () => {
    const { url } = await startApp()
    expect(await errorOf(await fetch(`${url}/metrics`))).toEqual([401, 'invalid_api_key'])
  })

  it('FINDINGS S9: asks once for all who wait to know whether it is ready', async () => {
    const { promise, resolve } = Promise.withResolvers<Readiness>()
    let asked = 0
    const readiness = () => {
      asked += 1
      return promise
    }
    const { url, metrics } = await startApp({ services: { readiness } })
    const waiting = Array.from({ length: 20 }, () => fetch(`${url}/readyz`))
    await expect.poll(async () => (await metrics.requestsInFlight.get()).values[0]?.value).toBe(20)
    resolve({ ready: true, parts: {} })
    for (const response of await Promise.all(waiting)) expect(response.status).toBe(200)
    expect(asked).toBe(1)
  })
})

describe('access log', () => {
  it('writes one line a request, without query and headers', async () => {
    const app = await startApp({ env: { API_SECRET: 'sk-canary' } })
    const line = app.nextRequestLine()
    const response = await fetch(`${app.url}/v1/nowhere?key=canary-query`, {
      headers: { authorization: 'Bearer sk-canary', cookie: 'canary-cookie' },
    })
    expect(await line).toMatchObject({
      msg: 'request',
      requestId: response.headers.get('x-request-id'),
      method: 'GET',
      path: '/v1/nowhere',
      status: 404,
      ms: expect.any(Number),
      code: 'not_found',
    })
    expect(app.logs.filter((each) => each.msg === 'request')).toHaveLength(1)
    expect(JSON.stringify(app.logs)).not.toContain('canary')
  })
})

describe('refuseWhenShuttingDown', () => {
  it('tells the load balancer that asks for it, and nobody else, to send the request to another replica', async () => {
    const { url, startShutdown } = await startApp()
    startShutdown()
    const redirect = async (headers: Record<string, string>) => {
      const response = await fetch(`${url}/v1/models`, { headers })
      return [response.status, response.headers.get('x-accel-redirect')]
    }
    expect(await redirect({ 'x-another-replica': 'yes' })).toEqual([503, '@another-replica'])
    expect(await redirect({})).toEqual([503, null])
  })
})
