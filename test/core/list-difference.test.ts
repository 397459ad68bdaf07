import fc from 'fast-check'
import { expect, it } from 'vitest'
import { listDifference } from '../../src/core/list-difference.ts'

it('names what went and what came, wherever in the list', () => {
  const before = ['a', 'b', 'c', 'd', 'e']
  expect(listDifference(before, before)).toEqual({ gone: [], come: [] })
  expect(listDifference(before, ['a', 'b', 'x', 'd', 'e', 'f'])).toEqual({ gone: ['c'], come: ['x', 'f'] })
  expect(listDifference(before, ['e', 'd', 'c', 'b', 'a'])).toEqual({ gone: [], come: [] })
  expect(listDifference(before, [])).toEqual({ gone: before, come: [] })
  expect(listDifference([], before)).toEqual({ gone: [], come: before })
})

it('gives for any two lists without repetitions what sets give', () => {
  const list = fc.uniqueArray(fc.integer({ min: 0, max: 20 }))
  fc.assert(
    fc.property(list, list, (before, after) => {
      const gone = before.filter((item) => !after.includes(item))
      const come = after.filter((item) => !before.includes(item))
      expect(listDifference(before, after)).toEqual({ gone, come })
    }),
  )
})
