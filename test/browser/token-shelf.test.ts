import { expect, test } from 'vitest'
import { createTokenShelf, type TokenShelf, type TokenShelfOptions } from '../../src/browser/token-shelf.ts'
import { type ManualClock, manualClock } from './support.ts'

const minute = 60_000

interface ShelfBench {
  readonly shelf: TokenShelf
  readonly clock: ManualClock
  /** What a caller does: takes, and has what is missing minted. */
  take(): string | undefined
  /** Mints under way. */
  minting(): number
  /** Ends every mint under way after `ms` of the clock. */
  finishMints(ms: number): Promise<void>
  failMints(): Promise<void>
  expired(): number
}

function startShelf(overrides: Partial<TokenShelfOptions> = {}): ShelfBench {
  const clock = manualClock()
  const mints: PromiseWithResolvers<void>[] = []
  let expired = 0
  let count = 0
  const shelf = createTokenShelf({
    clock,
    tokenPrefetch: 'auto',
    tokenMaxAgeMs: 90_000,
    idleMs: 2 * minute,
    async mint() {
      count += 1
      const minted = { token: `token ${count}`, mintedAt: clock.now() }
      const mint = Promise.withResolvers<void>()
      mints.push(mint)
      await mint.promise
      return minted
    },
    canMint: () => true,
    onExpired: () => {
      expired += 1
    },
    ...overrides,
  })
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    shelf,
    clock,
    take() {
      const token = shelf.take()?.token
      shelf.refill()
      return token
    },
    minting: () => mints.length,
    expired: () => expired,
    async finishMints(ms) {
      clock.advance(ms)
      for (const mint of mints.splice(0)) mint.resolve()
      await settled()
    },
    async failMints() {
      for (const mint of mints.splice(0)) mint.reject(new Error('no token'))
      await settled()
    },
  }
}

test('nothing is minted before the first demand', () => {
  const { shelf, minting } = startShelf()

  expect(shelf.sweep()).toBe(false)
  expect(minting()).toBe(0)
})

test('auto keeps what one minting time used up, plus one', async () => {
  const { clock, take, minting, finishMints } = startShelf()

  take()
  expect(minting()).toBe(2)
  await finishMints(500)

  clock.advance(minute)
  expect([take(), take(), take()]).toEqual(['token 1', 'token 2', undefined])
  expect(minting()).toBe(4)
})

test('auto counts only the takes of one minting time as one demand', async () => {
  const { clock, take, minting, finishMints } = startShelf()

  for (let count = 0; count < 10; count += 1) {
    take()
    await finishMints(0)
    clock.advance(10_000)
  }
  await finishMints(0)

  expect(minting()).toBe(0)
  take()
  expect(minting()).toBe(1)
})

test('auto keeps sixteen at most', () => {
  const { take, minting } = startShelf()

  for (let count = 0; count < 40; count += 1) take()

  expect(minting()).toBe(16)
})

test('a number fixes how many are kept', () => {
  const { take, minting } = startShelf({ tokenPrefetch: 3 })

  for (let count = 0; count < 10; count += 1) take()

  expect(minting()).toBe(3)
})

test('zero keeps none, not even one that its caller left behind', () => {
  const { shelf, clock, take, minting } = startShelf({ tokenPrefetch: 0 })

  take()
  shelf.put({ token: 'left behind', mintedAt: clock.now() })

  expect(minting()).toBe(0)
  expect(take()).toBeUndefined()
})

test('a token that its caller left behind serves the next', () => {
  const { shelf, clock, take } = startShelf()

  shelf.put({ token: 'left behind', mintedAt: clock.now() })

  expect(take()).toBe('left behind')
  expect(take()).toBeUndefined()
})

test('D6: a spare that grew old is thrown away, counted and minted anew', async () => {
  const { clock, take, minting, finishMints, expired } = startShelf({ tokenPrefetch: 1 })
  take()
  await finishMints(0)

  clock.advance(90_000)

  expect(take()).toBeUndefined()
  expect(expired()).toBe(1)
  expect(minting()).toBe(1)
})

test('a spare is replaced shortly before it grows too old, so that there is no gap', async () => {
  const { shelf, clock, take, minting, finishMints } = startShelf({ tokenPrefetch: 1 })
  take()
  await finishMints(0)

  clock.advance(80_000)
  shelf.sweep()
  expect(minting()).toBe(0)
  clock.advance(6_000)
  shelf.sweep()
  expect(minting()).toBe(1)
  await finishMints(0)
  clock.advance(5_000)

  expect(take()).toBe('token 2')
})

test('after two idle minutes nothing is minted and the shelf is out of use', async () => {
  const { shelf, clock, take, minting, finishMints } = startShelf()
  take()
  await finishMints(0)

  clock.advance(119_999)
  expect(shelf.sweep()).toBe(true)
  await finishMints(0)
  clock.advance(1)
  expect(shelf.sweep()).toBe(true)
  expect(minting()).toBe(0)
  clock.advance(90_000)

  expect(shelf.sweep()).toBe(false)
  expect(minting()).toBe(0)
})

test('a failed spare is not tried again before the next demand', async () => {
  const { shelf, take, minting, failMints } = startShelf()
  take()
  await failMints()

  shelf.sweep()
  expect(minting()).toBe(0)
  take()
  expect(minting()).toBeGreaterThan(0)
})

test('no spare is minted at the cost of another account', () => {
  const { take, minting } = startShelf({ canMint: () => false })

  take()

  expect(minting()).toBe(0)
})

// Found by `npm run chaos -- --seed 2`: the process stood still for good.
test('comes to an end when the clock is set back during a mint', async () => {
  const { shelf, clock, take, finishMints } = startShelf()
  take()
  take()
  await finishMints(-60 * minute)
  clock.advance(1)
  take()
  shelf.refill()
  expect(shelf.sweep()).toBe(true)
})
