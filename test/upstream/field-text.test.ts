import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FieldText } from '../../src/upstream/field-text.ts'

const read = (values: readonly string[], closing?: string): string => {
  const field = new FieldText()
  const text = values.map((value) => field.value(value)).join('')
  return closing === undefined ? text : text + field.closing(closing)
}

test('values that grow are one text', () => {
  expect(read(['ab', 'ab', 'abc', 'abcd'], 'abcd')).toBe('abcd')
})

test('values that do not are chunks of it', () => {
  expect(read(['ab', 'c', 'ab'], 'abcab')).toBe('abcab')
})

test('chunks that begin alike lose nothing', () => {
  expect(read(['no ', 'no ', 'no ', 'way'], 'no no no way')).toBe('no no no way')
  expect(read(['no ', 'no ', 'no '], 'no no no ')).toBe('no no no ')
})

test('a whole value after deltas or chunks is not doubled', () => {
  const field = new FieldText()
  expect([field.delta('a'), field.delta('b'), field.value('ab'), field.closing('ab')]).toEqual([
    'a',
    'b',
    '',
    '',
  ])
  expect(read(['a', 'b', 'ab'], 'ab')).toBe('ab')
})

test('a growing value is one text, wherever it is cut', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.nat({ max: 20 })), (text, cuts) => {
      const values = cuts.sort((a, b) => a - b).map((cut) => text.slice(0, cut))
      expect(read(values, text)).toBe(text)
    }),
  )
})

test('beyond its bound a text of chunks is still told from a chunk', () => {
  const chunk = 'x'.repeat(1024 * 1024)
  const chunks = ['y', chunk, chunk, 'z']
  expect(read([...chunks, chunks.join('')], chunks.join(''))).toBe(chunks.join(''))
})
