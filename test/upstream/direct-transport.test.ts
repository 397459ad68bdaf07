import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { inspect } from 'node:util'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createAccount } from '../../src/core/account.ts'
import { UpstreamError } from '../../src/core/errors.ts'
import { createDirectTransport, type DirectTransportOptions } from '../../src/upstream/direct-transport.ts'
import { readText } from '../../src/upstream/site-calls.ts'
import { proxyPassword, startHttpProxy, startSocksProxy, type TestProxy } from '../support/proxies.ts'
import { selfSigned } from '../support/self-signed.ts'
import { type Site, send, startSite } from './site.ts'

let site: Site
const closers: (() => unknown)[] = []

beforeEach(async () => {
  site = await startSite(send(200, 'the answer'))
})

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  await site.close()
})

interface AskOptions {
  /** Of the account. */
  readonly proxyUrl?: string
  readonly url?: string
  readonly signal?: AbortSignal
}

/** What asks over connections of these options bring: the text of the reply, or what was thrown. */
function open(options: DirectTransportOptions = {}) {
  const transport = createDirectTransport(options)
  closers.push(transport.close)
  return async ({ proxyUrl, url = site.url, signal }: AskOptions = {}): Promise<unknown> => {
    try {
      const reply = await transport.openReply({
        account: createAccount('session_id=canary', proxyUrl),
        url: new URL('/api', url),
        method: 'POST',
        headers: { cookie: 'session_id=canary', 'content-type': 'text/plain' },
        body: 'the ask',
        signal: signal ?? new AbortController().signal,
      })
      return await readText(reply)
    } catch (error) {
      return error
    }
  }
}

async function started(starting: Promise<TestProxy>): Promise<TestProxy> {
  const proxy = await starting
  closers.push(proxy.close)
  return proxy
}

/** The site saw no peer but these. */
function expectOnlyFrom(...proxies: TestProxy[]) {
  const ports = new Set(proxies.flatMap(({ outgoingPorts }) => [...outgoingPorts]))
  expect(site.sockets()).toBe(ports.size)
  for (const { response } of site.requests) expect(ports).toContain(response.req.socket.remotePort)
}

function expectFailure(error: unknown, kind: string, message: RegExp) {
  expect(error).toBeInstanceOf(UpstreamError)
  expect(error).toMatchObject({ kind, message: expect.stringMatching(message) })
  const told = inspect(error, { depth: 10, showHidden: true })
  for (const secret of [proxyPassword, encodeURIComponent(proxyPassword), 'canary']) {
    expect(told).not.toContain(secret)
  }
}

