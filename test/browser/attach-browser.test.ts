import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { attachBrowser } from '../../src/browser/attach-browser.ts'
import { createAccount } from '../../src/core/account.ts'
import { startOwnBrowser } from '../support/own-browser.ts'
import { startHttpProxy, startSocksProxy } from '../support/proxies.ts'
import { accountNumber, pagesOpened, startTokenBench, until, verdictOf } from './support.ts'

interface Target {
  readonly id: string
  readonly type: string
  readonly title: string
}

async function tabsOf({ url }: { readonly url: string }): Promise<Target[]> {
  const reply = await fetch(`${url}/json/list`)
  return ((await reply.json()) as Target[]).filter(({ type }) => type === 'page')
}

test('mints in a browser that runs already; its own tab and the browser outlive the service', async () => {
  const own = await startOwnBrowser()
  await until(async () => expect((await tabsOf(own)).map(({ title }) => title)).toEqual(['my own tab']))
  const before = await tabsOf(own)
  const bench = await startTokenBench({ browserEndpoint: own.url })

  const accounts = [1, 2].map(accountNumber)
  for (const account of accounts) {
    expect(verdictOf(bench, await bench.mint(account), account)).toBe('accepted')
  }
  expect(bench.tokens.state()).toBe('ready')
  expect(await tabsOf(own)).toHaveLength(3)

  await bench.tokens.close()

  await until(async () => expect(await tabsOf(own)).toEqual(before))
})

test('the address of its WebSocket will do as well', async () => {
  const own = await startOwnBrowser()
  const bench = await startTokenBench({ browserEndpoint: own.socketUrl })
  await bench.mint(accountNumber(1))
  expect(pagesOpened(bench)).toEqual(['account-1'])
})

test('tabs of others are neither attached to nor held up', async () => {
  const own = await startOwnBrowser()
  const attached = await attachBrowser({ endpoint: own.url, proxyUrl: undefined, timeoutMs: 20_000 })
  onTestFinished(() => attached.close())

  expect(attached.browser.contexts().flatMap((context) => context.pages())).toEqual([])
  const reply = await fetch(`${own.url}/json/new?data:text/html,<title>another</title>`, { method: 'PUT' })
  expect(reply.status).toBe(200)
  await until(async () => expect((await tabsOf(own)).map(({ title }) => title)).toContain('another'))
  expect(attached.browser.contexts().flatMap((context) => context.pages())).toEqual([])

  const context = await attached.browser.newContext()
  const page = await context.newPage()
  await page.goto('data:text/html,<title>ours</title>')
  expect(await page.title()).toBe('ours')
  await page.close()
  expect(page.isClosed()).toBe(true)
  await context.close()
})

test('a browser that was killed and started anew is found again', async () => {
  const first = await startOwnBrowser()
  const bench = await startTokenBench({ browserEndpoint: first.url })
  await bench.mint(accountNumber(1))

  await first.kill()
  await until(() => expect(bench.tokens.state()).not.toBe('ready'))
  await expect(bench.mint(accountNumber(1))).rejects.toMatchObject({
    code: 'token_unavailable',
    message: expect.stringContaining('BROWSER_ENDPOINT cannot be attached to (ECONNREFUSED)'),
  })
  expect(bench.tokens.state()).toBe('down')
  await startOwnBrowser(first.port)

  await until(() => expect(bench.tokens.state()).toBe('ready'))
  const account = accountNumber(1)
  expect(verdictOf(bench, await bench.mint(account), account)).toBe('accepted')
})

test('its contexts go through PROXY_URL or the proxy of the account; a SOCKS password is not possible there', async () => {
  const own = await startOwnBrowser()
  const target = { port: 0 }
  const [general, other] = [await startHttpProxy({ target }), await startHttpProxy({ target })]
  const socks = await startSocksProxy()
  for (const proxy of [general, other, socks]) onTestFinished(proxy.close)
  const bench = await startTokenBench({
    baseUrl: 'http://site.test',
    browserEndpoint: own.url,
    proxyUrl: general.url,
    limits: { graceMs: 200 },
  })
  target.port = Number(new URL(bench.double.url).port)

  await bench.mint(accountNumber(1))
  expect(general.asked).toContain('GET http://site.test/agents?type=ai_chat')
  await bench.mint(createAccount('session_id=account-2', other.url))
  expect(other.asked).toContain('GET http://site.test/agents?type=ai_chat')
  await expect(bench.mint(createAccount('session_id=account-3', socks.url))).rejects.toMatchObject({
    message: expect.stringMatching(/BROWSER_ENDPOINT cannot sign in to the SOCKS proxy of acc_/),
  })
})

async function serve(answer: (path: string, response: ServerResponse) => void) {
  const server = createServer(({ url = '' }, response) => answer(url, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const attach = (endpoint: string, timeoutMs = 5_000) =>
  attachBrowser({ endpoint, proxyUrl: undefined, timeoutMs })

test('what is no browser is told as that, and never with its address', async () => {
  const port = await serve((_path, response) => response.writeHead(404).end('canary'))
  await expect(attach(`http://user:canary@127.0.0.1:${port}/?token=canary`)).rejects.toMatchObject({
    code: 'token_unavailable',
    message: expect.stringMatching(/^(?!.*canary).*it answers HTTP 404/),
  })
  const silent = await serve(() => {})
  await expect(attach(`http://127.0.0.1:${silent}`, 300)).rejects.toThrow(/no answer in time/)
  await expect(attach(`ws://127.0.0.1:${silent}/?token=canary`, 300)).rejects.toThrow(/no answer in time/)
})

test('a host name that Chrome refuses is asked again by its address', async () => {
  const own = await startOwnBrowser()
  const paths: string[] = []
  const port = await serve((path, response) => {
    paths.push(path)
    if (paths.length === 1) {
      return response.writeHead(500).end('Host header is specified and is not an IP address or localhost.')
    }
    void fetch(`${own.url}/json/version`).then(async (reply) => {
      const told = (await reply.json()) as { webSocketDebuggerUrl: string }
      response.end(JSON.stringify(told))
    })
  })
  // The second answer names a socket that this server lacks: that it was looked for is enough.
  await expect(attach(`http://localhost:${port}`)).rejects.toThrow(/WebSocket was refused/)
  expect(paths.slice(0, 2)).toEqual(['/json/version', '/json/version'])
})
