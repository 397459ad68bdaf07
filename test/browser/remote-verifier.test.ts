import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createRemoteVerifier } from '../../src/browser/remote-verifier.ts'
import { createAccount } from '../../src/core/account.ts'
import { UnavailableError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { selfSigned } from '../support/self-signed.ts'
import { counterValue } from './support.ts'

const account = createAccount('session_id=canary-1234; c1=other-5678')

async function startService(
  respond: RequestListener,
  create: () => ReturnType<typeof createServer> = createServer,
) {
  const requests: IncomingMessage[] = []
  const server = create().on('request', (request: IncomingMessage, response) => {
    requests.push(request)
    respond(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { requests, port: (server.address() as AddressInfo).port }
}

const replyWith =
  (status: number, body: string): RequestListener =>
  (_request, response) =>
    response.writeHead(status).end(body)

function open(recaptchaProxyUrl: string, deadlineMs?: number) {
  const metrics = createMetrics()
  const tokens = createRemoteVerifier({
    logger: silentLogger,
    recaptchaProxyUrl,
    metrics,
    ...(deadlineMs !== undefined && { deadlineMs }),
  })
  onTestFinished(() => tokens.close())
  const ask = (signal = new AbortController().signal): Promise<unknown> =>
    tokens.token({ account, generation: 'agent', signal }).catch((error: unknown) => error)
  return { tokens, metrics, ask }
}

function expectUnavailable(error: unknown, message: RegExp) {
  expect(error).toBeInstanceOf(UnavailableError)
  expect(error).toMatchObject({ code: 'token_unavailable', message: expect.stringMatching(message) })
  const told = inspect(error, { depth: 10, showHidden: true })
  for (const secret of ['canary-1234', 'other-5678', 's3cret']) expect(told).not.toContain(secret)
}

test.each(['', '/', '/base', '/base/'])(
  'asks as the predecessor does, with the base URL ending in "%s"',
  async (path) => {
    const { requests, port } = await startService(
      replyWith(200, '{"code":200,"token":"03AF-1","message":"ok"}'),
    )
    const { ask, metrics } = open(`http://127.0.0.1:${port}${path}`)

    expect(await ask()).toBe('03AF-1')

    expect(requests[0]).toMatchObject({
      method: 'GET',
      url: path.startsWith('/base') ? '/base/genspark' : '/genspark',
      headers: { 'content-type': 'application/json', cookie: account.cookie },
    })
    expect(await counterValue(metrics.tokensMinted, 'minted')).toBe(1)
  },
)

test('signs in with the user and password of the URL', async () => {
  const { requests, port } = await startService(replyWith(200, '{"code":200,"token":"03AF-1"}'))
  expect(await open(`http://user:s3cret%2F@127.0.0.1:${port}`).ask()).toBe('03AF-1')
  expect(requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:s3cret/').toString('base64')}`)
})

test.each([
  [
    'a code with a message',
    200,
    '{"code":500,"message":"page crashed"}',
    /answered code 500 \(page crashed\)/,
  ],
  ['an HTTP status', 503, 'busy', /answered HTTP 503/],
  [
    'an HTTP status with a message',
    500,
    '{"code":500,"message":"no browser"}',
    /answered HTTP 500 \(no browser\)/,
  ],
  ['a redirect, which might carry the cookie away', 302, '', /answered HTTP 302/],
  ['no JSON', 200, '<html>', /not JSON/],
  ['no code', 200, '{"token":"03AF-1"}', /answered code undefined/],
  ['an empty token', 200, '{"code":200,"token":""}', /gave an empty token/],
  ['no token', 200, '{"code":200}', /gave an empty token/],
  [
    'a message that repeats the cookie',
    200,
    '{"code":500,"message":"bad: canary-1234"}',
    /answered code 500\.$/,
  ],
  ['a message without end', 200, `{"code":500,"message":"${'x'.repeat(1_000)}"}`, /\(x{200}\)/],
])('tells the cause when the service sends %s', async (_what, status, body, message) => {
  const { port } = await startService(replyWith(status, body))
  const { ask, metrics } = open(`http://127.0.0.1:${port}`)
  expectUnavailable(await ask(), message)
  expect(await counterValue(metrics.tokensMinted, 'failed')).toBe(1)
})

test('reads no more of an endless reply than a token needs', async () => {
  const { requests, port } = await startService((_request, response) => {
    const write = () => {
      while (!response.destroyed && response.write('x'.repeat(16 * 1024)));
    }
    response.writeHead(200).on('drain', write)
    write()
  })
  expectUnavailable(await open(`http://127.0.0.1:${port}`).ask(), /not JSON/)
  await expect.poll(() => requests[0]?.socket.destroyed).toBe(true)
})

test('gives up at the deadline and closes the connection', async () => {
  const { requests, port } = await startService(() => {})
  expectUnavailable(await open(`http://127.0.0.1:${port}`, 50).ask(), /gave none within 0\.05 s/)
  await expect.poll(() => requests[0]?.socket.destroyed).toBe(true)
})

test("a caller's abort closes the connection and is no failure", async () => {
  const { requests, port } = await startService(() => {})
  const { ask, metrics } = open(`http://127.0.0.1:${port}`)
  const controller = new AbortController()
  const asking = ask(controller.signal)
  await expect.poll(() => requests.length).toBe(1)
  const reason = new Error('the client left')
  controller.abort(reason)
  expect(await asking).toBe(reason)
  await expect.poll(() => requests[0]?.socket.destroyed).toBe(true)
  expect(await counterValue(metrics.tokensMinted, 'failed')).toBe(0)
})

test('close ends what is under way', async () => {
  const { requests, port } = await startService(() => {})
  const { ask, tokens } = open(`http://127.0.0.1:${port}`)
  const asking = ask()
  await expect.poll(() => requests.length).toBe(1)
  await tokens.close()
  expect(await asking).toMatchObject({ code: 'shutting_down' })
  expect(await ask()).toMatchObject({ code: 'shutting_down' })
})

test('says that the service cannot be reached', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  expectUnavailable(
    await open(`http://user:s3cret@127.0.0.1:${port}`).ask(),
    /could not be reached \(ECONNREFUSED\)/,
  )
})

test('does not trust a service whose certificate nobody vouches for', async () => {
  const { key, cert } = selfSigned
  const { requests, port } = await startService(replyWith(200, '{"code":200,"token":"03AF-1"}'), () =>
    createTlsServer({ key, cert }),
  )
  expectUnavailable(
    await open(`https://127.0.0.1:${port}`).ask(),
    /could not be reached \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
  )
  expect(requests).toEqual([])
})

test('there is no browser of ours to warm up or to be ready', () => {
  const { tokens } = open('http://127.0.0.1:1')
  tokens.warmUp()
  expect(tokens.state()).toBe('off')
})

test('FINDINGS R9: after two failures in a row the service is left alone until a probe has had a token', async () => {
  let body = '{"code":500,"message":"no browser"}'
  const { requests, port } = await startService((_request, response) => response.writeHead(200).end(body))
  const metrics = createMetrics()
  const tokens = createRemoteVerifier({
    logger: silentLogger,
    recaptchaProxyUrl: `http://127.0.0.1:${port}`,
    metrics,
    probeMs: 20,
  })
  onTestFinished(() => tokens.close())
  const ask = () =>
    tokens
      .token({ account, generation: 'agent', signal: new AbortController().signal })
      .catch((error: unknown) => error)
  for (let count = 0; count < 3; count += 1) expectUnavailable(await ask(), /no browser/)
  expect(tokens.trouble?.()).toMatchObject({ cause: expect.stringContaining('no browser') })
  const asked = requests.length
  body = '{"code":200,"token":"03AF-1"}'
  await vi.waitFor(() => expect(tokens.trouble?.()).toBeUndefined(), 60_000)
  expect(requests.length).toBeGreaterThan(asked)
  expect(await ask()).toBe('03AF-1')
})
