import { describe, expect, it } from 'vitest'
import { startApp } from '../support/start-app.ts'

describe('limitRate', () => {
  it('refuses what is above the limit and says when to come again', async () => {
    const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: '2' } })
    const ask = () => fetch(`${url}/v1/models`)
    expect((await ask()).headers.get('x-ratelimit-remaining')).toBe('1')
    expect((await ask()).headers.get('x-ratelimit-limit')).toBe('2')
    const refused = await ask()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0')
    const retryAfter = Number(refused.headers.get('retry-after'))
    expect(Number.isInteger(retryAfter) && retryAfter >= 1 && retryAfter <= 60).toBe(true)
    expect(await refused.json()).toMatchObject({
      error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
    })
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })

  it('tells whole seconds, and no wait that ends before the window does', async () => {
    const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: '1' } })
    const startedMs = performance.now()
    const served = await fetch(`${url}/v1/models`)
    const refused = await fetch(`${url}/v1/models`)
    expect(served.headers.get('x-ratelimit-reset')).toMatch(/^\d+$/)
    expect(refused.headers.get('x-ratelimit-reset')).toBe(served.headers.get('x-ratelimit-reset'))
    const passedS = (performance.now() - startedMs) / 1000
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(60 - passedS)
    expect(refused.headers.get('x-should-retry')).toBeNull()
  })

  it('counts each client for itself', async () => {
    const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: '1', TRUSTED_PROXY_HOPS: '1' } })
    const ask = async (address: string) =>
      (await fetch(`${url}/v1/models`, { headers: { 'x-forwarded-for': address } })).status
    expect([await ask('192.0.2.1'), await ask('192.0.2.2'), await ask('192.0.2.1')]).toEqual([200, 200, 429])
  })

  it('0 is no limit', async () => {
    const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: '0' } })
    const response = await fetch(`${url}/v1/models`)
    expect([response.status, response.headers.get('x-ratelimit-limit')]).toEqual([200, null])
  })
})
