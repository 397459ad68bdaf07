import { expect, it } from 'vitest'
import { encodeBatch } from '../../src/dialects/encode-batch.ts'

const encodeAll = (batch: readonly string[]) => [...encodeBatch(batch, (event) => `<${event}>`)]

it('makes one piece of a batch, and none of one that says nothing', () => {
  expect(encodeAll(['a', 'b'])).toEqual(['<a><b>'])
  expect([...encodeBatch(['a', 'b'], () => '')]).toEqual([])
})

it('hands a large batch over in pieces that are whole events', () => {
  const word = 'x'.repeat(40_000)
  expect(encodeAll([word, word, 'a', word]).map((piece) => piece.length)).toEqual([80_004, 40_005])
})
