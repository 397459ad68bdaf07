import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { UpstreamOptions } from '../../src/upstream/client.ts'
import { isOwnHost } from '../../src/upstream/request-headers.ts'
import type { SiteFile } from '../../src/upstream/upstream.ts'
import { innerAuthority } from '../support/inner-addresses.ts'
import { type Site, send, startSite } from './site.ts'
import { account, createTestUpstream } from './support.ts'

let site: Site
let storage: Site
let upstream: ReturnType<typeof createTestUpstream>
const { signal } = new AbortController()

const start = (options: Partial<UpstreamOptions> = {}) => {
  upstream = createTestUpstream(site.url, options)
}

beforeEach(async () => {
  site = await startSite(() => undefined)
  storage = await startSite(send(200, 'bytes', { 'content-type': 'image/png' }), '127.0.0.2')
  start()
})

afterEach(async () => {
  await upstream.close()
  await Promise.all([site.close(), storage.close()])
})

const open = (url: string) => upstream.openFile({ account, url, signal })
const bytesOf = async ({ body }: SiteFile) => (await buffer(body)).toString()

test('a file is opened with the cookie and read as it comes', async () => {
  site.respond = send(200, 'picture', { 'content-type': 'image/webp', 'content-length': '7' })
  const file = await open(`${site.url}/api/files/s/abc?cache_control=3600`)
  expect(file).toMatchObject({ contentType: 'image/webp', contentLength: 7 })
  expect(await bytesOf(file)).toBe('picture')
  expect(site.requests[0]).toMatchObject({ method: 'GET', path: '/api/files/s/abc?cache_control=3600' })
  expect(site.requests[0]?.headers.cookie).toBe('session_id=alice')
})

test('a redirect on the site keeps the cookie, one to another host does not take it along', async () => {
  site.respond = (response, { path }) =>
    path === '/a'
      ? response.writeHead(302, { location: '/b' }).end()
      : response.writeHead(307, { location: `${storage.url}/blob?sig=1` }).end()
  expect(await bytesOf(await open(`${site.url}/a`))).toBe('bytes')
  expect(site.requests.map(({ path, headers }) => [path, headers.cookie])).toEqual([
    ['/a', 'session_id=alice'],
    ['/b', 'session_id=alice'],
  ])
  expect(storage.requests[0]?.headers.cookie).toBeUndefined()
  expect(JSON.stringify(storage.requests[0]?.headers)).not.toContain('alice')
})

test('the cookie comes back with a redirect back to the site, and never goes to another host', async () => {
  storage.respond = (response) => response.writeHead(302, { location: `${site.url}/api/files/s/x` }).end()
  site.respond = send(200, 'picture', { 'content-type': 'image/png' })
  expect(await bytesOf(await open(`${storage.url}/x`))).toBe('picture')
  expect(storage.requests[0]?.headers.cookie).toBeUndefined()
  expect(site.requests[0]?.headers.cookie).toBe('session_id=alice')
})

test.each([
  ['https://www.genspark.ai/a', 'https://www.genspark.ai', true],
  ['https://genspark.ai/a', 'https://www.genspark.ai', true],
  ['https://cdn.genspark.ai/a', 'https://www.genspark.ai', true],
  ['http://www.genspark.ai/a', 'https://www.genspark.ai', false],
  ['https://www.genspark.ai:8443/a', 'https://www.genspark.ai', false],
  ['https://evilgenspark.ai/a', 'https://www.genspark.ai', false],
  ['https://www.genspark.ai.evil.com/a', 'https://www.genspark.ai', false],
  ['http://127.0.0.1:81/a', 'http://127.0.0.1:80', false],
  ['http://127.0.0.1/a', 'http://127.0.0.1:80', true],
])('%s is of %s: %s', (url, base, expected) => {
  expect(isOwnHost(new URL(url), base)).toBe(expected)
})

test.each([
  ['signed-out', send(200, '{"status":-5,"message":"not login"}', { 'content-type': 'application/json' })],
  ['bad-request', send(404, 'Not Found')],
  ['bad-request', send(403, 'no')],
  ['unavailable', send(503, 'x')],
  ['malformed', (response) => response.writeHead(302, { location: '/again' }).end()],
  ['reset', (response) => response.socket?.resetAndDestroy()],
] satisfies [string, Site['respond']][])('%s', async (kind, respond) => {
  site.respond = respond
  await expect(open(`${site.url}/again`)).rejects.toMatchObject({ kind })
})

test('storage that refuses says nothing of the account', async () => {
  storage.respond = send(403, 'AuthenticationFailed')
  await expect(open(`${storage.url}/blob`)).rejects.toMatchObject({ kind: 'bad-request' })
})

test('a body that breaks or falls silent is thrown to its reader', async () => {
  site.respond = (response) =>
    response
      .writeHead(200, { 'content-type': 'image/png' })
      .write('half', () => response.socket?.resetAndDestroy())
  const broken = await open(`${site.url}/a`)
  await expect(bytesOf(broken)).rejects.toMatchObject({ kind: 'reset' })
  await upstream.close()
  start({ idleTimeoutMs: 50 })
  site.respond = (response) => response.writeHead(200, { 'content-type': 'image/png' }).write('half')
  const silent = await open(`${site.url}/a`)
  await expect(bytesOf(silent)).rejects.toMatchObject({ kind: 'idle-timeout' })
  await site.requests.at(-1)?.closed
})

