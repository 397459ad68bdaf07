import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openChromium } from '../../support/chromium.ts'
import { startHttpProxy } from '../../support/proxies.ts'
import { selfSignedSpkiHash } from '../../support/self-signed.ts'
import { type Emulator, startEmulator } from '../emulator.ts'
import { agentBody, agentImageBody, rawRequest } from '../raw-request.ts'
import { agentSiteKey } from '../recaptcha/token-ledger.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openChromium([`--ignore-certificate-errors-spki-list=${selfSignedSpkiHash}`])
})
afterAll(() => browser.close())

const pagePath = '/agents?type=ai_chat'

describe.each([
  ['plain HTTP', false],
  ['HTTP/2 over TLS', true],
])('a real page over %s', (_name, tls) => {
  let emulator: Emulator
  let context: BrowserContext
  let page: Page
  beforeEach(async () => {
    emulator = await startEmulator({ tls, challenge: 'clients', tokenCheck: 'off' })
    context = await open()
    page = await context.newPage()
    expect((await page.goto(emulator.url + pagePath))?.status()).toBe(200)
  })
  afterEach(async () => {
    await context.close()
    await emulator.close()
  })

  async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<BrowserContext> {
    const opened = await browser.newContext(options)
    await opened.addCookies([{ name: 'session_id', value: 'alice', url: emulator.url }])
    return opened
  }

  const lastAsk = () => emulator.asks.at(-1)
  const cookiesOf = async () =>
    Object.fromEntries((await context.cookies()).map(({ name, value }) => [name, value]))

  test('streams an ask by its own fetch, piece by piece (WIRE 2.6)', async () => {
    const held = Promise.withResolvers<void>()
    async function* chunks() {
      yield 'first '
      await held.promise
      yield 'last'
    }
    emulator.answerWith({ type: 'answer', chunks: chunks() })
    expect(await page.evaluate(beginAsk, agentBody)).toBe(200)
    expect(await page.evaluate(readUntil, 'first ')).toBe(true)
    held.resolve()
    expect(await page.evaluate(readUntil, 'FINISHED')).toBe(true)
    await emulator.until(() => emulator.openAsks() === 0)
    expect(lastAsk()).toMatchObject({
      ended: 'whole',
      httpVersion: tls ? '2.0' : '1.1',
      origin: emulator.url,
    })
    expect(emulator.violations).toEqual([])
  })

  test('gets tokens and answers with them, the edge’s cookies notwithstanding', async () => {
    const token = await page.evaluate(mint, agentSiteKey)
    await page.evaluate(beginAsk, { ...agentBody, g_recaptcha_token: token })
    await page.evaluate(readUntil, 'FINISHED')
    expect(lastAsk()?.token.verdict).toBe('accepted')
    expect(Object.keys(await cookiesOf()).sort()).toEqual(['__cf_bm', 'cf_clearance', 'session_id'])
  })

  test('asks at once, as soon as its navigation has committed', async () => {
    const second = await (await open()).newPage()
    await second.goto(emulator.url + pagePath, { waitUntil: 'commit' })
    expect(await second.evaluate(statusOf, '/api/is_login')).toBe(200)
    await second.context().close()
  })

  test('ends an ask by an abort', async () => {
    emulator.answerWith({ type: 'answer', keepalives: Number.POSITIVE_INFINITY, keepaliveDelayMs: 5 })
    await page.evaluate(beginAsk, agentBody)
    await page.evaluate(() => (globalThis as unknown as Reading).abort())
    await emulator.until(() => emulator.openAsks() === 0)
    expect(lastAsk()?.ended).toBe('client-closed')
  })

  test.each(['reset', 'hang-up'] as const)('gets an error when an answer breaks off by a %s', async (how) => {
    emulator.answerWith({ type: 'answer', cut: { after: 'first-token', how } })
    await page.evaluate(beginAsk, agentBody)
    await expect(page.evaluate(readUntil, 'FINISHED')).rejects.toThrow('TypeError')
    expect(lastAsk()?.ended).toBe('cut')
    expect(await page.evaluate(statusOf, '/api/is_login')).toBe(200)
  })

  test('of another origin is refused', async () => {
    const other = await context.newPage()
    const port = new URL(emulator.url).port
    await other.goto(tls ? `https://127.0.0.1:${port}/` : `http://localhost:${port}/`)
    const url = `${emulator.url}/api/is_login`
    await expect(other.evaluate(statusOf, url)).rejects.toThrow('Failed to fetch')
    expect(emulator.requests.at(-1)).toMatchObject({
      path: '/api/is_login',
      challenged: expect.stringContaining('a fetch of http'),
    })
  })

  test('lends nothing to other ways of asking: Playwright’s own client, its cookies in another', async () => {
    const trusting = await open({ ignoreHTTPSErrors: true })
    const routed = await trusting.newPage()
    await routed.route('**/api/is_login', async (route) => route.fulfill({ response: await route.fetch() }))
    await routed.goto(emulator.url + pagePath)
    expect(await routed.evaluate(statusOf, '/api/is_login')).toBe(403)
    expect((await trusting.request.get(`${emulator.url}/api/is_login`)).status()).toBe(403)
    await trusting.close()

    expect(await page.evaluate(statusOf, '/api/is_login')).toBe(200)
    const cookie = Object.entries(await cookiesOf())
      .map((pair) => pair.join('='))
      .join('; ')
    expect(cookie).toContain('cf_clearance=')
    const headers = { 'user-agent': await page.evaluate(() => navigator.userAgent), cookie }
    const plainUrl = `${emulator.plainUrl}/api/is_login`
    expect((await rawRequest(plainUrl, { headers })).status).toBe(403)
  })

  test('is challenged as well where all are', async () => {
    emulator.challenge = 'all'
    expect(await page.evaluate(statusOf, '/api/is_login')).toBe(403)
    const answer = await page.goto(emulator.url + pagePath)
    expect([answer?.status(), await page.title()]).toEqual([403, 'Just a moment...'])
    emulator.challenge = 'clients'
    await page.goto(emulator.url + pagePath)
    expect(await page.evaluate(statusOf, '/api/is_login')).toBe(200)
  })

  test('passes when the challenge begins while it is open', async () => {
    emulator.challenge = 'off'
    const fresh = await (await open()).newPage()
    await fresh.goto(emulator.url + pagePath)
    emulator.challenge = 'clients'
    expect(await fresh.evaluate(statusOf, '/api/is_login')).toBe(200)
    await fresh.context().close()
  })

  test('passes through a proxy, which may be challenged for itself', async () => {
    const proxy = await startHttpProxy()
    const { username, password } = new URL(proxy.url)
    const credentials = { username, password: decodeURIComponent(password) }
    const proxied = await open({ proxy: { server: `http://127.0.0.1:${proxy.port}`, ...credentials } })
    try {
      const behind = await proxied.newPage()
      await behind.goto(emulator.url + pagePath)
      expect(await behind.evaluate(statusOf, '/api/is_login')).toBe(200)
      emulator.challenge = ({ remotePort = 0 }) => (proxy.outgoingPorts.has(remotePort) ? 'all' : 'clients')
      expect(await behind.evaluate(statusOf, '/api/is_login')).toBe(403)
      expect(await page.evaluate(statusOf, '/api/is_login')).toBe(200)
      expect(proxy.refusals.length).toBeLessThan(proxy.asked.length)
    } finally {
      await proxied.close()
      await proxy.close()
    }
  })

  test('keeps what an answer renews: the session, and who it is (WIRE 2.3)', async () => {
    const sessionId = emulator.rollSession('alice')
    expect(await page.evaluate(cogenId)).toBe('alice')
    expect(await cookiesOf()).toMatchObject({ session_id: sessionId, gslogin: expect.any(String) })
    expect(await page.evaluate(cogenId)).toBe('alice')
    const token = await page.evaluate(mint, agentSiteKey)
    expect(await page.evaluate(beginAsk, { ...agentBody, g_recaptcha_token: token })).toBe(200)
    expect(lastAsk()).toMatchObject({ sessionId, account: 'alice', token: { verdict: 'accepted' } })
  })

  test('gets a file of another origin by a navigation alone (WIRE 2.6)', async () => {
    emulator.answerWith({
      type: 'media',
      tasks: [{ place: 'redirect-elsewhere', bytes: Buffer.from('bytes') }],
    })
    await page.evaluate(beginAsk, agentImageBody)
    await page.evaluate(readUntil, 'FINISHED')
    const url = [...emulator.files.keys()].findLast((key) => key.includes('/api/files/')) ?? ''
    const answered = page.waitForResponse(url)
    await expect(page.evaluate(statusOf, url)).rejects.toThrow('Failed to fetch')
    const location = (await answered).headers().location ?? ''
    expect(new URL(location).origin).not.toBe(new URL(url).origin)
    const second = await context.newPage()
    const [download] = await Promise.all([
      second.waitForResponse(location),
      second.goto(url).catch(() => undefined), // A picture is shown, other bytes are downloaded.
    ])
    expect(download.status()).toBe(200)
  })

  test('waits for ever where a route hangs, until it leaves', async () => {
    emulator.faults.set('GET /api/is_login', { hang: 'before-headers' })
    const open = page.evaluate(statusOf, '/api/is_login').catch(() => 'left')
    await emulator.until(() => emulator.requests.some(({ path }) => path === '/api/is_login'))
    await emulator.until(() => emulator.openRequests() === 1)
    await page.close()
    expect(await open).toBe('left')
    await emulator.until(() => emulator.openRequests() === 0)
  })
})

