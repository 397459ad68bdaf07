import { once } from 'node:events'
import { connect } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ChatRequest } from '../../src/core/chat-request.ts'

import { answerOf, finished, startApp, text } from './support/start-app.ts'

const asked = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] }
const json = JSON.stringify(asked)
const withContent = (content: string) => `{"model":"m","messages":[{"role":"user","content":${content}}]}`
const zeros = Buffer.alloc(64 << 20)
const swapped = (bytes: Buffer) => Buffer.from(bytes).swap16()
const utf16 = Buffer.from(json, 'utf16le')
const utf32 = Buffer.from([...json].flatMap((letter) => [letter.charCodeAt(0), 0, 0, 0]))
const halves = [json.slice(0, 20), json.slice(20)]

type Outcome =
  | 200
  | 'invalid_json'
  | 'json_too_deep'
  | 'invalid_value'
  | 'request_too_large'
  | 'unsupported_media_type'

type OddBody = [name: string, body: string | Buffer, outcome: Outcome, headers?: Record<string, string>]

const bodies: readonly OddBody[] = [
  ['UTF-16 with its mark', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), 'invalid_json'],
  ['UTF-16, the other way round', Buffer.concat([Buffer.from([0xfe, 0xff]), swapped(utf16)]), 'invalid_json'],
  ['UTF-16 without a mark', utf16, 'invalid_json'],
  ['UTF-32', utf32, 'invalid_json'],
  ['two byte order marks', `\ufeff\ufeff${json}`, 'invalid_json'],
  ['a byte order mark within gzip', gzipSync(`\ufeff${json}`), 200, { 'content-encoding': 'gzip' }],
  ['a byte order mark alone', '\ufeff', 'invalid_json'],
  [
    'Latin-1 letters',
    Buffer.from(withContent('"caf\u00e9"'), 'latin1'),
    'invalid_json',
    { 'content-type': 'application/json; charset=iso-8859-1' },
  ],
  [
    'overlong UTF-8',
    Buffer.concat([Buffer.from('{"model":"m","messages":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
    'invalid_json',
  ],
  [
    'a surrogate in UTF-8',
    Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    'invalid_json',
  ],
  ['half a surrogate pair, escaped', withContent('"\\ud83d"'), 200],
  ['NUL, escaped', withContent('"a\\u0000b"'), 200],
  ['NUL as it is', withContent('"a\u0000b"'), 'invalid_json'],
  ['brackets within a string', withContent(JSON.stringify('[{'.repeat(100_000))), 200],
  ['brackets behind an escaped quote', withContent(JSON.stringify(`"${'['.repeat(5_000)}`)), 200],
  ['brackets behind an escaped backslash', withContent(JSON.stringify(`\\"${'{'.repeat(5_000)}\\`)), 200],
  ['100,000 levels', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'json_too_deep'],
  ['levels of objects', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`, 'json_too_deep'],
  ['a mebibyte of blanks in front', ' '.repeat(1 << 20) + json, 200],
  ['something behind it', `${json}}`, 'invalid_json'],
  ['a comma too many', `${json.slice(0, -1)},}`, 'invalid_json'],
  ['comments', `/* hi */${json}`, 'invalid_json'],
  ['NaN', '{"model":"m","temperature":NaN}', 'invalid_json'],
  ['a list around it', `[${json}]`, 'invalid_value'],
  ['a text around it', JSON.stringify(json), 'invalid_value'],
  ['a number out of all range', `{"max_tokens":1e999,${json.slice(1)}`, 'invalid_value'],
  [
    'gzip with something behind it',
    Buffer.concat([gzipSync(json), Buffer.from('garbage')]),
    'invalid_json',
    { 'content-encoding': 'gzip' },
  ],
  [
    'gzip in two members',
    Buffer.concat(halves.map((half) => gzipSync(half))),
    200,
    { 'content-encoding': 'gzip' },
  ],
  [
    'gzip that is cut in its check sum',
    gzipSync(json).subarray(0, -4),
    'invalid_json',
    { 'content-encoding': 'gzip' },
  ],
  [
    'gzip whose check sum is wrong',
    Buffer.concat([gzipSync(json).subarray(0, -8), Buffer.alloc(8)]),
    'invalid_json',
    { 'content-encoding': 'gzip' },
  ],
  ['gzip twice', gzipSync(gzipSync(json)), 'unsupported_media_type', { 'content-encoding': 'gzip, gzip' }],
  ['gzip that is not told', gzipSync(json), 'invalid_json'],
  ['nothing, in gzip', gzipSync(''), 'invalid_json', { 'content-encoding': 'gzip' }],
  ['deflate in the place of gzip', deflateSync(json), 200, { 'content-encoding': 'gzip' }],
  ['deflate without its head', deflateRawSync(json), 'invalid_json', { 'content-encoding': 'deflate' }],
  ['a bomb in gzip', gzipSync(zeros), 'request_too_large', { 'content-encoding': 'gzip' }],
  [
    'a bomb in gzip, in many members',
    Buffer.concat(Array.from({ length: 64 }, () => gzipSync(zeros.subarray(0, 1 << 20)))),
    'request_too_large',
    { 'content-encoding': 'gzip' },
  ],
  ['a bomb in brotli', brotliCompressSync(zeros), 'request_too_large', { 'content-encoding': 'br' }],
  ['a bomb in zstd', zstdCompressSync(zeros), 'request_too_large', { 'content-encoding': 'zstd' }],
  ['a bomb in deflate', deflateSync(zeros), 'request_too_large', { 'content-encoding': 'deflate' }],
  ['a form', 'model=m', 'unsupported_media_type', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['an encoding that is none', json, 'unsupported_media_type', { 'content-encoding': 'rot13' }],
]

describe('kin of CASES G4: odd bodies', () => {
  it.each<OddBody>(bodies)('%s', async (_, body, outcome, headers) => {
    const app = await startApp({ env: { MAX_BODY_MB: '8' } })
    const response = await fetch(`${app.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: body as BodyInit,
    })
    const { error } = (await response.json()) as { error?: { code: string } }
    expect(response.status === 200 ? 200 : error?.code).toBe(outcome)
    expect((await app.post(asked)).status).toBe(200)
  })

  it('of two values with one name the last counts, and nothing reaches the prototype', async () => {
    const seen: ChatRequest[] = []
    const app = await startApp({
      runChat: async (request) => {
        seen.push(request)
        return answerOf([[...text('Hello'), finished]])
      },
    })
    const body = `{"stream":true,"model":"first","__proto__":{"stream":true},"constructor":{"prototype":{"stream":true}},${json.slice(1, -1)},"stream":false}`
    const response = await app.post(body)
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('json'),
    ])
    expect(seen[0]?.model.id).toBe('m')
    expect(({} as { stream?: boolean }).stream).toBeUndefined()
  })

  it.each([
    ['a size of a chunk that is none', 'Transfer-Encoding: chunked', 'zz\r\nhello\r\n0\r\n\r\n', 400],
    ['a size beyond all bounds', 'Transfer-Encoding: chunked', `fffffffffffffffff\r\n{}\r\n0\r\n\r\n`, 400],
    ['a chunk that is longer than it says', 'Transfer-Encoding: chunked', '2\r\n{"a":1}\r\n0\r\n\r\n', 400],
    [
      'a length beside chunks',
      'Transfer-Encoding: chunked\r\nContent-Length: 2',
      '2\r\n{}\r\n0\r\n\r\n',
      400,
    ],
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 3', '{}', 400],
    ['a length below nothing', 'Content-Length: -1', '{}', 400],
    ['chunks that are not the last coding', 'Transfer-Encoding: chunked, gzip', '2\r\n{}\r\n0\r\n\r\n', 400],
    [
      'a chunk of 17 MB told, in a body of 8',
      'Transfer-Encoding: chunked',
      `${(9 << 20).toString(16)}\r\n${'x'.repeat(9 << 20)}\r\n0\r\n\r\n`,
      413,
    ],
  ])('lies about the length: %s', async (_, header, body, status) => {
    const app = await startApp({ env: { MAX_BODY_MB: '8' } })
    const socket = connect(app.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    let said = ''
    socket.on('data', (bytes) => {
      said += bytes
    })
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${header}\r\n\r\n${body}`,
    )
    await expect.poll(() => /^HTTP\/1\.1 (\d+)[\s\S]*\}$/.exec(said.trim())?.[1]).toBe(String(status))
    expect(said).toContain('"error"')
    socket.destroy()
    expect((await app.post(asked)).status).toBe(200)
  })
})
