import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FieldText, parseUsage } from '../../src/upstream/decode-parts.ts'

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

test.each([
  [
    { prompt_tokens: 3, completion_tokens: 0 },
    { prompt: 3, completion: 0, reasoning: 0 },
  ],
  [
    { prompt_tokens: 3, completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 4 } },
    { prompt: 3, completion: 9, reasoning: 4 },
  ],
  [
    { prompt_tokens: 3, completion_tokens: 9, reasoning_tokens: 4 },
    { prompt: 3, completion: 9, reasoning: 4 },
  ],
  [
    { prompt_tokens: 3, completion_tokens: 2, reasoning_tokens: 4 },
    { prompt: 3, completion: 2, reasoning: 2 },
  ],
])('figures are read: %j', (usage, told) => {
  expect(parseUsage(usage)).toEqual(told)
})

test.each([
  undefined,
  null,
  {},
  'many',
  [],
  { prompt_tokens: 3 },
  { completion_tokens: 3 },
  { prompt_tokens: -1, completion_tokens: 3 },
  { prompt_tokens: 3, completion_tokens: '3' },
  { prompt_tokens: null, completion_tokens: 3 },
])('these are no figures: %j', (usage) => {
  expect(parseUsage(usage)).toBeUndefined()
})
