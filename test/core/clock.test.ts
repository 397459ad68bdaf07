import { expect, it } from 'vitest'
import { createAgeClock } from '../../src/core/clock.ts'

it('FINDINGS R14: things only grow older, whichever way the clock steps, and however long the machine slept', () => {
  let wall = 1_000_000
  let process = 50
  const clock = createAgeClock(
    () => wall,
    () => process,
  )
  const born = clock.now()
  const age = () => clock.now() - born
  wall += 10_000
  process += 10_000
  expect(age()).toBe(10_000)
  wall -= 3_600_000
  expect(age()).toBe(10_000)
  wall += 5_000
  process += 5_000
  expect(age()).toBe(15_000)
  // Asleep: only the wall knows.
  wall += 60_000
  expect(age()).toBe(75_000)
})
