import { readFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { countTokens as countByReference } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, test } from 'vitest'
import { countTokens, cutToTokens, warmUpTokens } from '../../src/models/tokens.ts'

// The first test of the file: nothing has been counted before.
test('the vocabulary is in memory once it is needed, and is small', async () => {
  const before = process.memoryUsage().arrayBuffers
  await warmUpTokens()
  const taken = process.memoryUsage().arrayBuffers - before
  expect(taken).toBeGreaterThan(1_000_000)
  expect(taken).toBeLessThan(15_000_000)
})

describe('counting', () => {
  test.each([
    ['', 0],
    ['Hello, world!', 4],
    ['The quick brown fox jumps over the lazy dog.', 10],
    ['漢字仮名交', 6],
  ])('%j has %i tokens', async (text, tokens) => {
    expect(await countTokens(text)).toBe(tokens)
  })

  test('special tokens are text', async () => {
    expect(await countTokens('<|endoftext|><|im_start|>')).toBeGreaterThan(5)
  })

  test.each([
    ['letters', 'a', 25_000],
    ['spaces', ' ', 1_563],
    ['line feeds', '\n', 12_500],
    ['ideographs', '漢字仮名交', 240_000],
  ])(
    '200,000 %s without a break are counted in linear time',
    async (_what, unit, tokens) => {
      const counted = await countTokens(unit.repeat(200_000 / unit.length))
      expect(counted / tokens).toBeGreaterThan(0.95)
      expect(counted / tokens).toBeLessThan(1.05)
    },
    10_000,
  )

  test('prose cut into slices has the tokens of the whole', async () => {
    const sentence = 'The quick brown fox jumps over the lazy dog.\n'
    const counted = await countTokens(sentence.repeat(10_000))
    expect(counted / 100_000).toBeGreaterThan(0.99)
    expect(counted / 100_000).toBeLessThan(1.01)
  })

  test('of a very long text a sample is counted', async () => {
    const sentence = 'The quick brown fox jumps over the lazy dog. '
    const counted = await countTokens(sentence.repeat(400_000))
    expect(counted / 4_000_000).toBeGreaterThan(0.95)
    expect(counted / 4_000_000).toBeLessThan(1.05)
  }, 10_000)

  test('other work goes on meanwhile', async () => {
    let counting = true
    let turns = 0
    const counted = countTokens('漢字仮名交、'.repeat(40_000)).finally(() => {
      counting = false
    })
    for (; counting; turns += 1) await nextTurn()
    await counted
    expect(turns).toBeGreaterThan(5)
  })

  test('many short texts let other work go on as a long one does', async () => {
    const texts = Array.from({ length: 500 }, (_, index) => `${index} is one of many. `.repeat(10))
    let counting = true
    let turns = 0
    const counted = Promise.all(texts.map(countTokens)).finally(() => {
      counting = false
    })
    for (; counting; turns += 1) await nextTurn()
    expect((await counted)[0]).toBe(70)
    expect(turns).toBeGreaterThan(5)
  })

  test('a text that comes again is not counted again', async () => {
    const text = readFileSync('package-lock.json', 'utf8').slice(0, 400_000)
    const tokens = await countTokens(text)
    const start = process.cpuUsage()
    for (let again = 0; again < 10; again += 1) expect(await countTokens(text)).toBe(tokens)
    const { user, system } = process.cpuUsage(start)
    // A count takes 5 ms of it, knowing it again half a one.
    expect((user + system) / 10_000).toBeLessThan(3)
  })

  test.each([
    ['English', 'docs/ARCHITECTURE.md'],
    ['Chinese', 'docs/ARCHITECTURE.zh-CN.md'],
    ['code', 'src/service.ts'],
    ['JSON', 'package-lock.json'],
  ])('%s beyond 1 KB is within a tenth of the reference, below exact', async (_what, file) => {
    const text = readFileSync(file, 'utf8').slice(0, 100_000)
    for (const length of [900, 1_200, 3_000, 10_000, text.length]) {
      for (let at = 0; at + length <= text.length; at += Math.max(length, 4_000)) {
        const part = text.slice(at, at + length)
        const [counted, reference] = [await countTokens(part), countByReference(part)]
        if (length < 1_000) expect(counted).toBe(reference)
        expect(Math.abs(counted / reference - 1)).toBeLessThan(0.1)
      }
    }
  })

  test('surrogate pairs stay whole', async () => {
    const counted = await countTokens('😀'.repeat(10_000))
    expect(counted).toBe(10_000)
  })
})

describe('cutting', () => {
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
})
