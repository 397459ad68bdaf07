import { expect, test } from 'vitest'
import { nearestAspectRatio } from '../../src/upstream/encode-parts.ts'

test.each([
  ['16:9', '16:9'],
  ['1792:1024', '16:9'],
  ['1:2', '9:16'],
  ['1024:1024', '1:1'],
  ['auto', undefined],
  ['16:0', undefined],
  [undefined, undefined],
])('the nearest known ratio to %s is %s', (wanted, nearest) => {
  expect(nearestAspectRatio(wanted, ['9:16', '2:3', '3:4', '1:1', '4:3', '3:2', '16:9'])).toBe(nearest)
})
