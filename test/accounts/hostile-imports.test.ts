import { describe, expect, it } from 'vitest'
import { parseCookieInput, parseCookieList } from '../../src/accounts/import-accounts.ts'

const session = 'session_id=canary'
const inCurl = (quoted: string) => `curl 'https://www.genspark.ai/' -b ${quoted}`
const exported = (...cookies: readonly object[]) => JSON.stringify(cookies)

describe('kin of CASES G8: what no header may carry is refused, in words that do not repeat it', () => {
  it.each<[name: string, text: string, message: RegExp]>([
    ['a vertical tab', `${session}\vX: y`, /a control character/],
    ['a form feed', `${session}\fx`, /a control character/],
    ['a tab within', 'session_id=can\tary', /a control character/],
    ['NEL', `${session}\u0085x`, /a control character/],
    ['a line separator', `${session}\u2028x`, /outside ASCII/],
    ['a letter of no width', `${session}\u200bx`, /outside ASCII/],
    ['a turn of the writing', `\u202e${session}`, /outside ASCII/],
    ['a full-width semicolon', `${session}\uff1bc1=1`, /outside ASCII/],
    ['an emoji', `${session}\u{1f36a}`, /outside ASCII/],
    ['half a surrogate pair', `${session}\ud800`, /outside ASCII/],
    ['a byte order mark within', 'session_id=\ufeffcanary', /outside ASCII/],
    ['UTF-16 read as bytes', Buffer.from(session, 'utf16le').toString('latin1'), /a NUL/],
    ['a folded header', `Set-Cookie: ${session}; Path=/\r\n X: folded`, /a line break/],
    ['a line break of a shell', inCurl(`$'${session}\\r\\nX: y'`), /a line break/],
    ['the same in hex', inCurl(`$'${session}\\x0d\\x0aX: y'`), /a line break/],
    ['the same in one digit', inCurl(`$'${session}\\xaX: y'`), /a line break/],
    ['the same in octal', inCurl(`$'${session}\\12X: y'`), /a line break/],
    ['the same in Unicode', inCurl(`$'${session}\\u000aX: y'`), /a line break/],
    ['a NUL of a shell', inCurl(`$'${session}\\0'`), /a NUL/],
    ['an escape of a shell', inCurl(`$'${session}\\e[0m'`), /a control character/],
    [
      'a line break of JavaScript',
      `fetch("https://x",{"headers":{"cookie":"${session}\\r\\nX: y"}})`,
      /a line break/,
    ],
    ['a line break in a name', exported({ name: 'session_id\r\nX', value: 'canary' }), /a line break/],
    ['a session of nothing', 'session_id=', /is empty/],
    ['a session of blanks', 'session_id=    ', /is empty/],
    [
      '2,000 cookies',
      `${Array.from({ length: 2000 }, (_, index) => `c${index}=1`).join('; ')}; ${session}`,
      /over 16 KiB/,
    ],
    [
      'an export without end',
      exported(
        ...Array.from({ length: 30_000 }, () => ({ name: 'c', value: 'canary', domain: '.genspark.ai' })),
      ),
      /over 1024 KiB/,
    ],
    ['lists in lists', `${'['.repeat(5000)}"${session}"${']'.repeat(5000)}`, /not a list of/],
    ['objects in objects', `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`, /not a list of/],
    ['a prototype', '{"__proto__":{"session_id":"canary"}}', /not a list of/],
    ['a number', '{"session_id":12345}', /not a list of/],
    ['an object as a value', '{"session_id":{"value":{"canary":1}}}', /not a list of/],
  ])('%s', (_, text, message) => {
    const [problem] = parseCookieList(text).problems
    expect(problem).toMatch(/is empty|1024/.test(String(message)) ? /./ : message)
    for (const { cookie } of parseCookieList(text).accounts) expect(cookie).toMatch(/^[\x20-\x7e]+$/)
    expect(() => parseCookieInput(text, { param: 'cookie' })).toThrow(message)
    expect(() => parseCookieInput(text, { param: 'cookie' })).not.toThrow(/canary/)
  })

  it.each<[name: string, text: string, cookie: string]>([
    ['line breaks that stay percent-encoded', `${session}%0d%0aX:%20y`, `${session}%0d%0aX:%20y`],
    ['a header that was pasted twice', `Cookie: Cookie: ${session}`, session],
    ['a blank that does not break', `${session}\u00a0`, session],
    ['a quote that was never closed', `curl https://x -b '${session}`, session],
    ['an apostrophe of a shell', inCurl(`$'session_id=it\\'s'`), "session_id=it's"],
    ['commas within a value', 'session_id=a,b; c1=2', 'session_id=a,b; c1=2'],
    [
      'a cookie named as a prototype',
      exported({ name: '__proto__', value: 'x' }, { name: 'session_id', value: 'abc' }),
      '__proto__=x; session_id=abc',
    ],
  ])('but %s is read', (_, text, cookie) => {
    expect(parseCookieInput(text).accounts.map((account) => account.cookie)).toEqual([cookie])
    expect(({} as { session_id?: string }).session_id).toBeUndefined()
  })
})
