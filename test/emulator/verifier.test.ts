import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Emulator, startEmulator } from './emulator.ts'
import { agentBody, askAgent, askCopilot, askHeaders, copilotBody, rawRequest } from './raw-request.ts'
import { readJson } from './read-events.ts'
import { startVerifier, type Verifier } from './verifier.ts'

let emulator: Emulator
let verifier: Verifier
beforeEach(async () => {
  emulator = await startEmulator()
  verifier = await startVerifier(emulator.recaptcha)
})
afterEach(() => Promise.all([verifier.close(), emulator.close()]))

const headers = { 'Content-Type': 'application/json', Cookie: askHeaders.Cookie }
const fetchToken = (more = {}) => rawRequest(`${verifier.url}/genspark`, { headers: { ...headers, ...more } })

test('its token is accepted once, for the cookie that it was asked with', async () => {
  const reply = readJson(await fetchToken())
  expect(reply.code).toBe(200)
  const body = { ...copilotBody, g_recaptcha_token: reply.token }
  await askCopilot(emulator.url, body)
  await askCopilot(emulator.url, body)
  const ofBob = readJson(await fetchToken({ Cookie: 'session_id=bob' })).token
  await askCopilot(emulator.url, { ...copilotBody, g_recaptcha_token: ofBob })
  expect(emulator.asks.map(({ token }) => token.verdict)).toEqual(['accepted', 'used', 'wrong-cookies'])
  expect(verifier.cookies).toEqual(['session_id=alice', 'session_id=bob'])
})

test('it mints for gen 2 when told to', async () => {
  verifier.behaviour.generation = 'agent'
  const { token } = readJson(await fetchToken())
  await askAgent(emulator.url, { ...agentBody, g_recaptcha_token: token })
  expect(emulator.asks[0]?.token.verdict).toBe('accepted')
})

test.each([
  ['code-500', 200, '{"code":500,"message":"no token could be made"}'],
  ['error', 500, '{"code":500,"message":"the browser has crashed"}'],
  ['empty-token', 200, '{"code":200,"token":""}'],
  ['bad-json', 200, '<html>not JSON</html>'],
] as const)('%s', async (answer, status, body) => {
  verifier.behaviour.answer = answer
  const reply = await fetchToken()
  expect([reply.status, reply.body.toString()]).toEqual([status, body])
})

test('it may break the connection, or never answer', async () => {
  verifier.behaviour.answer = 'reset'
  await expect(fetchToken()).rejects.toMatchObject({ code: 'ECONNRESET' })
  verifier.behaviour.answer = 'never'
  const open = fetchToken()
  open.catch(() => {})
  await expect.poll(() => verifier.cookies.length).toBe(2)
  await verifier.close()
  await expect(open).rejects.toMatchObject({ code: 'ECONNRESET' })
  verifier = await startVerifier(emulator.recaptcha)
})

test('requests of another form are violations', async () => {
  await fetchToken({ Cookie: '' })
  await fetchToken({ 'Content-Type': 'text/plain' })
  await rawRequest(`${verifier.url}/else`, { headers })
  expect(verifier.violations).toEqual([
    'GET /genspark: no Cookie',
    'GET /genspark: Content-Type text/plain',
    'GET /else: an unknown path',
  ])
})
