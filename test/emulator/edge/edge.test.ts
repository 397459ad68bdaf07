import { connect } from 'node:http2'
import { request as secureRequest } from 'node:https'
import { afterEach, describe, expect, test } from 'vitest'
import { type Emulator, type EmulatorOptions, startEmulator } from '../emulator.ts'
import { agentBody, askAgent, askHeaders, copilotBody, rawRequest } from '../raw-request.ts'

let emulator: Emulator
async function start(options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({ challenge: 'clients', tokenCheck: 'off', ...options })
}
afterEach(() => emulator.close())

/** F6 of WIRE 4.11 */
const challenge =
  '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body><script>window._cf_chl_opt={}</script></body></html>'

const lastReason = () => emulator.requests.at(-1)?.challenged

/** What Chromium 150 sends with a page's ask over plain HTTP, in its order; the page's cookies are left out. */
const recorded = (site: string, length: number) => ({
  Host: site.replace(/^\w+:\/\//, ''),
  Connection: 'keep-alive',
  'Content-Length': String(length),
  'sec-ch-ua-platform': '"Linux"',
  'User-Agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/150.0.0.0 Safari/537.36',
  accept: '*/*',
  'sec-ch-ua': '"Not;A=Brand";v="8", "Chromium";v="150"',
  'content-type': 'application/json',
  'sec-ch-ua-mobile': '?0',
  Origin: site,
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Dest': 'empty',
  Referer: `${site}/agents?type=ai_chat`,
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-US,en;q=0.9',
  Cookie: 'session_id=alice',
})

const ask = JSON.stringify(agentBody)
const askPath = '/api/agent/ask_proxy'

describe('a client that is no browser', () => {
  test.each([
    ['GET', '/'],
    ['GET', '/agents?type=ai_chat'],
    ['POST', '/api/copilot/ask'],
    ['POST', askPath],
    ['GET', '/api/is_login'],
    ['GET', '/api/user'],
    ['GET', '/api/moa_models_config'],
    ['GET', '/api/models_config'],
    ['GET', '/api/quota/free_pool'],
    ['GET', '/api/payment/get_credit_balance'],
    ['POST', '/api/project/create'],
    ['GET', '/api/project/delete?project_id=1'],
    ['GET', '/api/get_upload_personal_image_url'],
    ['GET', '/api/files/get_upload_url?name=a&content_type=b'],
    ['GET', '/api/files/s/1'],
    ['POST', '/api/ig_tasks_status'],
    ['POST', '/api/vg_tasks_status'],
    ['GET', '/api/spark/image_generation_task_detail?task_id=1'],
    ['POST', '/api/office_addin_auth/session'],
  ])('is challenged: %s %s (WIRE 2.7, 5.10 A3)', async (method, path) => {
    await start()
    const body = method === 'POST' ? copilotBody : undefined
    const reply = await rawRequest(`${emulator.url}${path}`, { method, body, headers: askHeaders })
    expect([reply.status, reply.body.toString()]).toEqual([403, challenge])
    expect(reply.headers).toMatchObject({
      'content-type': 'text/html; charset=UTF-8',
      'cf-mitigated': 'challenge',
    })
    expect(emulator.requests).toEqual([
      { method, path: path.replace(/\?.*/, ''), sessionId: 'alice', challenged: 'no sec-ch-ua' },
    ])
    expect([emulator.asks, emulator.violations]).toEqual([[], []])
  })

  test.each([
    ['GET', '/api/tool_cli/me', 200],
    ['POST', '/api/tool_cli/image_generation', 400],
    ['POST', '/api/llm_proxy/v1/chat/completions', 400],
    ['POST', '/api/anthropic/v1/messages', 400],
    ['GET', '/api/cli_auth/token', 200],
    ['GET', '/recaptcha/api.js', 200],
    ['PUT', '/blob-upload/1', 403],
    ['GET', '/blob/1', 404],
  ])('passes where the challenge does not stand: %s %s', async (method, path, status) => {
    await start()
    const body = method === 'GET' ? undefined : {}
    const reply = await rawRequest(`${emulator.url}${path}`, {
      method,
      body,
      headers: { 'X-Api-Key': 'gsk-1' },
    })
    expect([reply.status, reply.headers['cf-mitigated']]).toEqual([status, undefined])
  })

  test('is challenged over plain HTTP with all that a browser writes: it has no page (WIRE 2.6)', async () => {
    await start()
    const headers = recorded(emulator.url, ask.length)
    const send = (changed: Record<string, string>) =>
      rawRequest(`${emulator.url}${askPath}`, { body: agentBody, headers: changed })
    expect((await send(headers)).status).toBe(403)
    expect(lastReason()).toBe('no cookies of a page')

    const Cookie = 'session_id=alice; __cf_bm=invented; cf_clearance=invented'
    expect((await send({ ...headers, Cookie })).status).toBe(403)
    expect(lastReason()).toBe('no cookies of a page')
  })

  test.each([
    [
      'names in lower case',
      (all: [string, string][]) => all.map(([name, value]) => [name.toLowerCase(), value]),
    ],
    ['another order', (all: [string, string][]) => all.toReversed()],
    [
      'its own kind of connection',
      (all: [string, string][]) =>
        all.map(([name, value]) => [name, name === 'Connection' ? 'close' : value]),
    ],
    ['a header less', (all: [string, string][]) => all.filter(([name]) => name !== 'Accept-Language')],
    [
      'other compressions',
      (all: [string, string][]) =>
        all.map(([name, value]) => [name, name === 'Accept-Encoding' ? 'gzip, br' : value]),
    ],
    [
      'brands of another version',
      (all: [string, string][]) =>
        all.map(([name, value]) => [name, value.replace('Chrome/150', 'Chrome/140')]),
    ],
    [
      'another origin',
      (all: [string, string][]) =>
        all.map(([name, value]) => [name, name === 'Origin' ? 'https://www.genspark.ai' : value]),
    ],
    ['no page', (all: [string, string][]) => all.filter(([name]) => name !== 'Referer')],
  ])('copies headers badly: %s', async (_name, change) => {
    await start()
    const all = Object.entries(recorded(emulator.url, ask.length))
    const headers = Object.fromEntries(change(all))
    expect((await rawRequest(`${emulator.url}${askPath}`, { body: agentBody, headers })).status).toBe(403)
    expect(lastReason()).not.toBe('no cookies of a page')
  })

  test('is known over TLS by its handshake, whatever it writes: HTTP/1.1', async () => {
    await start({ tls: true })
    const headers = recorded(emulator.url, ask.length)
    const status = await new Promise<number | undefined>((resolve, reject) => {
      secureRequest(
        `${emulator.url}${askPath}`,
        { method: 'POST', headers, ca: emulator.certificate.pem },
        (response) => resolve(response.resume().statusCode),
      )
        .on('error', reject)
        .end(ask)
    })
    expect([status, lastReason()]).toEqual([403, 'a ClientHello without GREASE'])
  })

  test('is known over TLS by its handshake, whatever it writes: HTTP/2', async () => {
    await start({ tls: true })
    const { Host, Connection: _hop, ...headers } = recorded(emulator.url, ask.length)
    const session = connect(emulator.url, {
      ca: emulator.certificate.pem,
      settings: {
        headerTableSize: 65_536,
        enablePush: false,
        initialWindowSize: 6_291_456,
        maxHeaderListSize: 262_144,
      },
    })
    const pseudo = { ':method': 'POST', ':authority': Host, ':scheme': 'https', ':path': askPath }
    const stream = session.request({ ...pseudo, ...headers })
    stream.end(ask)
    const status = await new Promise((resolve, reject) => {
      stream.on('response', (reply) => resolve(reply[':status'])).on('error', reject)
    })
    session.destroy()
    expect([status, lastReason()]).toEqual([403, 'a ClientHello without GREASE'])
  })
})

describe('whom it challenges', () => {
  const status = async () => (await askAgent(emulator.url)).status

  test('changes at any time', async () => {
    await start({ challenge: 'off' })
    expect([emulator.challenge, await status()]).toEqual(['off', 200])
    emulator.challenge = 'clients'
    expect(await status()).toBe(403)
    emulator.challenge = 'all'
    expect([await status(), lastReason()]).toEqual([403, 'browsers are challenged too'])
    emulator.challenge = 'off'
    expect(await status()).toBe(200)
  })

  test('may depend on the request, such as the way that it came', async () => {
    await start({ challenge: ({ sessionId }) => (sessionId === 'alice' ? 'clients' : 'off') })
    const ofBob = askAgent(emulator.url, agentBody, { Cookie: 'session_id=bob' })
    expect([await status(), (await ofBob).status]).toEqual([403, 200])
    const ports: (number | undefined)[] = []
    emulator.challenge = ({ remoteAddress, remotePort }) => {
      ports.push(remotePort)
      return remoteAddress === '127.0.0.1' ? 'all' : 'off'
    }
    expect([await status(), ports]).toEqual([403, [expect.any(Number)]])
  })

  test('an answer that has begun goes on', async () => {
    await start({ challenge: 'off' })
    const held = Promise.withResolvers<void>()
    async function* chunks() {
      yield 'first '
      await held.promise
      yield 'last'
    }
    emulator.answerWith({ type: 'answer', chunks: chunks() })
    const reply = askAgent(emulator.url)
    await emulator.until(() => (emulator.asks[0]?.bytesSent ?? 0) > 0)
    emulator.challenge = 'all'
    held.resolve()
    expect((await reply).body.toString()).toContain('"delta": "last"')
  })
})
