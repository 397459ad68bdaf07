import { expect, test } from 'vitest'
import {
  accountNumber,
  counterValue,
  manualClock,
  pagesOpened,
  startTokenBench,
  type TokenBench,
  until,
  verdictOf,
} from './support.ts'

const account = accountNumber(1)

test('in steady use a token is there at once', async () => {
  const bench = await startTokenBench({ tokenPrefetch: 'auto' })
  await bench.mint(account)
  await until(() => minted(bench, 3))
  bench.double.behaviour.execute = 'hang'

  const spares = [await bench.mint(account), await bench.mint(account)]

  expect(spares.map((token) => verdictOf(bench, token, account))).toEqual(['accepted', 'accepted'])
})

test('D6: a token that grew old while waiting is thrown away and minted anew, none is handed out twice', async () => {
  const clock = manualClock()
  const bench = await startTokenBench({ tokenPrefetch: 2, clock })
  const first = await bench.mint(account)
  await until(() => minted(bench, 3))
  clock.advance(90_000)

  const second = await bench.mint(account)

  expect(bench.double.redeem(second, { cookie: account.cookie, generation: 'agent' })).toMatchObject({
    verdict: 'accepted',
    ageMs: 0,
  })
  expect(second).not.toBe(first)
  expect(await counterValue(bench.metrics.tokensMinted, 'expired')).toBe(2)
})

test('spares of one account are not minted in the place of another', async () => {
  const bench = await startTokenBench({ tokenPrefetch: 1, browserMaxPages: 1 })
  const other = accountNumber(2)
  await bench.mint(account)
  await until(() => minted(bench, 2))
  await bench.mint(other)
  await until(() => minted(bench, 4))

  expect(verdictOf(bench, await bench.mint(account), account)).toBe('accepted')

  expect(pagesOpened(bench)).toEqual(['account-1', 'account-2'])
})

test('a token whose caller left is kept for the next', async () => {
  const bench = await startTokenBench({ tokenPrefetch: 1 })
  bench.double.behaviour.mintDelayMs = 100
  const controller = new AbortController()
  const leaving = bench.tokens.token({ account, generation: 'agent', signal: controller.signal })
  await until(() => expect(pagesOpened(bench)).toHaveLength(1))
  controller.abort(new Error('the client left'))
  await expect(leaving).rejects.toThrow('the client left')
  await until(async () => expect(await counterValue(bench.metrics.tokensMinted, 'minted')).toBeGreaterThan(0))
  bench.double.behaviour.execute = 'hang'

  const next = await bench.mint(account)

  expect(verdictOf(bench, next, account)).toBe('accepted')
})

async function minted({ metrics }: TokenBench, count: number): Promise<void> {
  expect(await counterValue(metrics.tokensMinted, 'minted')).toBe(count)
}
