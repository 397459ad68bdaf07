import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DotenvError, parseDotenv, readDotenv } from '../../src/config/dotenv.ts'

const parse = (text: string | Buffer) =>
  Object.fromEntries(parseDotenv(typeof text === 'string' ? Buffer.from(text) : text))

function faultsOf(action: () => unknown): readonly string[] {
  try {
    action()
  } catch (error) {
    if (error instanceof DotenvError) return error.faults
    throw error
  }
  return []
}

describe('.env', () => {
  test('FINDINGS S3: loses its byte order mark, wherever one stands', () => {
    const expected = { API_SECRET: 'sk-t', GS_COOKIE: 'session_id=aaa' }
    expect(parse('\uFEFFAPI_SECRET=sk-t\nGS_COOKIE=session_id=aaa\n')).toEqual(expected)
    expect(parse('API_SECRET=sk-t\n\uFEFFGS_COOKIE=session_id=aaa')).toEqual(expected)
  })

  test.each([
    ['UTF-16 with a mark', Buffer.from('\uFEFFAPI_SECRET=sk-t\n', 'utf16le')],
    ['UTF-16, the other way round', Buffer.from('\uFEFFAPI_SECRET=sk-t\n', 'utf16le').swap16()],
    ['UTF-16 without a mark', Buffer.from('API_SECRET=sk-t\n', 'utf16le')],
    ['NUL bytes', Buffer.from('API_SECRET=sk-t\n\0\0\0')],
  ])('FINDINGS S3: in %s is refused in one line', (_, bytes) => {
    expect(faultsOf(() => parse(bytes))).toEqual(['.env is in UTF-16 or no text: save it as UTF-8'])
  })

  test.each([
    'API_SECRET: sk-env',
    '{"API_SECRET":"sk-env"}',
    'API_SECRET sk-env',
    'API_SECRET',
    '$env:API_SECRET="sk-env"',
    'set API_SECRET=sk-env',
    '\u200BAPI_SECRET=sk-env',
    'API-SECRET＝sk-env',
    '=sk-env',
    '// a comment',
    'API_SECRET="sk-env',
    "API_SECRET='sk-env",
    'API_SECRET=sk-env"',
    'API_SECRET="sk-env" and more',
    'API_SECRET=sk-other',
  ])('FINDINGS X12: a line that is not understood is named, never quoted: %j', (line) => {
    const faults = faultsOf(() => parse(`# mine\nAPI_SECRET=sk-first\n\n${line}\n`))
    expect(faults.join()).toMatch(/^\.env, line 4: /)
    expect(faults.join()).not.toMatch(/sk-/)
  })

  test('FINDINGS X12: every such line is named at once', () => {
    expect(faultsOf(() => parse('A: 1\nB="x\nC: 2\nD=4'))).toEqual([
      '.env, line 1: is neither a comment nor NAME=value',
      '.env, line 2: the value of B begins with a quote that does not end',
      '.env, line 3: is neither a comment nor NAME=value',
    ])
  })

  test('a value that is not UTF-8 is refused; a comment may be in anything', () => {
    expect(parse(Buffer.concat([Buffer.from([0x23, 0xc4, 0xe3, 0x0a]), Buffer.from('A=1')]))).toEqual({
      A: '1',
    })
    expect(faultsOf(() => parse(Buffer.from([0x41, 0x3d, 0xc4, 0xe3])))).toHaveLength(1)
  })

  test.each([
    ['A=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['A=1\rB=2', { A: '1', B: '2' }],
    ['export A=1\n  B = 2  ', { A: '1', B: '2' }],
    ['A=\nB=""', { A: '', B: '' }],
    ['A=1 # one\nB=# none\nC="#" # x', { A: '1', B: '', C: '#' }],
    ['A="1"\nB=\'2\'\nC=`3`', { A: '1', B: '2', C: '3' }],
    ['A="x\ny"\nB=\'[\n"z"\n]\'', { A: 'x\ny', B: '[\n"z"\n]' }],
    ['A="x\\ny"\nB=\'x\\ny\'', { A: 'x\ny', B: 'x\\ny' }],
    ['A=a=b; c="d"', { A: 'a=b; c="d"' }],
    ['A=1\nA=1', { A: '1' }],
  ])('%j', (text, expected) => {
    expect(parse(text)).toEqual(expected)
  })

  test('FINDINGS O8: a number sign within a word is no comment', () => {
    expect(parse('REDIS_URL=redis://:p#ss@host:6379')).toEqual({ REDIS_URL: 'redis://:p#ss@host:6379' })
  })

  test('reads what Node reads, for names and words of every kind', () => {
    const name = fc.stringMatching(/^[A-Z][A-Z_]{0,8}$/)
    // A value of blanks alone makes Node read the next line into it.
    const value = fc.stringMatching(/^([\w,;:/.@=+-][\w,;:/.@=+ -]{0,30})?$/)
    const quote = fc.constantFrom('', '"', "'")
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, value, quote), { selector: ([key]) => key }), (settings) => {
        const text = settings.map(([key, given, mark]) => `${key}=${mark}${given}${mark}`).join('\n')
        expect(parse(text)).toEqual({ ...parseEnv(text) })
      }),
    )
  })

  test('FINDINGS O8: what is there and cannot be read is one line; what is not there is nothing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'genspark2api-dotenv-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const at = (name: string) => join(folder, name)
    expect(readDotenv(at('none')).size).toBe(0)
    mkdirSync(at('folder'))
    symlinkSync(at('nowhere'), at('link'))
    writeFileSync(at('closed'), 'A=1')
    chmodSync(at('closed'), 0)
    expect(faultsOf(() => readDotenv(at('folder')))[0]).toMatch(/folder is a folder, not a file/)
    expect(faultsOf(() => readDotenv(at('link')))[0]).toMatch(/link is a link to a file that is missing/)
    // Root reads everything.
    if (process.getuid?.() !== 0)
      expect(faultsOf(() => readDotenv(at('closed')))[0]).toMatch(/closed may not be read/)
  })
})
