import { expect, onTestFinished, test } from 'vitest'
import { createAccount } from '../../src/core/account.ts'
import { proxyPassword, startHttpProxy, startSocksProxy, type TestProxy } from '../support/proxies.ts'
import { accountNumber, startTokenBench, type TokenBench } from './support.ts'

const siteUrl = 'http://site.test'

/** A bench whose site is known under a name that only a proxy can resolve. */
async function startProxyBench(proxyUrl: string | undefined): Promise<TokenBench> {
  return startTokenBench({
    baseUrl: siteUrl,
    ...(proxyUrl !== undefined && { proxyUrl }),
    limits: { graceMs: 200 },
  })
}

async function started(starting: Promise<TestProxy>): Promise<TestProxy> {
  const proxy = await starting
  onTestFinished(proxy.close)
  return proxy
}

function expectNoPassword(value: unknown) {
  const told = JSON.stringify(value)
  for (const secret of [proxyPassword, encodeURIComponent(proxyPassword)]) expect(told).not.toContain(secret)
}

test('the pages go through PROXY_URL with its password', async () => {
  const target = { port: 0 }
  const proxy = await started(startHttpProxy({ target }))
  const bench = await startProxyBench(proxy.url)
  target.port = Number(new URL(bench.double.url).port)

  await bench.mint(accountNumber(1))

  expect(bench.double.ledger).toHaveLength(1)
  expect(proxy.asked).toContain('GET http://site.test/agents?type=ai_chat')
  expectNoPassword(bench.log)
})

test("an account's own proxy wins over PROXY_URL, and another one of it is another context", async () => {
  const target = { port: 0 }
  const [general, own, other] = [
    await started(startHttpProxy({ target })),
    await started(startHttpProxy({ target })),
    await started(startHttpProxy({ target })),
  ]
  const bench = await startProxyBench(general.url)
  target.port = Number(new URL(bench.double.url).port)
  const cookie = 'session_id=account-1'

  await bench.mint(createAccount(cookie, own.url))
  expect([own, other, general].map(carriedPage)).toEqual([true, false, false])
  await bench.mint(createAccount(cookie, other.url))
  expect([own, other, general].map(carriedPage)).toEqual([true, true, false])
  await bench.mint(accountNumber(2))
  expect([own, other, general].map(carriedPage)).toEqual([true, true, true])
  expectNoPassword(bench.log)
})

test('a dead proxy is an error that names PROXY_URL', async () => {
  const proxy = await startHttpProxy()
  await proxy.close()
  const bench = await startProxyBench(proxy.url)

  const error: unknown = await bench.mint(accountNumber(1)).catch((thrown: unknown) => thrown)

  expect(error).toMatchObject({ code: 'token_unavailable', message: expect.stringContaining('PROXY_URL') })
  expectNoPassword([String(error), bench.log])
  expect(bench.double.requests).toEqual([])
})

test.each(['PROXY_URL', 'COOKIE@proxy-url'])(
  'FINDINGS R10: the pages go through a SOCKS proxy with a password (%s), and no relay is left',
  async (place) => {
    const target = { port: 0 }
    const proxy = await started(startSocksProxy({ target }))
    const isGeneral = place === 'PROXY_URL'
    const bench = await startProxyBench(isGeneral ? proxy.url : undefined)
    target.port = Number(new URL(bench.double.url).port)
    const listening = () => process.getActiveResourcesInfo().filter((each) => each === 'TCPServerWrap').length
    const before = listening()

    await bench.mint(isGeneral ? accountNumber(1) : createAccount('session_id=account-1', proxy.url))

    expect(bench.double.ledger).toHaveLength(1)
    expect(proxy.asked).toContain('SOCKS site.test:80')
    expect(proxy.refusals).toEqual([])
    expectNoPassword(bench.log)
    await bench.tokens.close()
    expect(listening()).toBeLessThanOrEqual(before)
  },
)

const carriedPage = ({ asked }: TestProxy): boolean => asked.some((line) => line.includes('/agents'))
