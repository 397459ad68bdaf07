import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Stack, startStack } from '../support/stack.ts'

const secret = 'operator-secret-of-tests'
let stack: Stack

beforeEach(async () => {
  stack = await startStack({
    env: { GS_COOKIE: '', RECAPTCHA_MODE: 'off', ADMIN_SECRET: secret },
    emulator: { tokenCheck: 'off' },
  })
})
afterEach(async () => {
  expect(JSON.stringify(stack.logs)).not.toContain('canary')
  await stack.stop()
})

async function admin(method: string, path: string) {
  const headers = { authorization: `Bearer ${secret}` }
  const response = await fetch(`${stack.url}/admin/accounts/login${path}`, { method, headers })
  const text = await response.text()
  expect(text).not.toContain('canary')
  return { status: response.status, body: JSON.parse(text) }
}

it('FINDINGS K9 gets a key by a sign-in in the operator’s browser, and shows no secret of it', async () => {
  const begun = await admin('POST', '')
  expect(begun).toMatchObject({
    status: 202,
    body: { status: 'pending', auth_url: expect.stringContaining(`${stack.emulator.url}/cli_auth`) },
  })
  const path = `/${begun.body.id}`
  expect((await admin('GET', path)).body).toMatchObject({ status: 'pending' })
  stack.emulator.vendor.deviceLogins.set('canary-device-1', 'gsk-canary-login')
  await expect
    .poll(async () => (await admin('GET', path)).body, { timeout: 20_000 })
    .toMatchObject({ status: 'approved', account: { type: 'api-key', state: 'usable' } })
  const { choices } = await stack.openai.chat.completions.create({
    model: 'gpt-5.4',
    messages: [{ role: 'user', content: 'Hello' }],
  })
  expect(choices[0]?.message.content).toContain('by API key')
})

it('FINDINGS K9 ends a sign-in that expires, and forgets one that is cancelled', async () => {
  const { body } = await admin('POST', '')
  stack.emulator.vendor.deviceLogins.set('canary-device-1', 'expired')
  await expect
    .poll(async () => (await admin('GET', `/${body.id}`)).body.status, { timeout: 20_000 })
    .toBe('expired')
  const second = (await admin('POST', '')).body
  expect((await admin('DELETE', `/${second.id}`)).status).toBe(200)
  expect((await admin('GET', `/${second.id}`)).status).toBe(404)
})
