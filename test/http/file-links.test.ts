import { createHash, createHmac, hkdfSync } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createEmbeddedStore } from '../../src/store/embedded-store.ts'
import { account, cookieFile, making, png, siteFile } from './support/media.ts'
import { startApp, type TestAppOptions } from './support/start-app.ts'

const request = { model: 'dall-e-3', prompt: 'A cat' }
const hour = 60 * 60 * 1000
const twoProxies = {
  'x-forwarded-proto': 'ftp, https, http',
  'x-forwarded-host': 'evil.example, api.example.com:8443, inner:80',
}

function testStore(clock = systemClock) {
  const store = createEmbeddedStore({
    ...{ dataDir: undefined, clock, logger: silentLogger },
    chooseAccount: ([first]) => first as NonNullable<typeof first>,
  })
  onTestFinished(() => store.close())
  return store
}

async function startWithFile(options: TestAppOptions = {}) {
  const opened: string[][] = []
  const app = await startApp({
    ...making(cookieFile),
    ...options,
    services: {
      openFile: async (...given) => {
        opened.push(given.slice(0, 2) as string[])
        return siteFile(png, 'image/png')
      },
      ...options.services,
    },
  })
  const link = async (headers?: Record<string, string>, prefix = '') => {
    const response = await app.send(`${prefix}/v1/images/generations`, request, headers)
    const { data } = (await response.json()) as { data: { url: string }[] }
    return data[0]?.url ?? ''
  }
  return { app, opened, link }
}

