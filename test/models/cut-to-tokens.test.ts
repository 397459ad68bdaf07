import fc from 'fast-check'
import { expect, test } from 'vitest'
import { countTokens } from '../../src/models/count-tokens.ts'
import { cutToTokens } from '../../src/models/cut-to-tokens.ts'

test.each([
  ['Hello, world!', 2, 'Hello,'],
  ['Hello, world!', 4, 'Hello, world!'],
  ['Hello, world!', 0, ''],
  ['', 0, ''],
  ['The quick brown fox jumps over the lazy dog.', 3, 'The quick brown'],
  ['<|endoftext|> is text', 1, '<'],
])('of %j the first %i tokens are %j', async (text, maxTokens, expected) => {
  expect((await cutToTokens(text, maxTokens)).text).toBe(expected)
})

test('a text that fits is whole and counted', async () => {
  expect(await cutToTokens('The quick brown fox jumps over the lazy dog.', 100)).toEqual({
    text: 'The quick brown fox jumps over the lazy dog.',
    tokens: 10,
  })
})

test('a character of several tokens is whole or missing', async () => {
  // U+1F9FF has the tokens 8 and 9 of this text; each takes a part of its bytes.
  const text = 'nazar 🧿'
  const whole = await countTokens(text)
  for (let tokens = 0; tokens < whole; tokens += 1) {
    expect('nazar ').toContain((await cutToTokens(text, tokens)).text)
  }
  expect((await cutToTokens(text, whole)).text).toBe(text)
})

test('what is cut off goes on where the beginning ends, whatever the text', async () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.lorem({ maxCount: 30 }),
    fc
      .array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 10 })
      .map((units) => String.fromCharCode(...units)),
  )
  await fc.assert(
    fc.asyncProperty(texts, fc.nat(60), async (text, maxTokens) => {
      const cut = await cutToTokens(text, maxTokens)
      expect(text.startsWith(cut.text)).toBe(true)
      expect(cut.tokens).toBeLessThanOrEqual(maxTokens)
      expect(cut.text.isWellFormed() || !text.isWellFormed()).toBe(true)
      if ((await countTokens(text)) <= maxTokens) expect(cut.text).toBe(text)
    }),
    { numRuns: 300 },
  )
})

test('a long text is cut at the same token as its beginning', async () => {
  const sentence = 'The quick brown fox jumps over the lazy dog.\n'
  const cut = await cutToTokens(sentence.repeat(1_000), 5_000)
  expect(cut.tokens).toBe(5_000)
  expect(await countTokens(cut.text)).toBe(5_000)
})
