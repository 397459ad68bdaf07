import { expect, it } from 'vitest'
import { BoundedMap } from '../../src/http/bounded-map.ts'

it('is a Map that forgets what was unused for longest', () => {
  const map = new BoundedMap<{ n: number }>(2)
  expect(map).toBeInstanceOf(Map)
  map.set('a', { n: 1 }).set('b', { n: 2 })
  map.get('a')
  map.set('c', { n: 3 })
  expect([map.has('a'), map.has('b'), map.has('c'), map.size]).toEqual([true, false, true, 2])
})
