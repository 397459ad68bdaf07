import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import Koa from 'koa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { beginRequest } from '../../src/http/begin-request.ts'
import { exceedsDepth, readJson } from '../../src/http/read-body.ts'
import type { RequestState } from '../../src/http/request-state.ts'
import { chatBody, startApp } from './support/start-app.ts'

const valid = JSON.stringify(chatBody)

async function outcome(response: Response) {
  const { error } = (await response.json()) as { error?: { code: string; message: string } }
  return { status: response.status, code: error?.code, message: error?.message }
}

describe('readJson', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'text/json',
    'application/vnd.x+json',
    'text/plain',
  ])('takes %s', async (type) => {
    const { post } = await startApp()
    expect((await post(valid, { headers: { 'content-type': type } })).status).toBe(200)
  })

  it('takes a body without type and without length', async () => {
    const { post, url } = await startApp()
    const typeless = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: Buffer.from(valid) })
    expect(typeless.status).toBe(200)
    const parts = Readable.toWeb(
      Readable.from([valid.slice(0, 20), valid.slice(20)].map((part) => Buffer.from(part))),
    )
    expect((await post('', { body: parts as BodyInit, duplex: 'half' } as RequestInit)).status).toBe(200)
  })

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('takes a body in %s', async (encoding, compress) => {
    const { post } = await startApp()
    const response = await post('', { body: compress(valid), headers: { 'content-encoding': encoding } })
    expect(response.status).toBe(200)
  })

  it('takes a byte order mark', async () => {
    const { post } = await startApp()
    expect((await post(`\ufeff${valid}`)).status).toBe(200)
  })

  it.each([
    ['{"model":', 400, 'invalid_json'],
    ['', 400, 'invalid_json'],
    ['hello', 400, 'invalid_json'],
    ['{"a" 1}', 400, 'invalid_json'],
    ['[]', 400, 'invalid_value'],
    ['null', 400, 'invalid_value'],
    ['7', 400, 'invalid_value'],
    ['"text"', 400, 'invalid_value'],
    ['{}', 400, 'invalid_value'],
    [`${'['.repeat(101)}${']'.repeat(101)}`, 400, 'json_too_deep'],
    ['{"a":'.repeat(1_000_000), 400, 'json_too_deep'],
  ])('G4: %.20s is answered %i %s', async (body, status, code) => {
    const { post } = await startApp()
    expect(await outcome(await post(body))).toMatchObject({ status, code })
  })

  it('G4: bytes that are no UTF-8 are invalid JSON', async () => {
    const { post } = await startApp()
    const body = Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])
    expect(await outcome(await post('', { body }))).toMatchObject({ status: 400, code: 'invalid_json' })
  })

  it('tells where the fault is without repeating the body', async () => {
    const { post } = await startApp()
    expect((await outcome(await post('{"secret" 1}'))).message).toBe(
      'The request body is not valid JSON (at character 10).',
    )
    expect((await outcome(await post('secret'))).message).toBe('The request body is not valid JSON.')
  })

  it.each([
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'image/png',
  ])('G4: refuses %s', async (type) => {
    const { post } = await startApp()
    const response = await post(valid, { headers: { 'content-type': type } })
    expect(await outcome(response)).toMatchObject({ status: 415, code: 'unsupported_media_type' })
  })

  it('refuses an encoding that it does not know', async () => {
    const { post } = await startApp()
    const response = await post(valid, { headers: { 'content-encoding': 'lzma' } })
    expect(await outcome(response)).toMatchObject({ status: 415, code: 'unsupported_media_type' })
  })

  it('takes a body in zstd (FINDINGS C16)', async () => {
    const { post } = await startApp()
    const init = { body: zstdCompressSync(valid), headers: { 'content-encoding': 'zstd' } }
    expect((await post('', init)).status).toBe(200)
  })

  it.each(['gzip', 'deflate', 'br', 'zstd'])('answers 400 to a body that is not %s', async (encoding) => {
    const { post } = await startApp()
    const response = await post(valid, { headers: { 'content-encoding': encoding } })
    expect(await outcome(response)).toMatchObject({
      status: 400,
      code: 'invalid_json',
      message: 'The request body cannot be decompressed.',
    })
  })

  it('answers 400 to compressed data that is cut off', async () => {
    const { post } = await startApp()
    const response = await post('', {
      body: gzipSync(valid).subarray(0, 40),
      headers: { 'content-encoding': 'gzip' },
    })
    expect(await outcome(response)).toMatchObject({ status: 400, code: 'invalid_json' })
  })

  it('G4: 50 MB are refused, the connection and the process live on', async () => {
    const { post } = await startApp({ env: { MAX_BODY_MB: '1' } })
    const body = JSON.stringify({ ...chatBody, padding: 'x'.repeat(50 * 1024 * 1024) })
    expect(await outcome(await post(body))).toMatchObject({ status: 413, code: 'request_too_large' })
    const chunks = Readable.toWeb(
      Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(64 * 1024, ' '))),
    )
    const chunked = await post('', { body: chunks as BodyInit, duplex: 'half' } as RequestInit)
    expect(await outcome(chunked)).toMatchObject({ status: 413, code: 'request_too_large' })
    expect((await post(valid)).status).toBe(200)
  })

  it.each([
    ['gzip', gzipSync],
    ['br', (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ])('G4: a bomb in %s is cut at the bound', async (encoding, compress) => {
    const { post } = await startApp({ env: { MAX_BODY_MB: '1' } })
    const bomb = compress(Buffer.alloc(200 * 1024 * 1024, ' '))
    const before = process.memoryUsage().arrayBuffers
    const response = await post('', { body: bomb, headers: { 'content-encoding': encoding } })
    expect(await outcome(response)).toMatchObject({ status: 413, code: 'request_too_large' })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1024 * 1024)
  })

  it('takes bodies of tens of MB (CLIENTS rule 12)', async () => {
    const { post } = await startApp({ env: { MAX_BODY_MB: '32' } })
    const content = 'x'.repeat(30 * 1024 * 1024)
    const response = await post({ model: 'm', messages: [{ role: 'user', content }] })
    expect(response.status).toBe(200)
  })

  it('G4: a length that promises too much is refused before the body comes', async () => {
    const { port } = await startApp({ env: { MAX_BODY_MB: '1' } })
    const socket = connect(port, '127.0.0.1')
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{')
    const [reply] = await once(socket, 'data')
    expect(String(reply)).toMatch(/^HTTP\/1\.1 413 /)
    socket.destroy()
  })

  it.each(['identity', 'gzip'])('C2: notices a client that leaves while it sends (%s)', async (encoding) => {
    const ended = Promise.withResolvers<unknown>()
    const koa = new Koa<RequestState>()
    koa.silent = true
    koa.use(beginRequest({ shutdown: new AbortController().signal, stallMs: 60_000 }))
    koa.use((context) => readJson(context, 1024).then(ended.resolve, ended.reject))
    const server = createServer(koa.callback())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const begin = encoding === 'gzip' ? gzipSync(valid).subarray(0, 30) : '{"model"'
    const received = once(server, 'request')
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Encoding: ${encoding}\r\nContent-Length: 999\r\n\r\n`,
    )
    socket.write(begin)
    await received
    socket.destroy()
    await expect(ended.promise).rejects.toMatchObject({ name: 'AbortError' })
  })

  it.each(['end', 'destroy', 'resetAndDestroy'] as const)(
    'C2: a client that leaves while it sends is logged as 499 and as no error (%s)',
    async (leave) => {
      const app = await startApp()
      const line = app.nextRequestLine()
      const socket = connect(app.port, '127.0.0.1')
      socket.on('error', () => {})
      const received = once(app.server, 'request')
      socket.write('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n{"model"')
      await received
      socket[leave]()
      expect(await line).toMatchObject({ status: 499 })
      expect(app.logs.filter(({ level }) => level !== 'debug' && level !== 'info')).toEqual([])
    },
  )
})

describe('exceedsDepth', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

  const agrees = (value: unknown) => {
    const bytes = Buffer.from(JSON.stringify(value))
    const depth = depthOf(value)
    expect(exceedsDepth(bytes, depth)).toBe(false)
    if (depth > 0) expect(exceedsDepth(bytes, depth - 1)).toBe(true)
  }

  const stringUnit = fc.constantFrom('"', '\\', '[', '{', ']', 'a')

  it('agrees with the depth of every JSON value', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 6, stringUnit }), agrees))
  })

  it('agrees where strings are long', () => {
    const string = fc.string({ unit: stringUnit, minLength: 40, maxLength: 200 })
    fc.assert(
      fc.property(fc.array(fc.tuple(string, fc.array(string, { maxLength: 2 })), { maxLength: 4 }), agrees),
    )
  })

  it.each(['', '"', '"\\', ']]]]', '{"a', `"${'a'.repeat(60)}`, `"${'\\'.repeat(61)}"`])(
    'survives %j, which is no JSON',
    (text) => {
      expect(exceedsDepth(Buffer.from(text), 3)).toBe(false)
    },
  )
})
