import { expect, test } from 'vitest'
import {
  accountNumber,
  counterValue,
  mintCalls,
  networkProcessOf,
  pagesOpened,
  processTree,
  startTokenBench,
  survivors,
  until,
  verdictOf,
} from './support.ts'

const account = accountNumber(1)
const accounts = [1, 2, 3].map(accountNumber)
const tenPicks = Array.from({ length: 10 }, (_, index) => accounts[index % 3] ?? account)

test('D1: mints again after kill -9 of the renderer during a mint', async () => {
  const bench = await startTokenBench()
  bench.double.behaviour.mintDelayMs = 5_000
  const minting = bench.mint(account)
  await until(() => expect(mintCalls(bench)).toBe(1))
  bench.double.behaviour.mintDelayMs = 0

  for (const { pid } of renderersOf(bench.browserPid())) process.kill(pid, 'SIGKILL')

  expect(verdictOf(bench, await minting, account)).toBe('accepted')
  expect(mintCalls(bench)).toBe(2)
  expect(await counterValue(bench.metrics.browserLaunches, 'ok')).toBe(1)
})

test('D2: relaunches after kill -9 of the browser, all ten mints are answered', async () => {
  const bench = await startTokenBench()
  await Promise.all(accounts.map((one) => bench.mint(one)))
  bench.double.behaviour.mintDelayMs = 5_000
  const minting = tenPicks.map(async (picked) => verdictOf(bench, await bench.mint(picked), picked))
  await until(() => expect(mintCalls(bench)).toBe(13))
  bench.double.behaviour.mintDelayMs = 0
  const killed = processTree(bench.browserPid())

  process.kill(bench.browserPid(), 'SIGKILL')

  expect(await Promise.all(minting)).toEqual(Array(10).fill('accepted'))
  expect(await counterValue(bench.metrics.browserLaunches, 'ok')).toBe(2)
  await until(() => expect(survivors(killed)).toEqual([]))
})

test('D3: a page that loops for ever meets its deadline, its context is closed, others are unaffected', async () => {
  const bench = await startTokenBench({ limits: { mintMs: 10_000 } })
  await Promise.all(accounts.map((one) => bench.mint(one)))
  bench.double.behaviour.executeFor.set(account.cookie, 'loop')
  const hung = bench.mint(account)
  hung.catch(() => {})
  await until(() => expect(mintCalls(bench)).toBe(4))

  const others = accounts.slice(1)
  for (const other of others) expect(verdictOf(bench, await bench.mint(other), other)).toBe('accepted')
  await expect(hung).rejects.toMatchObject({
    code: 'token_unavailable',
    message: /none within 10 s; grecaptcha.execute was running/,
  })

  bench.double.behaviour.executeFor.clear()
  expect(verdictOf(bench, await bench.mint(account), account)).toBe('accepted')
  expect(pagesOpened(bench).filter((session) => session === 'account-1')).toHaveLength(3)
  expect(pagesOpened(bench)).toHaveLength(5)
  expect(await counterValue(bench.metrics.browserLaunches, 'ok')).toBe(1)
})

test('D4: a frozen browser is killed and launched anew, all ten mints are answered', async () => {
  const bench = await startTokenBench({ limits: { silenceMs: 100 } })
  await Promise.all(accounts.map((one) => bench.mint(one)))
  const frozen = processTree(bench.browserPid())
  process.kill(bench.browserPid(), 'SIGSTOP')

  const minting = tenPicks.map(async (picked) => verdictOf(bench, await bench.mint(picked), picked))

  expect(await Promise.all(minting)).toEqual(Array(10).fill('accepted'))
  expect(bench.log.map(({ message }) => message)).toContain('Chromium does not answer and is killed')
  await until(() => expect(survivors(frozen)).toEqual([]))
})

test('D4: close is not held up by a frozen browser', async () => {
  const bench = await startTokenBench()
  await bench.mint(account)
  const frozen = processTree(bench.browserPid())
  process.kill(bench.browserPid(), 'SIGSTOP')

  await bench.tokens.close()

  expect(survivors(frozen)).toEqual([])
})

test('FINDINGS X6: a frozen renderer holds up neither its own account, the others nor the close of its context', async () => {
  const bench = await startTokenBench({ limits: { goodPageMs: 1_000 } })
  await bench.mint(account)
  for (const { pid } of renderersOf(bench.browserPid())) process.kill(pid, 'SIGSTOP')

  const stuck = bench.mint(account)
  stuck.catch(() => {})
  const other = accountNumber(2)
  expect(verdictOf(bench, await bench.mint(other), other)).toBe('accepted')
  expect(verdictOf(bench, await stuck, account)).toBe('accepted')
})

test('spares are minted again after the browser has died idle', async () => {
  const bench = await startTokenBench({ tokenPrefetch: 2 })
  const minted = () => counterValue(bench.metrics.tokensMinted, 'minted')
  await bench.mint(account)
  await expect.poll(minted).toBe(3)

  process.kill(bench.browserPid(), 'SIGKILL')
  await until(() => expect(bench.tokens.state()).toBe('idle'))

  expect(verdictOf(bench, await bench.mint(account), account)).toBe('accepted')
  await expect.poll(minted).toBe(4)
  expect(await counterValue(bench.metrics.browserLaunches, 'ok')).toBe(2)
})

test('FINDINGS X1: a mint survives a Chromium whose zygotes are gone', async () => {
  const bench = await startTokenBench({ limits: { mintMs: 30_000, silenceMs: 200, workMs: 2_000 } })
  await bench.mint(account)
  const zygotes = processTree(bench.browserPid()).filter(({ command }) => command.includes('--type=zygote'))
  expect(zygotes.length).toBeGreaterThan(0)
  for (const { pid } of zygotes) process.kill(pid, 'SIGKILL')

  const other = accountNumber(2)
  expect(verdictOf(bench, await bench.mint(other), other)).toBe('accepted')
  expect(await counterValue(bench.metrics.browserLaunches, 'ok')).toBe(2)
})

test('FINDINGS X1: a network process that dies takes the cookies of all contexts, and no token is made without them', async () => {
  const bench = await startTokenBench()
  await Promise.all(accounts.map((one) => bench.mint(one)))

  process.kill(networkProcessOf(bench.browserPid()), 'SIGKILL')

  for (const one of accounts) expect(verdictOf(bench, await bench.mint(one), one)).toBe('accepted')
  expect(await counterValue(bench.metrics.browserLaunches, 'ok')).toBe(1)
})

test('FINDINGS X1: a mint under way when the network process dies is made anew', async () => {
  const bench = await startTokenBench()
  await bench.mint(account)
  bench.double.behaviour.mintDelayMs = 5_000
  const minting = bench.mint(account)
  await until(() => expect(mintCalls(bench)).toBe(2))
  bench.double.behaviour.mintDelayMs = 0

  process.kill(networkProcessOf(bench.browserPid()), 'SIGKILL')

  expect(verdictOf(bench, await minting, account)).toBe('accepted')
})

test('FINDINGS X1: a mint survives a network service that is frozen', async () => {
  const bench = await startTokenBench({ limits: { mintMs: 30_000, silenceMs: 200, workMs: 2_000 } })
  await bench.mint(account)
  process.kill(networkProcessOf(bench.browserPid()), 'SIGSTOP')

  const other = accountNumber(2)
  expect(verdictOf(bench, await bench.mint(other), other)).toBe('accepted')
})

const renderersOf = (browserPid: number) =>
  processTree(browserPid).filter(({ command }) => command.includes('--type=renderer'))
