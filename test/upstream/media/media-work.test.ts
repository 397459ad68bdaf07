import { expect, test } from 'vitest'
import { findResultUrls, needsCookie, resultUrl } from '../../../src/upstream/media/media-work.ts'

const base = 'https://www.genspark.ai'
const found = (text: string) => findResultUrls(text, base).map(({ href }) => href)

test.each([
  [
    'markdown',
    '![cat](https://www.genspark.ai/api/files/s/abc?cache_control=3600)',
    'https://www.genspark.ai/api/files/s/abc?cache_control=3600',
  ],
  ['a path', 'Here: /api/files/s/abc and more', 'https://www.genspark.ai/api/files/s/abc'],
  ['JSON', '[{"url":"https://www.genspark.ai/api/files/s/abc"}]', 'https://www.genspark.ai/api/files/s/abc'],
  [
    'storage',
    'https://gensparkpublicblob-cdn-x1.z01.azurefd.net/a/b.mp4?sig=1',
    'https://gensparkpublicblob-cdn-x1.z01.azurefd.net/a/b.mp4?sig=1',
  ],
])('a file of the site is found in %s', (_what, text, url) => {
  expect(found(`${text} and again ${text}`)).toEqual([url])
})

test.each([
  'https://www.genspark.ai/api/user',
  'https://www.genspark.ai/api/files/../user',
  'http://www.genspark.ai/api/files/s/abc',
  'https://evil.example/api/files/s/abc.png',
  'https://evil.azurefd.net/a.png',
  'http://169.254.169.254/a.png',
  'file:///api/files/s/abc',
  'https://genspark.azurefd.net.evil.example/a.png',
])('a model that says %s names no file', (text) => {
  expect(found(`![x](${text})`)).toEqual([])
})

test('only what the site guards needs the cookie', () => {
  const needs = (text: string) => needsCookie(new URL(text), base)
  expect(needs('https://www.genspark.ai/api/files/s/abc')).toBe(true)
  expect(needs('https://www.genspark.ai/images/a.png')).toBe(false)
  expect(needs('https://gensparkpublicblob.azurefd.net/api/files/a.png')).toBe(false)
})

test('a result URL is made absolute; what is no web address is none', () => {
  expect(resultUrl('/api/files/s/a', base)?.href).toBe('https://www.genspark.ai/api/files/s/a')
  expect(resultUrl('javascript:alert(1)', base)).toBeUndefined()
})
