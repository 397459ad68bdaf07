import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import ranks from 'gpt-tokenizer/bpeRanks/o200k_base'
import { countTokens, encode } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, test } from 'vitest'
import { createWordSample, loadO200k, maxSliceLength, sampledTokens } from '../../src/models/o200k.ts'

const o200k = await loadO200k()
/** Words like `<|endoftext|>` are text like any other. */
const asText = { disallowedSpecial: new Set<string>() }

const files = {
  English: ['docs/ARCHITECTURE.md', 'README.md'],
  Chinese: ['docs/ARCHITECTURE.zh-CN.md'],
  code: ['src/service.ts', 'src/models/o200k.ts'],
  JSON: ['package-lock.json'],
}

function slicesOf(kind: keyof typeof files): string[] {
  const text = files[kind].map((file) => readFileSync(file, 'utf8')).join('\n')
  return (text.match(new RegExp(`[^]{1,${maxSliceLength}}`, 'g')) ?? []).slice(0, 50)
}

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.lorem({ maxCount: 30 }),
  // Long runs without a break, of few characters.
  fc
    .array(fc.constantFrom('a', 'b', 'n', '漢', '字', '😀', '\ud83d'), { maxLength: 200 })
    .map((units) => units.join('')),
)

describe('counts as the reference does', () => {
  test.each(Object.keys(files) as (keyof typeof files)[])('%s', (kind) => {
    for (const slice of slicesOf(kind)) expect(o200k.count(slice)).toBe(countTokens(slice, asText))
  })

  test('any text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(o200k.count(text)).toBe(countTokens(text, asText))
      }),
      { numRuns: 1000 },
    )
  })

  test('the tokens themselves', () => {
    for (let rank = 0; rank < ranks.length; rank += 7) {
      const token = ranks[rank]
      if (typeof token === 'string') expect(o200k.count(token)).toBe(countTokens(token, asText))
    }
  })
})

test('cuts where the tokens of the reference end', () => {
  fc.assert(
    fc.property(texts, fc.nat(100), (text, maxTokens) => {
      const tokens = encode(text, asText).map((rank) => Buffer.from(ranks[rank] ?? []))
      const fitting = Buffer.concat(tokens.slice(0, maxTokens))
      expect(o200k.cut(text, maxTokens)).toEqual({
        length: wholeCharacters(fitting).length,
        tokens: Math.min(tokens.length, maxTokens),
      })
    }),
    { numRuns: 1000 },
  )
})

const wholeCharacters = (bytes: Buffer): string => new TextDecoder().decode(bytes, { stream: true })

test('a sample of the words tells the tokens of all', () => {
  for (const kind of Object.keys(files) as (keyof typeof files)[]) {
    const slices = slicesOf(kind)
    const sample = createWordSample()
    const known = slices.reduce((sum, slice) => sum + o200k.count(slice, sample), 0)
    const exact = slices.reduce((sum, slice) => sum + countTokens(slice, asText), 0)
    expect(Math.abs((known + sampledTokens(sample)) / exact - 1)).toBeLessThan(0.05)
  }
})
