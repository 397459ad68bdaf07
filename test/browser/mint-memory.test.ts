import { expect, it } from 'vitest'
import { checkReadiness } from '../../src/http/readiness.ts'
import { accountNumber, mintCalls, pagesOpened, startTokenBench, type TokenBench, until } from './support.ts'

const [one, two, three] = [accountNumber(1), accountNumber(2), accountNumber(3)]

const quick = { graceMs: 100, scriptMs: 200, probeMs: 60_000, sweepMs: 20 }

const failing = async ({ metrics }: TokenBench) => (await metrics.recaptchaFailing.get()).values[0]?.value

const readiness = ({ tokens }: TokenBench, accounts: number, tokenRequired = true) =>
  checkReadiness({
    tokens,
    tokenRequired,
    pool: { statuses: async () => Array.from({ length: accounts }, () => ({ label: 'acc_1', inFlight: 0 })) },
    isShuttingDown: () => false,
  })

it('FINDINGS R9: after two failures the requests of all accounts fail at once with the true cause', async () => {
  const bench = await startTokenBench({ limits: quick })
  bench.double.behaviour.pageStatus = 404
  const cause = { code: 'token_unavailable', message: expect.stringContaining('answered HTTP 404') }
  await expect(bench.mint(one)).rejects.toMatchObject(cause)
  expect(await failing(bench)).toBe(0)
  await expect(bench.mint(two)).rejects.toMatchObject(cause)
  expect(await failing(bench)).toBe(1)
  const opened = pagesOpened(bench).length

  const asks = [three, one, two, three].map((account) => bench.mint(account))
  for (const ask of asks)
    await expect(ask).rejects.toMatchObject({ ...cause, retryAfterMs: expect.any(Number) })
  expect(pagesOpened(bench)).toHaveLength(opened)

  const { ready, parts } = await readiness(bench, 3)
  expect(ready).toBe(false)
  expect(parts.browser).toMatchObject({
    ok: false,
    state: 'no-token',
    problem: cause.message,
    accounts: 'all',
  })
  expect((await readiness(bench, 3, false)).ready).toBe(true)
})

it('FINDINGS X2: while the site is down it is probed so often that its return is noticed within two seconds', async () => {
  const bench = await startTokenBench({ limits: { ...quick, probeMs: 3_600_000 } })
  bench.double.behaviour.pageStatus = 503
  for (const account of [one, two]) await expect(bench.mint(account)).rejects.toThrow('HTTP 503')
  await expect(bench.mint(three)).rejects.toMatchObject({ retryAfterMs: 1_000 })
  bench.double.behaviour.pageStatus = 200
  await until(async () => expect(await failing(bench)).toBe(0))
  await bench.mint(three)
})

it('FINDINGS R9: a probe in the background finds out when tokens are made again', async () => {
  const bench = await startTokenBench({ limits: { ...quick, probeMs: 100 } })
  bench.double.behaviour.pageStatus = 500
  for (const account of [one, two]) await expect(bench.mint(account)).rejects.toThrow('HTTP 500')
  bench.double.behaviour.pageStatus = 200
  await until(async () => expect(await failing(bench)).toBe(0))
  expect((await readiness(bench, 3)).parts.browser).toEqual({ ok: true, state: 'ready' })
  expect(mintCalls(bench)).toBeGreaterThan(0)
  await bench.mint(one)
  await bench.mint(three)
})

it('FINDINGS R9: a challenge of the page is told as one', async () => {
  const bench = await startTokenBench({ limits: quick })
  bench.double.behaviour.challenge = true
  for (const account of [one, two, three])
    await expect(bench.mint(account)).rejects.toMatchObject({
      code: 'upstream_challenge',
      kind: 'challenged',
      status: 502,
      message: expect.stringContaining('Detected Cloudflare Challenge Page'),
    })
  expect(pagesOpened(bench)).toHaveLength(2)
})

it('FINDINGS R9: what fails for one account alone keeps no other from its tokens', async () => {
  const bench = await startTokenBench({ limits: quick })
  bench.double.behaviour.executeFor.set('session_id=account-1; c1=x1', 'empty')
  for (let count = 0; count < 2; count += 1) await expect(bench.mint(one)).rejects.toThrow('empty token')
  await bench.mint(two)
  const calls = mintCalls(bench)
  await expect(bench.mint(one)).rejects.toThrow('empty token')
  expect(mintCalls(bench)).toBe(calls)
  expect((await readiness(bench, 2)).ready).toBe(true)
  expect((await readiness(bench, 1)).ready).toBe(false)
})

it('FINDINGS R9: who waits for a place is told the true cause, and not to raise BROWSER_MAX_PAGES', async () => {
  const bench = await startTokenBench({ browserMaxPages: 1, limits: { ...quick, mintMs: 3_000 } })
  bench.double.behaviour.execute = 'hang'
  const asks = [1, 2, 3, 4, 5, 6].map((number) => bench.mint(accountNumber(number)))
  const messages = await Promise.all(asks.map((ask) => ask.then(String, (error: Error) => error.message)))
  await expect(bench.mint(accountNumber(7))).rejects.toThrow('No reCAPTCHA token')
  bench.double.behaviour.execute = 'ok'
  expect(messages.some((message) => message.includes('grecaptcha.execute was running'))).toBe(true)
})

it('FINDINGS X17: the words of a page are cut, and what is no token is not sent', async () => {
  const bench = await startTokenBench({ limits: quick })
  bench.double.behaviour.tokenOf = () => `two ${'words'.repeat(1_000)}`
  const error = await bench.mint(one).catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ code: 'token_unavailable' })
  expect((error as Error).message).toMatch(/is no token/)
  expect((error as Error).message.length).toBeLessThan(500)
})

it('FINDINGS X6: a page that makes tokens for others is busy, and not left', async () => {
  const bench = await startTokenBench({
    limits: { mintMs: 60_000, goodPageMs: 2_000, contextMaxMints: 1_000_000 },
  })
  await bench.mint(one)
  bench.double.behaviour.mintDelayMs = 6_000
  const slow = bench.mint(one)
  await until(() => expect(mintCalls(bench)).toBe(2))
  bench.double.behaviour.mintDelayMs = 0
  let isDone = false
  void slow.finally(() => {
    isDone = true
  })
  while (!isDone) await bench.mint(one)
  await slow
  expect(pagesOpened(bench)).toHaveLength(1)
})

it('FINDINGS X6: a page that was good before and hangs is left for a new one', async () => {
  const bench = await startTokenBench({ limits: { ...quick, goodPageMs: 500, mintMs: 60_000 } })
  await bench.mint(one)
  bench.double.behaviour.hangNextMints = 1
  await bench.mint(one)
  expect(pagesOpened(bench)).toHaveLength(2)
})
