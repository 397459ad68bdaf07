import { describe, expect, it } from 'vitest'
import { startApp } from '../support/start-app.ts'

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
