import { describe, expect, it } from 'vitest'
import { createAccount } from '../../src/core/account.ts'
import { importedSessions, type SetCookie } from '../../src/core/site-session.ts'
import { createCookieJar, parseSetCookie } from '../../src/upstream/cookie-jar.ts'
import { manualClock } from './support.ts'

const nowMs = Date.UTC(2026, 10, 28)
const www = { host: 'www.genspark.ai', site: 'www.genspark.ai', nowMs }

describe('a Set-Cookie line', () => {
  it.each<[string, SetCookie | undefined]>([
    ['session_id=abc; Path=/; HttpOnly', { name: 'session_id', value: 'abc', endsMs: undefined }],
    [
      'c1=a=b==; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      { name: 'c1', value: 'a=b==', endsMs: nowMs + 60_000 },
    ],
    [
      'c1=x; expires=Sun, 29 Nov 2026 00:00:00 GMT; secure',
      { name: 'c1', value: 'x', endsMs: Date.UTC(2026, 10, 29) },
    ],
    ['c1=x; Max-Age=99999999999999999999', { name: 'c1', value: 'x', endsMs: nowMs + 400 * 86_400_000 }],
    ['c1=x; Max-Age=-1', { name: 'c1', value: '', endsMs: nowMs - 1000 }],
    ['c1=x; Domain=.genspark.ai', { name: 'c1', value: 'x', endsMs: undefined }],
    ['c1=x; Domain=GENSPARK.AI', { name: 'c1', value: 'x', endsMs: undefined }],
    ['c1=x; Domain=evil.test', undefined],
    ['c1=x; Domain=api.genspark.ai', undefined],
    ['c1=gone; Max-Age=0', { name: 'c1', value: '', endsMs: nowMs }],
    ['c1=gone; Expires=Thu, 01 Jan 1970 00:00:00 GMT', { name: 'c1', value: '', endsMs: 0 }],
    ['c1=', { name: 'c1', value: '', endsMs: undefined }],
    ['c1=x; Expires=whenever', { name: 'c1', value: 'x', endsMs: undefined }],
    ['c1=a\r\nx: y', undefined],
    ['c 1=a', undefined],
    ['=a', undefined],
    ['c1', undefined],
    [`c1=${'x'.repeat(5000)}`, undefined],
  ])('%j', (line, cookie) => {
    expect(parseSetCookie(line, www)).toEqual(cookie)
  })
})

describe('the jar of the direct connections', () => {
  const alice = createAccount('session_id=alice; __cf_bm=pasted')
  const proxied = createAccount(alice.cookie, 'http://p:1')

  function open() {
    const renewed: SetCookie[][] = []
    const clock = manualClock(nowMs)
    const jar = createCookieJar({
      baseUrl: 'https://www.genspark.ai',
      sessions: { ...importedSessions, renew: (_account, cookies) => void renewed.push([...cookies]) },
      clock,
    })
    const reply = (url: string, account = alice) => ({ account, url: new URL(url) })
    return { jar, renewed, clock, reply }
  }

  it('keeps the cookies of the edge to itself, for the proxy that got them, as long as they last', () => {
    const { jar, renewed, clock, reply } = open()
    jar.take(reply('https://www.genspark.ai/'), 403, ['__cf_bm=new; Max-Age=1800', 'cf_clearance=c'])
    expect(jar.cookieOf(alice)).toBe('session_id=alice; __cf_bm=new; cf_clearance=c')
    expect(jar.cookieOf(proxied)).toBe(alice.cookie)
    clock.nowMs += 1_800_000
    expect(jar.cookieOf(alice)).toBe('session_id=alice; cf_clearance=c')
    expect(renewed).toEqual([])
  })

  it('hands on what is of the session, from good replies of the site alone', () => {
    const { jar, renewed, reply } = open()
    const line = 'session_id=new; Path=/'
    jar.take(reply('https://www.genspark.ai/api/user'), 200, line)
    expect(renewed).toEqual([[{ name: 'session_id', value: 'new', endsMs: undefined }]])
    jar.take(reply('https://www.genspark.ai/api/user'), 401, line)
    jar.take(reply('https://x.blob.core.windows.net/'), 200, line)
    jar.take(reply('http://www.genspark.ai/'), 200, line)
    jar.take(reply('https://cdn1.genspark.ai/'), 200, line)
    jar.take({ account: undefined, url: new URL('https://www.genspark.ai/') }, 200, line)
    expect(renewed.length).toBe(1)
  })

  it('is bounded for each account', () => {
    const { jar, reply } = open()
    const lines = Array.from({ length: 1000 }, (_, index) => `__cf${index}=x`)
    jar.take(reply('https://www.genspark.ai/'), 200, lines)
    expect(jar.cookieOf(alice).length).toBeLessThan(200)
  })
})
