import { expect, test } from 'vitest'
import { accountNumber, mintCalls, pagesOpened, startTokenBench, until, verdictOf } from './support.ts'

const [one, two, three] = [1, 2, 3].map(accountNumber) as [
  ReturnType<typeof accountNumber>,
  ReturnType<typeof accountNumber>,
  ReturnType<typeof accountNumber>,
]

test('the least recently used context makes room for a further account', async () => {
  const bench = await startTokenBench({ browserMaxPages: 2 })

  for (const account of [one, two, one, three, one, two]) await bench.mint(account)

  expect(pagesOpened(bench)).toEqual(['account-1', 'account-2', 'account-3', 'account-2'])
})

test('a context that is minting is not closed for another account', async () => {
  const bench = await startTokenBench({ browserMaxPages: 1 })
  bench.double.behaviour.mintDelayMs = 300
  const first = bench.mint(one)
  await until(() => expect(mintCalls(bench)).toBe(1))

  const second = bench.mint(two)

  expect(verdictOf(bench, await first, one)).toBe('accepted')
  expect(verdictOf(bench, await second, two)).toBe('accepted')
  expect(pagesOpened(bench)).toEqual(['account-1', 'account-2'])
})

test('a further account gets its turn although the others are never at rest', async () => {
  const bench = await startTokenBench({ browserMaxPages: 1 })
  bench.double.behaviour.mintDelayMs = 50
  let served = false
  const keepBusy = async () => {
    while (!served) await bench.mint(one)
  }
  await bench.mint(one)
  const busy = [keepBusy(), keepBusy(), keepBusy()]

  const token = await bench.mint(two)
  served = true
  await Promise.all(busy)

  expect(verdictOf(bench, token, two)).toBe('accepted')
})

test('a hung context gives its place up at its deadline', async () => {
  const bench = await startTokenBench({ browserMaxPages: 1, limits: { mintMs: 6_000 } })
  bench.double.behaviour.executeFor.set(one.cookie, 'loop')

  await expect(bench.mint(one)).rejects.toMatchObject({ code: 'token_unavailable' })

  expect(verdictOf(bench, await bench.mint(two), two)).toBe('accepted')
})

test('a context is replaced after so many mints', async () => {
  const bench = await startTokenBench({ limits: { contextMaxMints: 3 } })

  for (let count = 0; count < 7; count += 1) await bench.mint(one)

  expect(pagesOpened(bench)).toEqual(['account-1', 'account-1', 'account-1'])
})

test('a context that nobody uses is closed', async () => {
  const bench = await startTokenBench({ limits: { contextIdleMs: 0, sweepMs: 10 } })
  await bench.mint(one)

  await until(async () => {
    await bench.mint(one)
    expect(pagesOpened(bench).length).toBeGreaterThan(1)
  })
})

test('FINDINGS S13: a guest takes no page away from an account, and leaves for one', async () => {
  const bench = await startTokenBench({ browserMaxPages: 2, limits: { mintMs: 10_000 } })
  const guests = [11, 12, 13].map((number) => ({ ...accountNumber(number), isGuest: true }))
  const [first, second, third] = guests as [typeof one, typeof one, typeof one]
  await bench.mint(one)

  for (const guest of [first, second, first]) await bench.mint(guest)
  await bench.mint(one)
  await bench.mint(two)
  await bench.mint(one)

  expect(pagesOpened(bench)).toEqual(['account-1', 'account-11', 'account-12', 'account-11', 'account-2'])
  await expect(bench.mint(third)).rejects.toMatchObject({ code: 'token_unavailable' })
  expect(pagesOpened(bench)).toHaveLength(5)
})
