import type { LookupAddress } from 'node:dns'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createPublicFileFetcher, type PublicFileOptions } from '../../src/upstream/fetch-public-file.ts'
import { startHttpProxy, startSocksProxy, type TestProxy } from '../support/proxies.ts'
import { pictures } from './pictures.ts'
import { type Respond, type Site, send, startSite } from './site.ts'

let site: Site
const signal = new AbortController().signal

beforeEach(async () => {
  site = await startSite((response) => response.end(pictures.png))
})

afterEach(() => site.close())

const fetchImage = (url: string, options: Partial<PublicFileOptions> = {}) =>
  createPublicFileFetcher({ allowPrivate: false, maxBytes: 1024 * 1024, ...options }).fetchImage(url, {
    param: 'messages[0].content[1]',
    signal,
  })
const refused = { code: 'image_url_not_allowed', param: 'messages[0].content[1]', status: 400 }
const failed = { code: 'image_fetch_failed', param: 'messages[0].content[1]', status: 400 }

/** Serves the test's own site under a name, as though it were public. */
const asPublic =
  (...addresses: string[]) =>
  async (): Promise<LookupAddress[]> =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

describe('E1, E3: an address that is not public is refused and gets no connection', () => {
  test.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.0.0.1.',
    'localhost',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.9.9',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.169.254',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[fc00::1]',
    '[fd12::1]',
    '[fe80::1]',
    '[fec0::1]',
    '[ff02::1]',
    '[2001:db8::1]',
  ])('%s', async (host) => {
    await expect(fetchImage(site.url.replace('127.0.0.1', host))).rejects.toMatchObject(refused)
    expect(site.sockets()).toBe(0)
  })

  test.each([[['127.0.0.1']], [['fe80::1%eth0']], [['64:ff9b::5db8:d822']]])(
    'a name that leads to %s',
    async (addresses) => {
      const url = site.url.replace('127.0.0.1', 'pictures.example')
      await expect(fetchImage(url, { resolve: asPublic(...addresses) })).rejects.toMatchObject(refused)
      expect(site.sockets()).toBe(0)
    },
  )

  test.each([[['127.0.0.1', '127.0.0.2']], [['127.0.0.2', '127.0.0.1']], [['127.0.0.1', '::1']]])(
    'a name that leads to %s, of which only 127.0.0.1 counts as public here',
    async (addresses) => {
      const isPublic = (address: string) => address === '127.0.0.1'
      const url = site.url.replace('127.0.0.1', 'pictures.example')
      await expect(fetchImage(url, { resolve: asPublic(...addresses), isPublic })).rejects.toMatchObject(
        refused,
      )
      expect(site.sockets()).toBe(0)
    },
  )

  test.each(['ftp://example.com/a.png', 'file:///etc/passwd', 'gopher://example.com', 'a.png', ''])(
    'the scheme of %j',
    async (url) => {
      await expect(fetchImage(url)).rejects.toMatchObject(refused)
    },
  )
})

test('the name is resolved once: its connection goes to the address that was judged', async () => {
  const asked: string[] = []
  const image = await fetchImage(site.url.replace('127.0.0.1', 'pictures.example'), {
    allowPrivate: true,
    async resolve(hostname) {
      asked.push(hostname)
      return [{ address: '127.0.0.1', family: 4 }]
    },
  })
  expect(image).toEqual({ type: 'image', mimeType: 'image/png', base64: pictures.png.toString('base64') })
  expect(asked).toEqual(['pictures.example'])
  expect(site.requests[0]?.headers.host).toMatch(/^pictures\.example:/)
})

test('a host without an address cannot be fetched', async () => {
  await expect(fetchImage('http://nowhere.invalid/', { resolve: asPublic() })).rejects.toMatchObject(failed)
})

describe('E5: redirects', () => {
  const redirectTo =
    (location: string, status = 302): Respond =>
    (response, { path }) =>
      path === '/start' ? send(status, '', { location })(response, {} as never) : response.end(pictures.png)

  test.each([301, 302, 303, 307, 308])('status %i is followed', async (status) => {
    site.respond = redirectTo('/picture', status)
    expect(await fetchImage(`${site.url}/start`, { allowPrivate: true })).toMatchObject({
      mimeType: 'image/png',
    })
  })

  test.each(['file:///etc/passwd', 'http://', ''])('to %j fail', async (location) => {
    site.respond = redirectTo(location)
    await expect(fetchImage(`${site.url}/start`, { allowPrivate: true })).rejects.toMatchObject(failed)
  })

  test('to a private address fail, and it gets no connection', async () => {
    const inside = await startSite((response) => response.end(pictures.png), '127.0.0.2')
    site.respond = redirectTo(inside.url)
    const fetcher = fetchImage(`${site.url}/start`, { isPublic: (address) => address === '127.0.0.1' })
    await expect(fetcher).rejects.toMatchObject(failed)
    expect(inside.sockets()).toBe(0)
    await inside.close()
  })

  test('in a loop end after five', async () => {
    site.respond = redirectTo('/start')
    await expect(fetchImage(`${site.url}/start`, { allowPrivate: true })).rejects.toMatchObject(failed)
    expect(site.requests).toHaveLength(6)
  })
})

