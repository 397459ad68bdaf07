import type { ServerResponse } from 'node:http'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createPublicFileFetcher } from '../../src/upstream/fetch-public-file.ts'
import { pictures } from './pictures.ts'
import { type Respond, type Site, send, startSite } from './site.ts'

let site: Site
beforeEach(async () => {
  site = await startSite((response) => response.end(pictures.png))
})
afterEach(() => site.close())

const fetcher = createPublicFileFetcher({ allowPrivate: true, maxBytes: 100_000, timeoutMs: 2_000 })
const fetchWith = (respond: Respond, takeMemory?: (bytes: number) => void) => {
  site.respond = respond
  const { signal } = new AbortController()
  return fetcher.fetchImage(site.url, { param: 'image', signal, ...(takeMemory && { takeMemory }) })
}
const failed = { code: 'image_fetch_failed', param: 'image', status: 400 }

const bomb = Buffer.concat([pictures.png, Buffer.alloc(32 << 20)])
const encoded =
  (encoding: string, bytes: Buffer): Respond =>
  (response) =>
    response.writeHead(200, { 'content-encoding': encoding }).end(bytes)

/** Writes the same again and again, each time after a turn of the loop, until the client has gone. */
const without =
  (end: (response: ServerResponse) => void, first?: string | Buffer): Respond =>
  async (response, { closed }) => {
    let isOpen = true
    void closed.then(() => {
      isOpen = false
    })
    if (first) response.write(first)
    for (; isOpen; await new Promise((resolve) => setTimeout(resolve, 5))) end(response)
  }
/** Instead of HTTP. */
const raw =
  (text: string | Buffer): Respond =>
  (response) =>
    response.socket?.end(text)

describe('kin of CASES E7: what a server of pictures may do', () => {
  test.each<[string, Respond]>([
    ['a bomb in brotli', encoded('br', brotliCompressSync(bomb))],
    ['a bomb in deflate', encoded('deflate', deflateSync(bomb))],
    [
      'a bomb in gzip, in many members',
      encoded('gzip', Buffer.concat(Array.from({ length: 32 }, () => gzipSync(Buffer.alloc(1 << 20))))),
    ],
    ['gzip twice', encoded('gzip, gzip', gzipSync(gzipSync(bomb)))],
    ['gzip that is none', encoded('gzip', Buffer.from('no gzip'))],
    ['gzip that is cut', encoded('gzip', gzipSync(bomb).subarray(0, 1000))],
    [
      'less than it promised',
      (response) =>
        response
          .writeHead(200, { 'content-length': '5000' })
          .write(pictures.png, () => response.socket?.end()),
    ],
    ['a byte now and then', without((response) => response.write('x'), pictures.png)],
    ['headers now and then', without((response) => response.socket?.write('X-More: 1\r\n'), undefined)],
    ['nothing at all', () => {}],
    [
      'headers and no more',
      (response) => response.writeHead(200, { 'content-type': 'image/png' }).flushHeaders(),
    ],
    ['a promise of more, without end', without((response) => response.writeContinue())],
    ['headers without bound', raw(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1 << 20)}\r\n\r\n`)],
    ['chunks that are none', raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx')],
    ['no HTTP', raw(pictures.png)],
    ['an answer of TLS', raw(Buffer.from([0x15, 3, 3, 0, 2, 2, 40]))],
    ['a redirect to nowhere', send(302, '')],
    ['a redirect to a file', send(302, '', { location: 'file:///etc/passwd' })],
    ['a redirect to data', send(302, '', { location: 'data:image/png;base64,aaaa' })],
    ['a redirect to ftp', send(302, '', { location: 'ftp://example.com/a.png' })],
    ['part of a picture', send(206, 'x')],
    ['a picture under 500', (response) => response.writeHead(500).end(pictures.png)],
    ['a demand for a password', send(401, 'x', { 'www-authenticate': 'Basic' })],
    [
      'SVG behind a comment',
      send(200, '\ufeff <!-- GIF89a --><svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>'),
    ],
    [
      'a film',
      (response) =>
        response.end(Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypisom\0\0\0\0isomavc1')])),
    ],
    ['an archive', (response) => response.end(Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100)]))],
    ['a script that names a picture', send(200, '#!/bin/sh\n# \x89PNG\r\n')],
    [
      'a picture behind a letter',
      (response) => response.end(Buffer.concat([Buffer.from('x'), pictures.png])),
    ],
  ])('%s: a failed fetch in time, and nothing stays open', async (_, respond) => {
    await expect(fetchWith(respond)).rejects.toMatchObject(failed)
    await Promise.all(site.requests.map(({ closed }) => closed))
  })

  test('of a bomb no more is taken into memory than may be', async () => {
    let taken = 0
    const take = (bytes: number) => {
      taken += bytes
    }
    await expect(fetchWith(encoded('br', brotliCompressSync(bomb)), take)).rejects.toMatchObject(failed)
    expect(taken).toBeLessThan(400_000)
  })

  test('a page that begins as a picture is sent on as that picture', async () => {
    const both = Buffer.concat([pictures.gif, Buffer.from('<script>x()</script>')])
    const image = await fetchWith((response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(both),
    )
    expect(image.mimeType).toBe('image/gif')
  })
})
