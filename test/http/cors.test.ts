import { describe, expect, it } from 'vitest'
import { startApp } from './support/start-app.ts'

const web = { origin: 'https://chat.example' }

describe('cors', () => {
  it.each(['/v1/chat/completions', '/v1/models', '/nowhere', '/livez'])(
    'answers the preflight of %s before any key is asked for (CLIENTS rule 13)',
    async (path) => {
      const { url } = await startApp({ env: { API_SECRET: 'sk-one' } })
      const asked = 'authorization,content-type,x-stainless-lang'
      const response = await fetch(url + path, {
        method: 'OPTIONS',
        headers: { ...web, 'access-control-request-method': 'POST', 'access-control-request-headers': asked },
      })
      expect(response.status).toBe(204)
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(response.headers.get('access-control-allow-headers')).toBe(asked)
      expect(response.headers.get('access-control-allow-methods')).toContain('POST')
      expect(response.headers.get('access-control-allow-credentials')).toBeNull()
    },
  )

  it('answers an OPTIONS that is no preflight with 204', async () => {
    const { url } = await startApp({ env: { API_SECRET: 'sk-one' } })
    expect((await fetch(`${url}/v1/models`, { method: 'OPTIONS' })).status).toBe(204)
  })

  it('allows and exposes on errors too', async () => {
    const { url } = await startApp({ env: { API_SECRET: 'sk-one' } })
    const response = await fetch(`${url}/v1/models`, { headers: web })
    expect(response.status).toBe(401)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-expose-headers')).toContain('x-request-id')
  })

  it('allows the listed origins and its own, and refuses others', async () => {
    const { url } = await startApp({ env: { CORS_ORIGINS: 'https://chat.example' } })
    const ask = (headers: Record<string, string>, method = 'GET') =>
      fetch(`${url}/v1/models`, { method, headers })
    const listed = await ask(web)
    expect([listed.status, listed.headers.get('access-control-allow-origin')]).toEqual([
      200,
      'https://chat.example',
    ])
    expect(listed.headers.get('vary')).toBe('Origin')
    expect((await ask({ origin: url })).status).toBe(200)
    expect((await ask({})).status).toBe(200)
    for (const method of ['GET', 'OPTIONS']) {
      for (const origin of ['https://evil.example', 'null']) {
        const foreign = await ask({ origin, 'access-control-request-method': 'GET' }, method)
        expect(foreign.status).toBe(403)
        expect(foreign.headers.get('access-control-allow-origin')).toBeNull()
        expect(await foreign.json()).toMatchObject({ error: { code: 'origin_not_allowed' } })
      }
    }
  })
})
