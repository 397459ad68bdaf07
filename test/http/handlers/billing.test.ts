import { expect, it } from 'vitest'
import { startApp } from '../support/start-app.ts'

const get = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers })
  return { status: response.status, body: await response.json() }
}

it.each(['', '/v1', '/v1/v1'])('answers under %j, whatever dates are asked for', async (base) => {
  const { url } = await startApp({
    services: { quota: () => Promise.resolve({ remaining: 60, limit: 100 }) },
  })
  const dates = '?start_date=2026-11-01&end_date=2026-11-23'
  expect(await get(`${url}${base}/dashboard/billing/subscription`)).toMatchObject({
    status: 200,
    body: { hard_limit_usd: 100, has_payment_method: true },
  })
  expect(await get(`${url}${base}/dashboard/billing/usage${dates}`)).toEqual({
    status: 200,
    body: { object: 'list', total_usage: 4000 },
  })
})

it('asks for a key like every route of the API', async () => {
  const { url } = await startApp({ env: { API_SECRET: 'sk-1' } })
  expect((await get(`${url}/v1/dashboard/billing/usage`)).status).toBe(401)
  expect((await get(`${url}/v1/dashboard/billing/usage`, { authorization: 'Bearer sk-1' })).status).toBe(200)
})
