import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ServiceError } from '../../src/core/errors.ts'
import { chatBody, startApp } from './support/start-app.ts'

async function ask(env: Record<string, string>, headers: Record<string, string>) {
  const { url } = await startApp({ env })
  return fetch(`${url}/v1/models`, { headers })
}

describe('authenticate', () => {
  it.each([
    { authorization: 'Bearer sk-one' },
    { authorization: 'bearer  sk-two ' },
    { 'x-api-key': 'sk-two' },
    { 'api-key': 'sk-one' },
    { authorization: 'sk-one' },
    { authorization: 'Bearer Bearer sk-one' },
    { 'x-goog-api-key': 'sk-two' },
    { authorization: 'Bearer wrong', 'x-api-key': 'sk-one' },
  ])('takes %j (CLIENTS rule 15, FINDINGS C18)', async (headers) => {
    expect((await ask({ API_SECRET: 'sk-one, sk-two' }, headers as Record<string, string>)).status).toBe(200)
  })

  it.each([
    {},
    { authorization: 'Bearer sk-three' },
    { authorization: 'Bearer ' },
    { authorization: 'Basic sk-one' },
    { authorization: 'Bearer sk-three sk-one' },
    { 'x-api-key': 'sk-one,sk-two' },
    { 'api-key': 'sk-on' },
  ])('refuses %j, and says that asking again will not help (FINDINGS C22)', async (headers) => {
    const response = await ask({ API_SECRET: 'sk-one,sk-two' }, headers as Record<string, string>)
    expect(response.status).toBe(401)
    expect(response.headers.get('x-should-retry')).toBe('false')
    const text = await response.text()
    expect(JSON.parse(text)).toMatchObject({
      error: { type: 'invalid_request_error', code: 'invalid_api_key' },
    })
    expect(text).not.toMatch(/sk-(one|two|three)/)
  })

  it('lets everyone in when there are no keys', async () => {
    expect((await ask({}, {})).status).toBe(200)
  })
})

describe('whose key it is', () => {
  async function started(env: Record<string, string>) {
    const callers: (string | undefined)[] = []
    const app = await startApp({
      env,
      runChat: (_chat, { caller }) => {
        callers.push(caller)
        return Promise.reject(new ServiceError('upstream_empty'))
      },
    })
    const ask = (headers: Record<string, string>) => app.post(chatBody, { headers })
    return { callers, ask }
  }
  const label = (key: string) => createHash('sha256').update(key).digest('hex').slice(0, 16)

  it('FINDINGS S6: books a request to the key that let it in, whatever stands before it', async () => {
    const { callers, ask } = await started({ API_SECRET: 'sk-a,sk-b' })
    await ask({ authorization: 'Bearer made-up-1', 'x-api-key': 'sk-a' })
    await ask({ authorization: 'Bearer made-up-2', 'x-api-key': 'made-up-3', 'api-key': 'sk-b' })
    expect(callers).toEqual([label('sk-a'), label('sk-b')])
  })

  it('takes the operator’s key too, and books it to the console', async () => {
    const { callers, ask } = await started({ API_SECRET: 'sk-a', ADMIN_SECRET: 'sk-op' })
    await ask({ authorization: 'Bearer sk-op' })
    expect((await ask({ authorization: 'Bearer sk-other' })).status).toBe(401)
    const keyless = await started({ ADMIN_SECRET: 'sk-op' })
    await keyless.ask({ 'x-api-key': 'sk-op' })
    expect([...callers, ...keyless.callers]).toEqual(['console', 'console'])
  })
})

describe('a service without keys', () => {
  it.each<[Record<string, string>, Record<string, string>, number]>([
    [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain' },
      {},
      403,
    ],
    [{ origin: 'https://evil.example' }, {}, 403],
    [{ origin: 'null' }, {}, 403],
    [{ origin: 'http://127.0.0.1:1' }, {}, 403],
    [{ origin: 'http://HOST.evil.example' }, {}, 403],
    [{ 'sec-fetch-site': 'cross-site' }, {}, 403],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://HOST' }, {}, 200],
    [{ origin: 'https://chat.example' }, { CORS_ORIGINS: 'https://chat.example' }, 200],
    [
      { origin: 'https://chat.example', 'sec-fetch-site': 'cross-site' },
      { CORS_ORIGINS: '*,https://chat.example' },
      200,
    ],
    [{ origin: 'https://evil.example' }, { CORS_ORIGINS: '*,https://chat.example' }, 403],
    [{ origin: 'http://HOST' }, {}, 200],
    [{ origin: 'https://api.example' }, { PUBLIC_URL: 'https://api.example/gw' }, 200],
    [{ origin: 'https://api.example', 'x-forwarded-host': 'api.example' }, { TRUSTED_PROXY_HOPS: '1' }, 403],
    [{ origin: 'https://api.example', 'x-forwarded-host': 'api.example' }, {}, 403],
    [{ 'sec-fetch-site': 'same-origin' }, {}, 200],
    [{ 'sec-fetch-site': 'none' }, {}, 200],
    [{}, {}, 200],
    [{ origin: 'https://evil.example', authorization: 'Bearer sk-op' }, { ADMIN_SECRET: 'sk-op' }, 200],
  ])('FINDINGS S5: %j with %j gets %i', async (headers, env, status) => {
    const app = await startApp({ env })
    const { host } = new URL(app.url)
    const sent = Object.fromEntries(
      Object.entries(headers).map(([name, text]) => [name, text.replace('HOST', host)]),
    )
    const ask = (path: string, init: RequestInit) => fetch(app.url + path, { ...init, headers: sent })
    for (const response of [
      await ask('/v1/models', {}),
      await ask('/v1/chat/completions', { method: 'POST', body: JSON.stringify(chatBody) }),
    ]) {
      expect(response.status).toBe(status)
      if (status === 403)
        expect(await response.json()).toMatchObject({
          error: { type: 'permission_error', code: 'origin_not_allowed' },
        })
    }
    expect((await ask('/livez', {})).status).toBe(200)
  })

  it('does not judge strangers where a key is asked for', async () => {
    const app = await startApp({ env: { API_SECRET: 'sk-a' } })
    const headers = { origin: 'https://chat.example', authorization: 'Bearer sk-a' }
    expect((await fetch(`${app.url}/v1/models`, { headers })).status).toBe(200)
  })
})