// What follows runs in the page.

interface Reading {
  reader: ReadableStreamDefaultReader<string>
  text: string
  abort: () => void
}

async function beginAsk(body: object): Promise<number> {
  const controller = new AbortController()
  const response = await fetch('/api/agent/ask_proxy', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: '*/*' },
    body: JSON.stringify(body),
    credentials: 'include',
    signal: controller.signal,
  })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  Object.assign(globalThis, { reader, text: '', abort: () => controller.abort() })
  return response.status
}

/** @returns whether the answer of `beginAsk` brings this text */
async function readUntil(text: string): Promise<boolean> {
  const reading = globalThis as unknown as Reading
  while (!reading.text.includes(text)) {
    const { done, value } = await reading.reader.read()
    if (done) return false
    reading.text += value
  }
  return true
}

const statusOf = async (url: string): Promise<number> => (await fetch(url, { credentials: 'include' })).status

const cogenId = async (): Promise<string> => (await (await fetch('/api/is_login')).json()).data.cogen_id

function mint(siteKey: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const look = () => {
    const api = (globalThis as unknown as { grecaptcha?: { enterprise?: Grecaptcha } }).grecaptcha?.enterprise
    if (api?.execute) api.execute(siteKey, { action: 'submit' }).then(resolve, reject)
    else setTimeout(look, 5)
  }
  look()
  return promise
}

interface Grecaptcha {
  execute?(siteKey: string, options: { action: string }): Promise<string>
}
