import { request as httpRequest } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createTokenSource } from '../../../src/browser/create-token-source.ts'
import type { TokenRequest } from '../../../src/browser/token-source.ts'
import { createAccount } from '../../../src/core/account.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { UnavailableError } from '../../../src/core/errors.ts'
import { silentLogger } from '../../../src/core/logger.ts'
import { createMetrics } from '../../../src/core/metrics.ts'
import { serveRecaptchaDouble } from '../../emulator/recaptcha/serve.ts'
import { startApp, type TestApp, type TestAppOptions } from '../support/start-app.ts'

const open = { VERIFIER_ENDPOINT: '1', API_SECRET: 'sk-operator' }
const cookie = 'session_id=canary-1234'

interface OpenOptions extends Pick<TestAppOptions, 'env'> {
  readonly token: (request: TokenRequest) => Promise<string | undefined>
}

function startVerifier({ env, token }: OpenOptions): Promise<TestApp> {
  return startApp({ env: { ...open, ...env }, services: { tokens: { token } } })
}

/** What the Go client makes of a RECAPTCHA_PROXY_URL: the token, or the error that it reports. Source: WIRE 3.5 */
async function askAsGoClient(recaptchaProxyUrl: string, session = cookie): Promise<string> {
  const baseUrl = recaptchaProxyUrl.endsWith('/') ? recaptchaProxyUrl : `${recaptchaProxyUrl}/`
  const { status, body } = await get(`${baseUrl}genspark`, {
    'User-Agent': 'Go-http-client/1.1',
    'Content-Type': 'application/json',
    Cookie: session,
    'Accept-Encoding': 'gzip',
  })
  if (status !== 200) return `error: status ${status}`
  const { code, token } = JSON.parse(body) as { code?: number; token?: string }
  return code === 200 ? (token ?? '') : 'an ask with an empty body'
}

async function get(url: string, headers: Record<string, string>) {
  const request = httpRequest(url, { headers, agent: false }).end()
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  request.on('error', reject).on('response', async (response) => {
    resolve({ status: response.statusCode ?? 0, body: await readText(response) })
  })
  return promise
}

test.each([
  ['', ''],
  ['/', ''],
  ['/base', '/base'],
  ['/base/', '/base'],
])(
  'the Go client gets a gen-1 token for its cookie with the base URL ending in "%s"',
  async (path, prefix) => {
    const asked: TokenRequest[] = []
    const app = await startVerifier({
      env: { ROUTE_PREFIX: prefix },
      token: async (request) => {
        asked.push(request)
        return '03AF-1'
      },
    })
    expect(await askAsGoClient(app.url + path)).toBe('03AF-1')
    expect(asked).toEqual([
      expect.objectContaining({
        account: { ...createAccount(cookie), isGuest: true },
        generation: 'copilot',
      }),
    ])
  },
)

test('the Go client gets a token that the page of its cookie has made', { timeout: 60_000 }, async () => {
  const double = await serveRecaptchaDouble()
  const tokens = createTokenSource({
    recaptchaMode: 'embedded',
    baseUrl: double.url,
    tokenPrefetch: 0,
    tokenMaxAgeMs: 90_000,
    browserMaxPages: 1,
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
    metrics: createMetrics(),
    limits: { mintMs: 50_000 },
  })
  onTestFinished(async () => {
    await tokens.close()
    await double.close()
  })
  const app = await startVerifier({ token: tokens.token })

  const token = await askAsGoClient(app.url)

  expect(double.redeem(token, { cookie, generation: 'copilot' }).verdict).toBe('accepted')
})

test('a failure is an HTTP status and a body that tells the cause', async () => {
  const app = await startVerifier({
    token: () =>
      Promise.reject(new UnavailableError('token_unavailable', { message: 'No reCAPTCHA token: no page.' })),
  })
  expect(await askAsGoClient(app.url)).toBe('error: status 500')
  const response = await fetch(`${app.url}/genspark`, { headers: { cookie } })
  expect(response.status).toBe(500)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(await response.json()).toEqual({ code: 500, message: 'No reCAPTCHA token: no page.' })
})

test('a bug is not told, and no cookie stands in the log', async () => {
  const app = await startVerifier({ token: () => Promise.reject(new Error('broken')) })
  const response = await fetch(`${app.url}/genspark`, { headers: { cookie } })
  expect(await response.json()).toEqual({ code: 500, message: expect.stringContaining('has been logged') })
  await vi.waitFor(() => expect(app.logs.some(({ msg }) => msg === 'request')).toBe(true))
  expect(JSON.stringify(app.logs)).not.toContain('canary')
})

test('a request without cookie is told so, and with RECAPTCHA_MODE=off there are no tokens', async () => {
  const app = await startVerifier({ token: () => Promise.resolve(undefined) })
  const without = await fetch(`${app.url}/genspark`)
  expect([without.status, await without.json()]).toEqual([
    400,
    { code: 400, message: 'Missing Cookie header.' },
  ])
  const off = await fetch(`${app.url}/genspark`, { headers: { cookie } })
  expect([off.status, await off.json()]).toEqual([
    500,
    { code: 500, message: 'This service makes no tokens: its RECAPTCHA_MODE is off.' },
  ])
})

test('a client that leaves ends the wait for its token', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<AbortSignal>()
  const app = await startVerifier({
    token: ({ signal }) => {
      resolve(signal)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const request = httpRequest(`${app.url}/genspark`, { headers: { cookie }, agent: false }).end()
  request.on('error', () => {})
  const signal = await asked
  const line = app.nextRequestLine()
  request.destroy()
  expect(await line).toMatchObject({ path: '/genspark', status: 499 })
  expect(signal.aborted).toBe(true)
})

test('callers are counted by their rate', async () => {
  const app = await startVerifier({
    env: { REQUEST_RATE_LIMIT: '2' },
    token: () => Promise.resolve('03AF-1'),
  })
  const answers = []
  for (const _round of [1, 2, 3]) answers.push(await askAsGoClient(app.url))
  expect(answers).toEqual(['03AF-1', '03AF-1', 'error: status 429'])
})

test('nothing is there unless VERIFIER_ENDPOINT opens it', async () => {
  const token = vi.fn(() => Promise.resolve('03AF-1'))
  const app = await startVerifier({ env: { VERIFIER_ENDPOINT: '0' }, token })
  expect(await askAsGoClient(app.url)).toBe('error: status 401')
  const withKey = await get(`${app.url}/genspark`, { authorization: 'Bearer sk-operator', cookie })
  expect(withKey.status).toBe(404)
  expect(token).not.toHaveBeenCalled()
})
