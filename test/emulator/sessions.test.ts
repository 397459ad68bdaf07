import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Emulator, startEmulator } from './emulator.ts'
import { agentBody, agentImageBody, askAgent, askHeaders, rawRequest } from './raw-request.ts'
import { readJson } from './read-events.ts'
import { agentSiteKey } from './recaptcha/token-ledger.ts'

let emulator: Emulator
beforeEach(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterEach(() => emulator.close())

const get = (path: string, cookie?: string) => {
  const { Cookie: _alice, ...headers } = askHeaders
  return rawRequest(`${emulator.url}${path}`, {
    headers: { ...headers, Accept: '*/*', ...(cookie ? { Cookie: cookie } : {}) },
  })
}
const login = async (cookie?: string) => readJson(await get('/api/is_login', cookie)).data
const ask = (sessionId: string, body: unknown = agentBody) =>
  askAgent(emulator.url, body, { Cookie: `session_id=${sessionId}` })

test('an answer renews the session; then the old value is a guest (WIRE 2.3, 5.10 A1)', async () => {
  const newId = emulator.rollSession('alice')
  const reply = await ask('alice')
  expect(reply.status).toBe(200)
  expect(reply.headers['set-cookie']).toEqual([
    `session_id=${newId}; Path=/; Max-Age=1728000; HttpOnly`,
    expect.stringMatching(/^c1=[\w-]+; Path=\/; Max-Age=86400$/),
    expect.stringMatching(/^c2=[\w-]+; Path=\/; Max-Age=86400$/),
    expect.stringMatching(/^gslogin=[\w-]+; Path=\/$/),
    expect.stringMatching(/^__cf_bm=[\w-]+; Path=\/; Max-Age=1800; HttpOnly$/),
  ])

  const old = await ask('alice')
  expect([old.status, readJson(old)]).toEqual([401, { status: -5, message: 'not login', data: {} }])
  expect(await login('session_id=alice')).toEqual({ is_login: false })
  const renewed = await ask(newId)
  expect([renewed.status, renewed.headers['set-cookie']]).toEqual([200, undefined])
  expect(emulator.asks.at(-1)).toMatchObject({ sessionId: newId, account: 'alice' })
  expect(emulator.violations).toEqual([])
})

test('the account stays the same: its id, projects, files and quota (WIRE 4.10)', async () => {
  emulator.answerWith({ type: 'media' })
  await ask('alice', agentImageBody)
  const [project] = emulator.projects.keys()
  const [file = ''] = emulator.files.keys()
  const newId = emulator.rollSession('alice')
  expect((await login('session_id=alice')).cogen_id).toBe('alice')
  expect((await login(`session_id=${newId}`)).cogen_id).toBe('alice')

  emulator.answerWith(undefined)
  const reply = await ask(newId, { ...agentBody, project_id: project })
  expect(reply.body.toString()).toContain('canned answer')
  const path = new URL(file).pathname
  expect((await get(path, `session_id=${newId}`)).headers['content-type']).toBe('image/png')
  expect(readJson(await get(path, 'session_id=alice'))).toMatchObject({ status: -5 })
})

test('a test says which answer renews, and what', async () => {
  emulator.rollSession('alice', { on: 'POST /api/agent/ask_proxy', names: ['c1'] })
  expect((await get('/api/user', 'session_id=alice')).headers['set-cookie']).toBeUndefined()
  expect((await ask('alice')).headers['set-cookie']).toEqual([expect.stringContaining('c1=')])
  expect((await ask('alice')).status).toBe(200)
})

test('a token that was made before is good after, and one of another account is not', async () => {
  const mint = (cookie: string) =>
    emulator.recaptcha.mint({ cookie, siteKey: agentSiteKey, action: 'submit' })
  const [early, other] = [mint('session_id=alice; c1=old'), mint('session_id=bob; c1=old')]
  const newId = emulator.rollSession('alice')
  await get('/api/is_login', 'session_id=alice; c1=old')
  for (const g_recaptcha_token of [early, other]) await ask(newId, { ...agentBody, g_recaptcha_token })
  expect(emulator.asks.map(({ token }) => token.verdict)).toEqual(['accepted', 'wrong-cookies'])
})

test('one person may have several sessions', async () => {
  emulator.signIn('at-home', 'alice')
  expect((await login('session_id=at-home')).cogen_id).toBe('alice')
  expect((await login('session_id=bob')).cogen_id).toBe('bob')
})

test('without a session one is a guest (WIRE 5.8)', async () => {
  expect(await login()).toEqual({ is_login: false })
  expect(readJson(await get('/api/user'))).toEqual({ status: -5, message: 'user not found' })
  expect(emulator.violations).toEqual([])
})
