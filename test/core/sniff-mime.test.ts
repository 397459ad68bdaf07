import { expect, test } from 'vitest'
import { sniffImage, sniffMime } from '../../src/core/sniff-mime.ts'
import { pictures } from '../upstream/pictures.ts'

test.each(Object.entries(pictures))(
  'a %s is known from its bytes and from their base64',
  async (type, bytes) => {
    expect(await sniffImage(bytes)).toBe(`image/${type}`)
    expect(await sniffImage(bytes.toString('base64'))).toBe(`image/${type}`)
  },
)

test('the beginning of a long picture is enough', async () => {
  const jpeg = Buffer.concat([pictures.jpeg, Buffer.alloc(1024 * 1024)])
  expect(await sniffImage(jpeg.toString('base64'))).toBe('image/jpeg')
})

test.each([
  ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ['a PDF', '%PDF-1.7\n'],
  ['a BMP', 'BM\0\0\0\0\0\0\0\0'],
  ['words', 'hello'],
  ['nothing', ''],
])('%s is no picture that the site takes', async (_what, text) => {
  expect(await sniffImage(Buffer.from(text))).toBeUndefined()
})

test('files that are no pictures are known by their marks, text has none', async () => {
  expect(await sniffMime(Buffer.from('%PDF-1.7\n'))).toBe('application/pdf')
  expect(await sniffMime(Buffer.from('a,b\n1,2\n'))).toBeUndefined()
})
