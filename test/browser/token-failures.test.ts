import { expect, test } from 'vitest'
import type { RecaptchaBehaviour } from '../emulator/recaptcha/recaptcha-double.ts'
import { accountNumber, counterValue, startTokenBench, type TokenBench, verdictOf } from './support.ts'

const account = accountNumber(1)

const startImpatientBench = (): Promise<TokenBench> =>
  startTokenBench((double) => ({
    recaptchaScriptUrl: `${double.url}/recaptcha/enterprise.js`,
    limits: { graceMs: 100, scriptMs: 500 },
  }))

const siteFailures: { name: string; behaviour: Partial<RecaptchaBehaviour>; message: RegExp }[] = [
  {
    name: 'a blocked script',
    behaviour: { pageScript: 'blocked' },
    message:
      /enterprise\.js\?render=\S+ could not be loaded: check the network, PROXY_URL and RECAPTCHA_SCRIPT_URL/,
  },
  {
    name: 'no grecaptcha',
    behaviour: { grecaptcha: 'never' },
    message: /defined no grecaptcha: check RECAPTCHA_SCRIPT_URL/,
  },
  {
    name: 'a refused key',
    behaviour: { keyRefused: true },
    message: /the site key 6LfYy\S+ was refused \(.+\): set RECAPTCHA_SITE_KEY/,
  },
  {
    name: 'an empty token',
    behaviour: { execute: 'empty' },
    message: /an empty token: check RECAPTCHA_SITE_KEY/,
  },
  {
    name: 'a rejected call',
    behaviour: { execute: 'throws' },
    message: /execute failed \(null\): check the network/,
  },
]

test.each(siteFailures)(
  'D5: $name is a typed error with its cause and remedy, and no more than that request',
  async ({ behaviour, message }) => {
    const bench = await startImpatientBench()
    const whole = { ...bench.double.behaviour }
    Object.assign(bench.double.behaviour, behaviour)

    await expect(bench.mint(account)).rejects.toMatchObject({ code: 'token_unavailable', message })
    expect(await counterValue(bench.metrics.tokensMinted, 'failed')).toBe(1)

    Object.assign(bench.double.behaviour, whole)
    expect(verdictOf(bench, await bench.mint(account), account)).toBe('accepted')
  },
)

test('D5: a call that is never answered ends at the deadline', async () => {
  const bench = await startTokenBench({ limits: { mintMs: 3_000 } })
  bench.double.behaviour.execute = 'hang'

  await expect(bench.mint(account)).rejects.toMatchObject({
    code: 'token_unavailable',
    message: /within 3 s/,
  })
})

test('D5: an unreachable site is named with the network error', async () => {
  const bench = await startTokenBench({ baseUrl: 'http://127.0.0.1:1' })

  await expect(bench.mint(account)).rejects.toMatchObject({
    code: 'token_unavailable',
    message: /could not be opened \(net::ERR_\w+\): check the network and PROXY_URL/,
  })
})

test('D5: a page that the site refuses is named with its status', async () => {
  const bench = await startTokenBench({ limits: { scriptMs: 100 } })
  bench.double.behaviour.pageStatus = 403

  await expect(bench.mint(account)).rejects.toMatchObject({
    code: 'token_unavailable',
    message: /answered HTTP 403: check PROXY_URL/,
  })
})

test('D5: an executable that does not start is a typed error, and launches are held back', async () => {
  const bench = await startTokenBench({ browserExecutable: '/nonexistent/chromium' })

  for (let attempt = 0; attempt < 3; attempt += 1) {
    await expect(bench.mint(account)).rejects.toMatchObject({
      code: 'token_unavailable',
      message: /Chromium did not start \(.+\): check BROWSER_EXECUTABLE/,
    })
  }
  expect(bench.tokens.state()).toBe('down')
  expect(await counterValue(bench.metrics.browserLaunches, 'failed')).toBe(3)
})

test('a page gone stale is replaced without the caller noticing', async () => {
  const bench = await startTokenBench()
  await bench.mint(account)
  bench.double.behaviour.failNextMints = 1

  expect(verdictOf(bench, await bench.mint(account), account)).toBe('accepted')
  expect(await counterValue(bench.metrics.tokensMinted, 'failed')).toBe(0)
})

test('no cookie is in an error or a log line', async () => {
  const bench = await startTokenBench({ limits: { mintMs: 2_000 } })
  bench.double.behaviour.execute = 'throws'

  const error = await bench.mint(account).catch((reason: Error) => reason)

  expect(`${JSON.stringify(bench.log)} ${(error as Error).stack}`).not.toContain('account-1')
})
