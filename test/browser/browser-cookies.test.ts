import { expect, test } from 'vitest'
import { parseBrowserCookies } from '../../src/browser/account-context.ts'

test('each pair of the header becomes a cookie of the site, its value untouched', () => {
  expect(parseBrowserCookies('session_id=a=b; c1="x y" ;empty=;stray', 'https://www.genspark.ai')).toEqual([
    { name: 'session_id', value: 'a=b', domain: 'www.genspark.ai', path: '/', secure: true },
    { name: 'c1', value: '"x y"', domain: 'www.genspark.ai', path: '/', secure: true },
    { name: 'empty', value: '', domain: 'www.genspark.ai', path: '/', secure: true },
  ])
})

test('over http a cookie is secure only where its name demands it', () => {
  const cookies = parseBrowserCookies(
    'session_id=a; __Secure-next-auth.session-token=b',
    'http://127.0.0.1:7044',
  )

  expect(cookies.map(({ domain, secure }) => ({ domain, secure }))).toEqual([
    { domain: '127.0.0.1', secure: false },
    { domain: '127.0.0.1', secure: true },
  ])
})