describe('links to files that need the cookie', () => {
  it('serves the file so that it can be shown and nothing else', async () => {
    const { link } = await startWithFile()
    const response = await fetch(await link())
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(png.length),
      'cache-control': 'private, max-age=3600',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'access-control-allow-origin': '*',
    })
    expect(Buffer.from(await response.arrayBuffer())).toEqual(png)
  })

  it('answers HEAD without a body and lets go of the file', async () => {
    const released = Promise.withResolvers<void>()
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false as const, value: png }),
        return: () => {
          released.resolve()
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }),
    }
    const { link } = await startWithFile({
      services: { openFile: async () => ({ contentType: 'image/png', contentLength: 9, body }) },
    })
    const response = await fetch(await link(), { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe('9')
    await released.promise
  })

  it.each([
    ['bytes=0-1', 206, `bytes 0-1/${png.length}`, png.subarray(0, 2)],
    [`bytes=${png.length}-`, 416, `bytes */${png.length}`, Buffer.alloc(0)],
  ])('serves the range %s, as players ask for', async (range, status, contentRange, bytes) => {
    const { link } = await startWithFile()
    const response = await fetch(await link(), { headers: { range } })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-range')).toBe(contentRange)
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes)
  })

  it.each(['image/svg+xml', 'text/html', undefined])('never serves %s as what it says', async (type) => {
    const { link } = await startWithFile({
      services: { openFile: async () => siteFile(Buffer.from('<svg onload="alert(1)"/>'), type) },
    })
    const response = await fetch(await link())
    expect(response.headers.get('content-type')).toBe('image/png')
  })

  it('FINDINGS S1: tells nothing of what it opens', async () => {
    const { link } = await startWithFile({ env: { API_SECRET: 'sk-canary', STATE_KEY: '7a'.repeat(32) } })
    const url = new URL(await link({ authorization: 'Bearer sk-canary' }))
    const [, id = '', extension] = /^\/files\/(.+)\.(\w+)$/.exec(url.pathname) ?? []
    expect([id.length, extension, url.search]).toEqual([32, 'png', ''])
    expect(id + Buffer.from(id, 'base64url').toString('latin1')).not.toContain(account.key)
    expect(await link({ authorization: 'Bearer sk-canary' })).not.toBe(url.href)
  })

  it('G1: is not written to the log, where it would open the file', async () => {
    const { app, link } = await startWithFile()
    const url = await link()
    const line = app.nextRequestLine()
    await fetch(url)
    expect(await line).toMatchObject({ path: '/files/…', status: 200 })
    expect(JSON.stringify(app.logs)).not.toContain(url.split('/files/')[1])
  })

  it.each([
    [{}, 30],
    [{ FILE_LINK_DAYS: '1' }, 1],
  ])('FINDINGS C11: %j: works for %i days, also after a restart', async (env, days) => {
    const clock = { nowMs: 1_790_000_000_000, now: () => clock.nowMs }
    const linkStore = testStore(clock)
    const { link, opened } = await startWithFile({ env, services: { linkStore } })
    const { pathname } = new URL(await link())
    const again = await startWithFile({ env, services: { linkStore } })
    clock.nowMs += days * 24 * hour - 1000
    expect((await fetch(again.app.url + pathname)).status).toBe(200)
    clock.nowMs += 1000
    const response = await fetch(again.app.url + pathname)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'not_found' } })
    expect([opened.length, again.opened.length]).toEqual([0, 1])
  })

  it('FINDINGS S1: cannot be made by a client, also not as links once were made', async () => {
    const { app, link, opened } = await startWithFile({ env: { API_SECRET: 'sk-a' } })
    const url = new URL(await link({ authorization: 'Bearer sk-a' }))
    const id = url.pathname.slice('/files/'.length, -'.png'.length)
    const key = Buffer.from(hkdfSync('sha256', 'sk-a', '', 'genspark2api file links', 32))
    const target = [account.key, 'http://127.0.0.1:7169/latest/meta-data/iam', Date.now() / 1000 + 1e6]
    const payload = Buffer.from(JSON.stringify(target)).toString('base64url')
    const signature = createHmac('sha256', key).update(payload).digest('base64url')
    const names = [
      `${payload}.${signature}.png`,
      `${createHash('sha256').update(id).digest('hex')}.png`,
      `${id.slice(0, -1)}.png`,
      `${id.slice(0, -1)}${id.endsWith('A') ? 'B' : 'A'}.png`,
      `${id}`,
      `${id}.png.png`,
      `.png`,
      '...',
      'x'.repeat(8000),
      '%00',
      encodeURIComponent('../../etc/passwd'),
    ]
    for (const name of names) {
      const response = await fetch(`${app.url}/files/${name}`)
      expect([name, response.status]).toEqual([name, 404])
      expect(response.headers.get('content-type')).toContain('application/json')
    }
    expect(opened).toEqual([])
  })

  it('is kept by a hash that opens nothing', async () => {
    const saved: string[] = []
    const store = testStore()
    const linkStore = {
      ...store,
      saveDocument: (...given: Parameters<typeof store.saveDocument>) => {
        saved.push(JSON.stringify(given))
        return store.saveDocument(...given)
      },
    }
    const { link } = await startWithFile({ services: { linkStore } })
    const id = new URL(await link()).pathname.slice('/files/'.length, -'.png'.length)
    expect(saved).toHaveLength(1)
    expect(saved[0]).not.toContain(id)
  })

  it('is made under the prefix, and works at the root as well', async () => {
    const { app, link } = await startWithFile({ env: { ROUTE_PREFIX: '/api' } })
    const url = await link(undefined, '/api')
    expect(url.startsWith(`${app.url}/api/files/`)).toBe(true)
    expect((await fetch(url)).status).toBe(200)
    expect((await fetch(url.replace('/api/', '/'))).status).toBe(200)
  })

  it.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['a trusted proxy', { TRUSTED_PROXY_HOPS: '1' }, {}, 'https://api.example.com'],
    ['the outermost of two', { TRUSTED_PROXY_HOPS: '2' }, twoProxies, 'https://api.example.com:8443'],
    ['a client where no proxy is trusted', {}, {}, 'http://127.0.0.1:PORT'],
    ['nobody where PUBLIC_URL is set', { PUBLIC_URL: 'https://pics.example/' }, {}, 'https://pics.example'],
    ['no nonsense', { TRUSTED_PROXY_HOPS: '1' }, { 'x-forwarded-host': 'a"b/c' }, 'https://127.0.0.1:PORT'],
  ])('FINDINGS O6: believes %s about where it is reached', async (_whom, env, more, expected) => {
    const { app, link } = await startWithFile({ env: { ROUTE_PREFIX: '/gw', ...env } })
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example.com', ...more }
    const url = await link(headers, '/gw')
    expect(url.slice(0, url.lastIndexOf('/'))).toBe(`${expected.replace('PORT', String(app.port))}/gw/files`)
  })

  it('is not counted by the rate limit: a page of pictures loads them all at once', async () => {
    const { link } = await startWithFile({ env: { REQUEST_RATE_LIMIT: '1' } })
    const url = await link()
    for (let count = 0; count < 3; count += 1) expect((await fetch(url)).status).toBe(200)
  })

  it('breaks the connection when the file breaks off, so that half is not taken for the whole', async () => {
    const seen = Promise.withResolvers<void>()
    async function* body() {
      yield png.subarray(0, 10)
      await seen.promise
      throw new Error('connection reset')
    }
    const { link } = await startWithFile({
      services: {
        openFile: async () => ({ contentType: 'image/png', contentLength: undefined, body: body() }),
      },
    })
    const response = await fetch(await link())
    seen.resolve()
    await expect(response.arrayBuffer()).rejects.toThrow()
  })

  it('C2: a client that leaves lets go of the file', async () => {
    const released = Promise.withResolvers<void>()
    async function* body() {
      try {
        for (;;) yield Buffer.alloc(64 * 1024)
      } finally {
        released.resolve()
      }
    }
    const { link } = await startWithFile({
      services: {
        openFile: async () => ({ contentType: 'video/mp4', contentLength: undefined, body: body() }),
      },
    })
    const controller = new AbortController()
    const response = await fetch(await link(), { signal: controller.signal })
    expect(response.status).toBe(200)
    controller.abort()
    await released.promise
  })
})
