import { describe, expect, it } from 'vitest'
import { account, cookieFile, making, png, siteFile } from './support/media.ts'
import { startApp, type TestAppOptions } from './support/start-app.ts'

const request = { model: 'dall-e-3', prompt: 'A cat' }
const hour = 60 * 60 * 1000

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

  it('holds no secret', async () => {
    const { link } = await startWithFile({ env: { API_SECRET: 'sk-canary', STATE_KEY: '7a'.repeat(32) } })
    const url = await link({ authorization: 'Bearer sk-canary' })
    const payload = Buffer.from(url.split('/files/')[1]?.split('.')[0] ?? '', 'base64url').toString()
    expect(JSON.parse(payload)).toEqual([account.key, cookieFile.url, expect.any(Number)])
  })

  it('G1: is not written to the log, where it would open the file', async () => {
    const { app, link } = await startWithFile()
    const url = await link()
    const line = app.nextRequestLine()
    await fetch(url)
    expect(await line).toMatchObject({ path: '/files/…', status: 200 })
    expect(JSON.stringify(app.logs)).not.toContain(url.split('/files/')[1])
  })

  it('works for one hour', async () => {
    let nowMs = 1_790_000_000_000
    const { link, opened } = await startWithFile({ services: { clock: { now: () => nowMs } } })
    const url = await link()
    nowMs += hour - 1000
    expect((await fetch(url)).status).toBe(200)
    nowMs += 1000
    const response = await fetch(url)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'not_found' } })
    expect(opened).toHaveLength(1)
  })

  it('is refused when anything of it was changed', async () => {
    const { app, link, opened } = await startWithFile()
    const url = new URL(await link())
    const [payload = '', signature = ''] = url.pathname.slice('/files/'.length).split('.')
    const [key, , expires] = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const other = Buffer.from(JSON.stringify([key, 'http://169.254.169.254/', expires])).toString('base64url')
    const names = [
      `${other}.${signature}.png`,
      `${payload}.${signature.slice(0, -1)}.png`,
      `${payload}.${'A'.repeat(signature.length)}.png`,
      `${payload}..png`,
      `${payload}.png`,
      `.${signature}.png`,
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

  it.each([
    ['STATE_KEY', { STATE_KEY: '0f'.repeat(32) }, {}, true],
    ['API_SECRET', { API_SECRET: 'sk-1' }, { authorization: 'Bearer sk-1' }, true],
    ['neither', {}, {}, false],
  ])('is known to another replica with the same %s: %s', async (_case, env, headers, known) => {
    const one = await startWithFile({ env })
    const other = await startWithFile({ env })
    const { pathname } = new URL(await one.link(headers as Record<string, string>))
    expect((await fetch(other.app.url + pathname)).status).toBe(known ? 200 : 404)
  })

  it('outlives a change of key while the old one is still named', async () => {
    const old = await startWithFile({ env: { STATE_KEY: '0f'.repeat(32) } })
    const changed = await startWithFile({ env: { STATE_KEY: `${'1e'.repeat(32)},${'0f'.repeat(32)}` } })
    const { pathname } = new URL(await old.link())
    expect((await fetch(changed.app.url + pathname)).status).toBe(200)
  })

  it('is made under the prefix, and works at the root as well', async () => {
    const { app, link } = await startWithFile({ env: { ROUTE_PREFIX: '/api' } })
    const url = await link(undefined, '/api')
    expect(url.startsWith(`${app.url}/api/files/`)).toBe(true)
    expect((await fetch(url)).status).toBe(200)
    expect((await fetch(url.replace('/api/', '/'))).status).toBe(200)
  })

  it('believes a proxy about https only where one is trusted', async () => {
    const headers = { 'x-forwarded-proto': 'https' }
    const trusting = await startWithFile({ env: { TRUSTED_PROXY_HOPS: '1' } })
    expect(await trusting.link(headers)).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/files\//)
    const plain = await startWithFile()
    expect(await plain.link(headers)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/files\//)
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
