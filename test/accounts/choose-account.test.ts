import { describe, expect, it } from 'vitest'
import { createChooseAccount } from '../../src/accounts/account-pool.ts'
import type { Candidate } from '../../src/store/store.ts'
import { seededRandom } from './seeded-random.ts'

const candidate = (account: string, inFlight = 0, lastTurn = 0): Candidate => ({
  account,
  inFlight,
  lastTurn,
})

describe('least-busy', () => {
  it('takes the only one with the fewest in flight', () => {
    const chooseAccount = createChooseAccount(() => 0.999)
    const candidates = [candidate('a', 2), candidate('b', 1), candidate('c', 3)]
    expect(chooseAccount(candidates, 'least-busy').account).toBe('b')
  })

  it.each([
    [0, 'a'],
    [0.5, 'c'],
    [0.999, 'c'],
  ])('is random among equals: %d gives %s', (draw, account) => {
    const candidates = [candidate('a', 1), candidate('b', 2), candidate('c', 1)]
    expect(createChooseAccount(() => draw)(candidates, 'least-busy').account).toBe(account)
  })

  it('is fair among equals', () => {
    expect(shares('least-busy')).toEqual({
      a: expect.toSatisfy(fair),
      b: expect.toSatisfy(fair),
      c: expect.toSatisfy(fair),
    })
  })
})

describe('random', () => {
  it.each([
    [0, 'a'],
    [0.34, 'b'],
    [0.999, 'c'],
  ])('takes any, busy or not: %d gives %s', (draw, account) => {
    const candidates = [candidate('a', 9), candidate('b', 1), candidate('c')]
    expect(createChooseAccount(() => draw)(candidates, 'random').account).toBe(account)
  })

  it('is fair', () => {
    expect(shares('random')).toEqual({
      a: expect.toSatisfy(fair),
      b: expect.toSatisfy(fair),
      c: expect.toSatisfy(fair),
    })
  })
})

describe('round-robin', () => {
  const chooseAccount = createChooseAccount(() => 0.5)

  it('takes the one whose last turn is longest ago', () => {
    const candidates = [candidate('a', 0, 7), candidate('b', 5, 2), candidate('c', 0, 9)]
    expect(chooseAccount(candidates, 'round-robin').account).toBe('b')
  })

  it('begins in the order of the list', () => {
    expect(chooseAccount([candidate('a'), candidate('b')], 'round-robin').account).toBe('a')
  })
})

it('has nothing to say without candidates', () => {
  expect(() => createChooseAccount(() => 0)([], 'random')).toThrow(RangeError)
})

/** How often each of three equals is chosen in 3,000 draws of a seeded random. */
function shares(selection: 'least-busy' | 'random'): Record<string, number> {
  const chooseAccount = createChooseAccount(seededRandom(42))
  const counts: Record<string, number> = { a: 0, b: 0, c: 0 }
  for (let draw = 0; draw < 3000; draw += 1) {
    const { account } = chooseAccount([candidate('a'), candidate('b'), candidate('c')], selection)
    counts[account] = (counts[account] ?? 0) + 1
  }
  return counts
}

/** Within about four standard deviations of a third. */
const fair = (count: unknown): boolean => typeof count === 'number' && count > 900 && count < 1100