test('no headers in time', async () => {
  await upstream.close()
  start({ firstEventTimeoutMs: 50 })
  await expect(open(`${site.url}/a`)).rejects.toMatchObject({ kind: 'first-event-timeout' })
  await site.requests[0]?.closed
})

test('a file that nobody begins to read is closed by leaving it', async () => {
  site.respond = (response) => response.writeHead(200, { 'content-type': 'video/mp4' }).write('half')
  const { body } = await open(`${site.url}/a`)
  await body[Symbol.asyncIterator]().return?.()
  await site.requests[0]?.closed
})

test('an abort closes the connection, before the headers and after', async () => {
  const leave = new AbortController()
  site.respond = (response, { path }) => {
    if (path === '/begun') response.writeHead(200, { 'content-type': 'image/png' }).write('half')
  }
  const begun = await upstream.openFile({ account, url: `${site.url}/begun`, signal: leave.signal })
  const reading = bytesOf(begun)
  const waiting = upstream.openFile({ account, url: `${site.url}/waiting`, signal: leave.signal })
  await expect.poll(() => site.requests.length).toBe(2)
  leave.abort()
  await expect(reading).rejects.toBe(leave.signal.reason)
  await expect(waiting).rejects.toBe(leave.signal.reason)
  await Promise.all(site.requests.map((request) => request.closed))
})

test.each([
  ['loopback', 'http://127.0.0.1:9/latest/meta-data/iam'],
  ['a number', 'http://2130706433:9/'],
  ['octal', 'http://0177.0.0.1:9/'],
  ['IPv6', 'http://[::ffff:7f00:1]:9/'],
  ['metadata', 'http://169.254.169.254/latest/meta-data/'],
  ['a name', 'http://localhost:9/'],
  ['a user in front', 'http://www.genspark.ai@127.0.0.1:9/'],
  ['another scheme', 'file:///etc/passwd'],
  ['the site over another scheme', 'ftp://www.genspark.ai/a'],
])('FINDINGS S1: nothing is asked of %s', async (_what, url) => {
  await expect(open(url)).rejects.toMatchObject({ kind: 'bad-request' })
  expect(storage.sockets() + site.sockets()).toBe(0)
})

test('FINDINGS S1: a redirect is judged like the first address', async () => {
  const inner = await startSite(send(200, 'secret', { 'content-type': 'image/png' }))
  storage.respond = (response) => response.writeHead(302, { location: `${inner.url}/secret` }).end()
  await expect(open(`${storage.url}/x`)).rejects.toMatchObject({ kind: 'bad-request' })
  site.respond = storage.respond
  await expect(open(`${site.url}/api/files/s/x`)).rejects.toMatchObject({ kind: 'bad-request' })
  expect(inner.sockets()).toBe(0)
  await inner.close()
})

test('the connection goes to the address that was judged, whatever the name resolves to by then', async () => {
  await upstream.close()
  let lookups = 0
  start({
    resolve: async () => {
      lookups += 1
      return [{ address: lookups === 1 ? '127.0.0.2' : '127.0.0.1', family: 4 }]
    },
  })
  const { port } = new URL(storage.url)
  expect(await bytesOf(await open(`http://cdn.example:${port}/x`))).toBe('bytes')
  expect(storage.requests[0]?.headers.host).toBe(`cdn.example:${port}`)
  expect(lookups).toBe(1)
  await expect(open(`http://cdn.example:${port}/x`)).rejects.toMatchObject({ kind: 'bad-request' })
})

test.each([
  ['empty', '', 'image/png'],
  ['bad-request', '<html><body>Sign in</body></html>', 'image/png'],
  ['bad-request', '{"detail":"gone"}', 'application/octet-stream'],
  ['bad-request', 'AuthenticationFailed', 'text/plain'],
])('FINDINGS X16: %s, what is no file: %j', async (kind, body, type) => {
  storage.respond = send(200, body, { 'content-type': type })
  await expect(open(`${storage.url}/x`)).rejects.toMatchObject({ kind })
})

test('FINDINGS S1: no chain of redirects leads inside, however its end is written', async () => {
  const scheme = fc.constantFrom('http:', 'https:', '')
  const status = fc.constantFrom(301, 302, 303, 307, 308)
  const hops = fc.array(fc.boolean(), { maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(
      scheme,
      innerAuthority,
      status,
      hops,
      async (protocol, [user, host, port], code, chain) => {
        const end = `${protocol}//${user}${host}${port}/api/files/s/x`
        // Each hop is on the site or on its storage; the last one leads inside.
        const places = [...chain.map((isSite) => (isSite ? site : storage)), undefined]
        const respond: Site['respond'] = (response, { path }) => {
          const at = Number(path.slice(1))
          const next = places[at + 1]
          const location = next ? `${next.url}/${at + 1}` : end
          response.writeHead(code, { location }).end()
        }
        site.respond = respond
        storage.respond = respond
        const first = places[0] ? `${places[0].url}/0` : end
        await expect(open(first)).rejects.toMatchObject({ kind: 'bad-request' })
      },
    ),
    { numRuns: 200 },
  )
})
