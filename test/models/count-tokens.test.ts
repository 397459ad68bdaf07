import { expect, test } from 'vitest'
import { countTokens } from '../../src/models/count-tokens.ts'

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
  let turns = 0
  const ticking = setInterval(() => {
    turns += 1
  }, 0)
  await countTokens('漢字仮名交'.repeat(40_000))
  clearInterval(ticking)
  expect(turns).toBeGreaterThan(5)
})

test('surrogate pairs stay whole', async () => {
  const counted = await countTokens('😀'.repeat(10_000))
  expect(counted).toBe(10_000)
})