describe('E7: what a server may send', () => {
  const options = { allowPrivate: true, maxBytes: 100_000 }
  const fetchWith = (respond: Respond, more: Partial<PublicFileOptions> = {}) => {
    site.respond = respond
    return fetchImage(site.url, { ...options, ...more })
  }

  test.each(Object.entries(pictures))(
    'a %s is known by its bytes, whatever it is called',
    async (type, bytes) => {
      const image = await fetchWith((response) => response.setHeader('content-type', 'text/html').end(bytes))
      expect(image).toEqual({ type: 'image', mimeType: `image/${type}`, base64: bytes.toString('base64') })
    },
  )

  test.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['SVG with a declaration', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['HTML', '<!doctype html><title>x</title>'],
    ['PDF', '%PDF-1.7\n'],
    ['nothing', ''],
  ])('%s is refused though it calls itself a PNG', async (_what, body) => {
    await expect(fetchWith(send(200, body, { 'content-type': 'image/png' }))).rejects.toMatchObject(failed)
  })

  test('a body without end is cut at the bound', async () => {
    const endless: Respond = async (response, { closed }) => {
      let open = true
      void closed.then(() => {
        open = false
      })
      response.write(pictures.png)
      for (; open; await new Promise(setImmediate)) response.write(Buffer.alloc(10_000))
    }
    await expect(fetchWith(endless)).rejects.toMatchObject(failed)
    await site.requests[0]?.closed
  })

  test('a length over the bound is believed', async () => {
    await expect(
      fetchWith((response) => response.writeHead(200, { 'content-length': '1073741824' }).write('x')),
    ).rejects.toMatchObject(failed)
    await site.requests[0]?.closed
  })

  test('a bomb is cut at the bound after decompression, an honest compression is undone', async () => {
    const bomb = gzipSync(Buffer.concat([pictures.png, Buffer.alloc(50_000_000)]))
    const gzip = { 'content-encoding': 'gzip' }
    await expect(fetchWith((response) => response.writeHead(200, gzip).end(bomb))).rejects.toMatchObject(
      failed,
    )
    expect(
      await fetchWith((response) => response.writeHead(200, gzip).end(gzipSync(pictures.png))),
    ).toMatchObject({ base64: pictures.png.toString('base64') })
  })

  test('a server that drips is left after the time for all of it', async () => {
    const drip: Respond = (response) => response.writeHead(200).write(pictures.png.subarray(0, 1))
    await expect(fetchWith(drip, { timeoutMs: 100 })).rejects.toMatchObject(failed)
    await site.requests[0]?.closed
  })

  test.each([
    ['404', send(404, 'x')],
    ['a reset', (response) => response.socket?.resetAndDestroy()],
    [
      'a reset in the middle',
      (response) => response.write(pictures.png, () => response.socket?.resetAndDestroy()),
    ],
  ] satisfies [string, Respond][])('%s is a failed fetch', async (_what, respond) => {
    await expect(fetchWith(respond)).rejects.toMatchObject(failed)
  })

  test('what fails says nothing of addresses', async () => {
    await site.close()
    await expect(fetchImage(site.url, options)).rejects.toThrow(
      'The image could not be fetched: its server could not be read.',
    )
  })
})

test('an abort closes the connection and throws its own reason', async () => {
  site.respond = (response) => response.writeHead(200).write('x')
  const leave = new AbortController()
  const fetcher = createPublicFileFetcher({ allowPrivate: true, maxBytes: 1000 })
  const image = fetcher.fetchImage(site.url, { param: 'image', signal: leave.signal })
  await expect.poll(() => site.requests.length).toBe(1)
  leave.abort()
  await expect(image).rejects.toBe(leave.signal.reason)
  await site.requests[0]?.closed
})

describe('FINDINGS U13: over PROXY_URL', () => {
  const isPublic = (address: string) => address === '127.0.0.1'
  let proxy: TestProxy | undefined
  afterEach(() => proxy?.close())

  test.each([
    ['http', startHttpProxy],
    ['SOCKS', startSocksProxy],
  ])('an %s proxy is given the address that was judged, not the name', async (_kind, startProxy) => {
    proxy = await startProxy()
    const { port } = new URL(site.url)
    const image = await fetchImage(`http://pictures.example:${port}/a.png`, {
      ...{ proxyUrl: proxy.url, isPublic, resolve: asPublic('127.0.0.1') },
    })
    expect(image.mimeType).toBe('image/png')
    expect(proxy.asked).toEqual([expect.stringMatching(new RegExp(` 127\\.0\\.0\\.1:${port}$`))])
    expect(site.requests[0]?.headers.host).toBe(`pictures.example:${port}`)
  })

  test('a certificate is checked against the name, and a proxy that is dead is not gone around', async () => {
    const { url } = site
    proxy = await startHttpProxy()
    const options = { proxyUrl: proxy.url, isPublic, resolve: asPublic('127.0.0.1') }
    const { port } = new URL(url)
    await expect(fetchImage(`https://pictures.example:${port}/a.png`, options)).rejects.toMatchObject(failed)
    await proxy.close()
    await expect(fetchImage(`http://pictures.example:${port}/a.png`, options)).rejects.toMatchObject(failed)
    expect(site.requests).toEqual([])
    proxy = undefined
  })

  test('what is private goes around it where that is allowed, and nowhere else', async () => {
    proxy = await startHttpProxy()
    await expect(fetchImage(site.url, { proxyUrl: proxy.url })).rejects.toMatchObject(refused)
    expect(await fetchImage(site.url, { proxyUrl: proxy.url, allowPrivate: true })).toMatchObject({
      type: 'image',
    })
    expect(proxy.asked).toEqual([])
  })
})
