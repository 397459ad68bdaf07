import { describe, expect, it } from 'vitest'
import { startApp } from './support/start-app.ts'

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
    { authorization: 'Bearer wrong', 'x-api-key': 'sk-one' },
  ])('takes %j (CLIENTS rule 15)', async (headers) => {
    expect((await ask({ API_SECRET: 'sk-one, sk-two' }, headers as Record<string, string>)).status).toBe(200)
  })

  it.each([
    {},
    { authorization: 'Bearer sk-three' },
    { authorization: 'Bearer ' },
    { authorization: 'Basic sk-one' },
    { authorization: 'sk-one' },
    { 'x-api-key': 'sk-one,sk-two' },
    { 'api-key': 'sk-on' },
  ])('refuses %j', async (headers) => {
    const response = await ask({ API_SECRET: 'sk-one,sk-two' }, headers as Record<string, string>)
    expect(response.status).toBe(401)
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