describe.each([
  ['http', startHttpProxy, /^CONNECT 127\.0\.0\.1/],
  ['socks5', startSocksProxy, /^SOCKS 127\.0\.0\.1/],
] as const)('a proxy of scheme %s, with user and password', (_scheme, start, asked) => {
  test('carries every byte to the site', async () => {
    const proxy = await started(start())
    const ask = open({ proxyUrl: proxy.url })
    for (const _round of [1, 2, 3]) expect(await ask()).toBe('the answer')
    expect(site.requests.map(({ body }) => body)).toEqual(['the ask', 'the ask', 'the ask'])
    expect(site.requests[0]?.headers).not.toHaveProperty('proxy-authorization')
    expect(proxy.asked).toEqual([expect.stringMatching(asked)])
    expect(proxy.refusals).toEqual([])
    expectOnlyFrom(proxy)
  })

  test('is told by name when it refuses the password, and the site sees nothing', async () => {
    const proxy = await started(start())
    const ask = open({ proxyUrl: proxy.url.replace('user:', 'other:') })
    expectFailure(await ask(), 'unavailable', /PROXY_URL/)
    expect(proxy.refusals).toHaveLength(1)
    expect(site.sockets()).toBe(0)
  })

  test('is never gone around when it is dead', async () => {
    const proxy = await start()
    await proxy.close()
    expectFailure(await open({ proxyUrl: proxy.url })(), 'unavailable', /PROXY_URL.*ECONNREFUSED/)
    expect(site.sockets()).toBe(0)
  })

  test('of an account wins over PROXY_URL', async () => {
    const general = await started(startHttpProxy())
    const own = await started(start())
    const ask = open({ proxyUrl: general.url })
    expect(await ask({ proxyUrl: own.url })).toBe('the answer')
    expect([own.asked.length, general.asked.length]).toEqual([1, 0])
    expect(await ask()).toBe('the answer')
    expect([own.asked.length, general.asked.length]).toEqual([1, 1])
    expectOnlyFrom(own, general)
  })

  test('of an account is named as such when it is dead, and PROXY_URL does not step in', async () => {
    const general = await started(startHttpProxy())
    const own = await start()
    await own.close()
    const error = await open({ proxyUrl: general.url })({ proxyUrl: own.url })
    expectFailure(error, 'unavailable', /the account's own proxy/)
    expect(general.asked).toEqual([])
  })

  test('that breaks in the middle is a reset which names it', async () => {
    const proxy = await start()
    site.respond = (response) => {
      response.writeHead(200).write('the beginning', () => void proxy.close())
    }
    expectFailure(await open({ proxyUrl: proxy.url })(), 'reset', /PROXY_URL/)
  })
})

describe('a site over https', () => {
  const url = 'https://site.test'

  test.each([
    ['http', startHttpProxy, 'CONNECT site.test:443'],
    ['socks5', startSocksProxy, 'SOCKS site.test:443'],
  ] as const)(
    'is reached through a tunnel, its name looked up by the %s proxy',
    async (_scheme, start, asked) => {
      const plain = createServer((socket) => socket.once('data', () => socket.end('this is no TLS')))
      await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
      closers.push(() => plain.close())
      const proxy = await started(start({ target: plain.address() as { port: number } }))
      // The tunnel is there; that what answers in it is no site of that name must not pass.
      expectFailure(await open({ proxyUrl: proxy.url })({ url }), 'unavailable', /PROXY_URL/)
      expect(proxy.asked).toEqual([asked])
      expect(proxy.outgoingPorts.size).toBe(1)
    },
  )

  test.each([
    [407, /^The proxy of PROXY_URL refuses its user name or password \(HTTP 407\)\.$/],
    [403, /^The proxy of PROXY_URL refuses to connect to Genspark \(HTTP 403\)\.$/],
    [502, /^The proxy of PROXY_URL refuses to connect to Genspark \(HTTP 502\)\.$/],
  ])('says that the proxy answered %i', async (connectStatus, message) => {
    const proxy = await started(startHttpProxy({ connectStatus }))
    expectFailure(await open({ proxyUrl: proxy.url })({ url }), 'unavailable', message)
  })

  test('is given up when the caller does, though the proxy never answers', async () => {
    const proxy = await started(startHttpProxy({ silent: true }))
    const controller = new AbortController()
    const asking = open({ proxyUrl: proxy.url })({ url, signal: controller.signal })
    await expect.poll(() => proxy.asked).toEqual(['CONNECT site.test:443'])
    controller.abort()
    expect(await asking).toBeInstanceOf(Error)
  })
})

test('a proxy over https whose certificate nobody vouches for is not trusted', async () => {
  const { key, cert } = selfSigned
  const server = createTlsServer({ key, cert }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  const { port } = server.address() as AddressInfo
  const ask = open({ proxyUrl: `https://user:${encodeURIComponent(proxyPassword)}@127.0.0.1:${port}` })
  expectFailure(await ask(), 'unavailable', /PROXY_URL \(DEPTH_ZERO_SELF_SIGNED_CERT\)/)
})

test('without a proxy the site is asked directly', async () => {
  expect(await open()()).toBe('the answer')
  expect(site.sockets()).toBe(1)
})

test('the proxy of these tests lets nobody in without a password', async () => {
  const proxy = await started(startSocksProxy())
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write(Buffer.from([5, 1, 0]))
  await new Promise((resolve) => socket.once('close', resolve).resume())
  expect(proxy.refusals).toEqual(['no password offered'])
})

test('an answer that begins before the whole body is written is read to its end', async () => {
  const server = createHttpServer((request, response) => {
    response.writeHead(200).write('be')
    request.resume().once('end', () => response.end('gun'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const transport = createDirectTransport()
  closers.push(() => server.close(), transport.close)
  const reply = await transport.openReply({
    account: undefined,
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    method: 'POST',
    headers: {},
    body: 'x'.repeat(4_000_000),
    signal: new AbortController().signal,
  })
  expect(await readText(reply)).toBe('begun')
})

/** The reply to one request over a transport of its own. */
async function openOne(respond: typeof site.respond, signal = new AbortController().signal) {
  site.respond = respond
  const transport = createDirectTransport()
  closers.push(transport.close)
  const url = new URL('/api', site.url)
  return await transport.openReply({ account: undefined, method: 'GET', url, headers: {}, signal })
}

const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString()

test('a read hands over all that came since the last, and undefined at the end, again and again', async () => {
  const written = Promise.withResolvers<void>()
  const reply = await openOne((response) => {
    response.writeHead(200, { 'X-Mixed-Case': 'a' }).write('one ')
    response.write('two ')
    response.end('three', written.resolve)
  })
  await written.promise
  expect(reply.headers).toMatchObject({ 'x-mixed-case': 'a' })
  let text = ''
  for (let bytes = await reply.read(); bytes; bytes = await reply.read()) text += textOf(bytes)
  expect(text).toBe('one two three')
  expect([await reply.read(), await reply.read()]).toEqual([undefined, undefined])
  reply.close()
  reply.close()
})

test('a reply that is closed closes its connection and ends the read that waits', async () => {
  const reply = await openOne((response) => response.writeHead(200).write('begun'))
  expect(textOf(await reply.read())).toBe('begun')
  const waiting = reply.read()
  reply.close()
  expect(await waiting).toBeUndefined()
  await site.requests[0]?.closed
})

test('bytes that came before a connection broke are read before its failure is told', async () => {
  const reply = await openOne((response) => {
    response.writeHead(200).write('begun', () => setImmediate(() => response.socket?.destroy()))
  })
  await site.requests[0]?.closed
  expect(textOf(await reply.read())).toBe('begun')
  await expect(reply.read()).rejects.toMatchObject({ kind: 'reset' })
  await expect(reply.read()).rejects.toMatchObject({ kind: 'reset' })
})

test('an abort is thrown with its own reason, before and after the headers', async () => {
  const leave = new AbortController()
  const reply = await openOne((response) => response.writeHead(200).write('begun'), leave.signal)
  const waiting = openOne(() => leave.abort('left'), leave.signal)
  await expect(waiting).rejects.toBe('left')
  await expect(reply.read()).rejects.toBe('left')
  await Promise.all(site.requests.map(({ closed }) => closed))
  await expect(openOne(() => undefined, leave.signal)).rejects.toBe('left')
})

test('a request on a kept connection that the site has closed meanwhile goes out on a new one', async () => {
  const ask = open()
  for (const _round of [1, 2, 3]) {
    expect(await ask()).toBe('the answer')
    const { socket } = site.requests.at(-1)?.response.req ?? {}
    const closed = socket && once(socket, 'close')
    // As a server does that has kept it long enough.
    socket?.end()
    await closed
    expect(await ask()).toBe('the answer')
  }
})

test('a thousand replies are open at once', async () => {
  const transport = createDirectTransport()
  closers.push(transport.close)
  site.respond = (response) => response.writeHead(200).write('begun')
  const url = new URL('/api', site.url)
  const { signal } = new AbortController()
  const opening = Array.from({ length: 1_000 }, () =>
    transport.openReply({ account: undefined, method: 'POST', url, headers: {}, body: 'a', signal }),
  )
  const replies = await Promise.all(opening)
  expect(new Set(await Promise.all(replies.map(async (reply) => textOf(await reply.read()))))).toEqual(
    new Set(['begun']),
  )
  expect(site.sockets()).toBe(1_000)
  for (const reply of replies) reply.close()
})

describe.each(['http', 'socks5'])('a proxy of scheme %s', (scheme) => {
  /** A server at which every connection meets `onConnection`. */
  async function startPeer(onConnection: (socket: Socket) => void) {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket.on('error', () => {}))
      onConnection(socket)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    return { url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets }
  }

  test('that is silent is left at once when the request is given up', async () => {
    const { url, sockets } = await startPeer((socket) => socket.resume())
    const leave = new AbortController()
    const asking = open({ proxyUrl: url })({ signal: leave.signal })
    await expect.poll(() => sockets.length).toBe(1)
    const closed = once(sockets[0] as Socket, 'close')
    leave.abort('left')
    await closed
    expect(await asking).toBe('left')
  })

  test('that hangs up instead of an answer is unavailable, asked once', async () => {
    const { url, sockets } = await startPeer((socket) => socket.once('data', () => socket.destroy()))
    expectFailure(await open({ proxyUrl: url })(), 'unavailable', /PROXY_URL/)
    expect(sockets).toHaveLength(1)
  })
})

test('FINDINGS X9: a server that accepts and says nothing is given up before the request has its deadline', async () => {
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  closers.push(() => silent.close())
  const { port } = silent.address() as { port: number }
  const { openReply, close } = createDirectTransport({ connectMs: 50 })
  closers.push(close)
  const url = new URL(`https://127.0.0.1:${port}/`)
  const opening = openReply({
    account: undefined,
    method: 'GET',
    url,
    headers: {},
    signal: new AbortController().signal,
  })
  await expect(opening).rejects.toMatchObject({
    kind: 'unavailable',
    cause: { message: 'no connection within 0.05 s' },
  })
})

test('FINDINGS X13: what this machine lacks is not told as the fault of the site', async () => {
  const warn = vi.fn()
  const { openReply, close } = createDirectTransport({ logger: { warn } })
  closers.push(close)
  vi.spyOn(Socket.prototype, 'connect').mockImplementation(function connect(this: Socket) {
    const error = Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' })
    process.nextTick(() => this.destroy(error))
    return this
  })
  const ask = () =>
    openReply({
      account: undefined,
      method: 'GET',
      url: new URL('http://127.0.0.1:9/'),
      headers: {},
      signal: new AbortController().signal,
    })
  for (let count = 0; count < 3; count += 1)
    await expect(ask()).rejects.toMatchObject({ code: 'overloaded', status: 503 })
  expect(warn).toHaveBeenCalledOnce()
  expect(warn).toHaveBeenCalledWith(expect.objectContaining({ code: 'EMFILE' }), expect.any(String))
})

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
])('FINDINGS X17: %s that nobody asked for is undone', async (encoding, compress) => {
  site.respond = (response) =>
    response.writeHead(200, { 'content-encoding': encoding }).end(compress('what was compressed'))
  expect(await open()()).toBe('what was compressed')
})

test('FINDINGS X17: compressed bytes that end early are a break', async () => {
  site.respond = (response) =>
    response
      .writeHead(200, { 'content-encoding': 'gzip' })
      .end(gzipSync('what was compressed').subarray(0, 20))
  expectFailure(await open()(), 'reset', /not whole/)
})
