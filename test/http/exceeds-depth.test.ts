import fc from 'fast-check'
import { expect, it } from 'vitest'
import { exceedsDepth } from '../../src/http/exceeds-depth.ts'

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

it('agrees with the depth of every JSON value', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 6, stringUnit: fc.constantFrom('"', '\\', '[', '{', ']', 'a') }),
      (value) => {
        const bytes = Buffer.from(JSON.stringify(value))
        const depth = depthOf(value)
        expect(exceedsDepth(bytes, depth)).toBe(false)
        if (depth > 0) expect(exceedsDepth(bytes, depth - 1)).toBe(true)
      },
    ),
  )
})

it.each(['', '"', '"\\', ']]]]', '{"a'])('survives %j, which is no JSON', (text) => {
  expect(exceedsDepth(Buffer.from(text), 3)).toBe(false)
})
