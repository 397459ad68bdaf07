import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createAccount } from '../../src/core/account.ts'
import { agentSiteKey, copilotSiteKey } from '../emulator/recaptcha/token-ledger.ts'
import {
  accountNumber,
  counterValue,
  processTree,
  startTokenBench,
  survivors,
  until,
  verdictOf,
} from './support.ts'

const account = accountNumber(1)

test('a token is made with the key and action of the page of each generation', async () => {
  const bench = await startTokenBench()

  await bench.mint(account, 'copilot')
  await bench.mint(account, 'agent')

  expect(bench.double.ledger.map(({ siteKey, action }) => ({ siteKey, action }))).toEqual([
    { siteKey: copilotSiteKey, action: 'copilot' },
    { siteKey: agentSiteKey, action: 'submit' },
  ])
  expect(bench.tokens.state()).toBe('ready')
})

test('another key on the page is taken over, with the action that goes with it', async () => {
  const bench = await startTokenBench()
  bench.double.behaviour.agentSiteKey = '6LsomeOtherKeyOfThePage'

  await bench.mint(account)

  expect(bench.double.ledger[0]).toMatchObject({ siteKey: '6LsomeOtherKeyOfThePage', action: 'agent_ask' })
})

test('settings win over what the page loads', async () => {
  const bench = await startTokenBench((double) => ({
    recaptchaSiteKey: '6LsetByTheOperator',
    recaptchaAction: 'chosen',
    recaptchaScriptUrl: `${double.url}/recaptcha/enterprise.js`,
  }))

  await bench.mint(account)

  expect(bench.double.ledger[0]).toMatchObject({ siteKey: '6LsetByTheOperator', action: 'chosen' })
})

test('the script is added where the page loads none', async () => {
  const bench = await startTokenBench((double) => ({
    recaptchaScriptUrl: `${double.url}/recaptcha/enterprise.js`,
    limits: { graceMs: 50 },
  }))
  bench.double.behaviour.pageScript = 'absent'

  expect(verdictOf(bench, await bench.mint(account), account)).toBe('accepted')
})

test('the page gets exactly the cookies of the account, prefixed names and odd values included', async () => {
  const bench = await startTokenBench()
  const cookie = 'session_id=a1b2; c1={"x":[1, 2]}; __Secure-next-auth.session-token=t.o=k; empty='

  await bench.mint(createAccount(cookie))

  expect(bench.double.ledger[0]?.cookie).toBe(cookie)
  expect(new Set(bench.double.requests.map((request) => request.cookie))).toEqual(new Set([cookie]))
})

test('images, fonts and media are not loaded', async () => {
  const bench = await startTokenBench()

  await bench.mint(account)

  expect([...new Set(bench.double.requests.map(({ path }) => path))].sort()).toEqual([
    '/agents',
    '/recaptcha/assets/site.css',
    '/recaptcha/enterprise.js',
    '/recaptcha/mint',
    '/recaptcha/releases/enterprise.js',
  ])
})

test('callers of one account share one page', async () => {
  const bench = await startTokenBench()

  const minted = await Promise.all(Array.from({ length: 8 }, () => bench.mint(account)))

  expect(new Set(minted).size).toBe(8)
  expect(bench.double.requests.filter(({ path }) => path === '/agents')).toHaveLength(1)
})

test('D10: a thousand random mints over several accounts are never mixed up', async () => {
  const bench = await startTokenBench({ browserMaxPages: 3 })
  const accounts = [1, 2, 3, 4].map(accountNumber)
  const verdicts: string[] = []

  for (let round = 0; round < 4; round += 1) {
    const picks = Array.from({ length: 250 }, () => accounts[Math.floor(Math.random() * 4)] ?? account)
    const mints = picks.map(async (picked) => verdictOf(bench, await bench.mint(picked), picked))
    verdicts.push(...(await Promise.all(mints)))
  }

  expect(verdicts).toHaveLength(1_000)
  expect(new Set(verdicts)).toEqual(new Set(['accepted']))
})

test('mode off gives no token and launches nothing', async () => {
  const bench = await startTokenBench({ recaptchaMode: 'off' })

  const signal = new AbortController().signal
  expect(await bench.tokens.token({ account, generation: 'agent', signal })).toBeUndefined()
  expect(bench.tokens.state()).toBe('off')
  expect(bench.log).toEqual([])
})

test('warmUp launches Chromium, and close leaves neither process nor file', async () => {
  const bench = await startTokenBench()
  expect(bench.tokens.state()).toBe('idle')
  bench.tokens.warmUp()
  expect(bench.tokens.state()).toBe('starting')
  await bench.mint(account)
  const processes = processTree(bench.browserPid())
  expect(processes.length).toBeGreaterThan(3)
  const folders = foldersOf(bench.browserPid())
  expect(folders.filter((folder) => existsSync(folder))).toHaveLength(2)

  await bench.tokens.close()

  expect(survivors(processes)).toEqual([])
  expect(folders.filter((folder) => existsSync(folder))).toEqual([])
  await expect(bench.mint(account)).rejects.toMatchObject({ code: 'shutting_down' })
})

test('close while Chromium starts leaves no process', async () => {
  const bench = await startTokenBench()
  const minting = bench.mint(account)
  minting.catch(() => {})

  await bench.tokens.close()

  await expect(minting).rejects.toMatchObject({ code: 'shutting_down' })
  expect(processTree(process.pid).filter(({ command }) => command.includes('--headless'))).toEqual([])
})

test("a caller's abort ends its own wait and no other", async () => {
  const bench = await startTokenBench()
  const controller = new AbortController()
  const reason = new Error('the client left')
  const leaving = bench.tokens.token({ account, generation: 'agent', signal: controller.signal })
  const staying = bench.mint(account)

  controller.abort(reason)

  await expect(leaving).rejects.toBe(reason)
  expect(verdictOf(bench, await staying, account)).toBe('accepted')
  expect(await counterValue(bench.metrics.tokensMinted, 'failed')).toBe(0)
})

/** The home and the profile of a Chromium. */
function foldersOf(pid: number): string[] {
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  const home = environment.find((entry) => entry.startsWith('HOME='))?.slice('HOME='.length)
  const profile = /--user-data-dir=(\S+)/.exec(
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
  )?.[1]
  return [home, profile].filter((folder) => folder !== undefined)
}

test('FINDINGS P12: Chromium ends once its last context was idle for long, and mints again on need', async () => {
  const bench = await startTokenBench({ limits: { contextIdleMs: 1, sweepMs: 10 } })
  await bench.mint(account)
  const first = bench.browserPid()
  await until(() => expect(bench.tokens.state()).toBe('idle'))
  await until(async () => expect(await processTree(first)).toEqual([]))

  await bench.mint(account)
  expect(bench.browserPid()).not.toBe(first)
})

test('FINDINGS O12: a token that comes too late for want of memory says so, and not to look at the network', async () => {
  const memory = { mark: () => undefined, shortage: () => 'memory is short: 511 of 512 MB' }
  const bench = await startTokenBench({ memory, limits: { mintMs: 1_500 } })
  bench.double.behaviour.execute = 'hang'

  const reason = await bench.mint(account).catch((error: Error) => error.message)
  expect(reason).toMatch(/^No reCAPTCHA token: none within 1.5 s; memory is short: 511 of 512 MB, while /)
  expect(reason).toContain('GENSPARK_API_KEY')
  expect(reason).not.toContain('check')
})
