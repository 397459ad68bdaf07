import fc from 'fast-check'
import { O200K_TOKEN_SPLIT_REGEX } from 'gpt-tokenizer/encodingParams/constants'
import { expect, test } from 'vitest'
import { wordEnd } from '../../src/models/o200k-words.ts'

function wordsOf(text: string): string[] {
  const bytes = Buffer.from(text)
  const words: string[] = []
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = wordEnd(bytes, at, bytes.length)
    words.push(bytes.toString('utf8', at, end))
  }
  return words
}

test.each([
  [
    "It's  NASA's 12345 (x).\n\n  y",
    ["It's", ' ', " NASA's", ' ', '123', '45', ' (', 'x', ').\n\n', ' ', ' y'],
  ],
  ['camelCase XMLHttpRequest', ['camel', 'Case', ' XMLHttp', 'Request']],
  ['今天天气很好，我们去公园。', ['今天天气很好', '，我们去公园', '。']],
  ["I'LL they've o'clock", ["I'LL", " they've", ' o', "'clock"]],
  ['a\t\tb\r\n \tc', ['a', '\t', '\tb', '\r\n', ' ', '\tc']],
  ['//\n//x  ', ['//\n//', 'x', '  ']],
])('%j is cut into its words', (text, words) => {
  expect(wordsOf(text)).toEqual(words)
})

test('any text is cut as by the pattern', () => {
  const letters = [
    ..."aAzZ'sStTlLvVeErR019 \t\n\r/.,_-",
    'é',
    'Ü',
    'ǅ',
    'ʰ',
    '漢',
    'ก',
    '\u0301',
    '\u0903',
    '٣',
    'Ⅳ',
    '½',
  ]
  const blanks = ['\u00a0', '\u3000', '\u2028', '\ufeff', '\u0085', '\u200d']
  const wide = ['😀', '𝐀', '𝐚', '𠀀', '𝟎', '\u{1d165}', '\u{e0100}', '\u{10ffff}', '\ufffd']
  const texts = fc.oneof(
    fc
      .array(fc.constantFrom(...letters, ...blanks, ...wide), { maxLength: 30 })
      .map((units) => units.join('')),
    fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.toWellFormed()),
    fc.string({ unit: 'grapheme', maxLength: 30 }),
  )
  fc.assert(
    fc.property(texts, (text) => {
      expect(wordsOf(text)).toEqual(text.match(O200K_TOKEN_SPLIT_REGEX) ?? [])
    }),
    { numRuns: 3000 },
  )
})
