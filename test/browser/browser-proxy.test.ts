import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { SocksClient } from 'socks'
import { expect, onTestFinished, test } from 'vitest'
import { openBrowserProxy, openRemoteBrowserProxy } from '../../src/browser/browser-proxy.ts'
import { proxyPassword, startSocksProxy, type TestProxyOptions } from '../support/proxies.ts'

async function startProxy(options: TestProxyOptions = {}) {
  const proxy = await startSocksProxy(options)
  onTestFinished(proxy.close)
  return proxy
}

async function startEcho(): Promise<number> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function openRelay(url: string) {
  const open = await openBrowserProxy(url, 'PROXY_URL')
  onTestFinished(open.close)
  return { ...open, port: Number(new URL(open.proxy.server).port) }
}

const through = (port: number, destination: { host: string; port: number }) =>
  SocksClient.createConnection({
    proxy: { host: '127.0.0.1', port, type: 5 },
    command: 'connect',
    destination,
  })

test('FINDINGS R10: a SOCKS proxy with a password is reached by a relay that asks for none, and carries bytes both ways', async () => {
  const echo = await startEcho()
  const proxy = await startProxy({ target: { port: echo } })
  const relay = await openRelay(proxy.url)
  expect(relay.proxy).toEqual({ server: `socks5://127.0.0.1:${relay.port}` })

  const { socket } = await through(relay.port, { host: 'site.test', port: 80 })
  const sent = Buffer.alloc(300_000, 'x')
  socket.write(sent)
  let back = Buffer.alloc(0)
  for await (const chunk of socket) {
    back = Buffer.concat([back, chunk])
    if (back.length >= sent.length) break
  }

  expect(back.equals(sent)).toBe(true)
  expect(proxy.asked).toEqual(['SOCKS site.test:80'])
  expect(proxy.refusals).toEqual([])
})

test('FINDINGS R10: a wrong password closes the connection and nothing goes around the proxy', async () => {
  const echo = await startEcho()
  const proxy = await startProxy({ target: { port: echo } })
  const relay = await openRelay(proxy.url.replace(encodeURIComponent(proxyPassword), 'wrong'))

  await expect(through(relay.port, { host: '127.0.0.1', port: echo })).rejects.toThrow()
  expect(proxy.asked).toEqual([])
  expect(proxy.refusals).toEqual(['wrong password'])
})

test('FINDINGS R10: a dead proxy and a client that speaks something else are closed', async () => {
  const proxy = await startProxy()
  const relay = await openRelay(proxy.url)
  const http = connect(relay.port, '127.0.0.1').setEncoding('utf8')
  http.write('GET / HTTP/1.1\r\n\r\n')
  await once(http.resume(), 'close')

  await proxy.close()
  await expect(through(relay.port, { host: 'site.test', port: 80 })).rejects.toThrow()
})

test('a greeting that comes in pieces is put together', async () => {
  const proxy = await startProxy({ target: { port: await startEcho() } })
  const relay = await openRelay(proxy.url)
  const client = connect({ port: relay.port, host: '127.0.0.1', noDelay: true })
  onTestFinished(() => void client.destroy())
  client.write(Uint8Array.of(5))
  client.write(Uint8Array.of(2, 0))
  client.write(Uint8Array.of(1))
  const [answer] = await once(client, 'data')
  expect([...answer]).toEqual([5, 0])
})

test('a relay that is closed takes nobody and lets its connections go', async () => {
  const proxy = await startProxy({ target: { port: await startEcho() } })
  const relay = await openRelay(proxy.url)
  const { socket } = await through(relay.port, { host: 'site.test', port: 80 })
  socket.on('error', () => {}).resume()

  relay.close()

  await once(socket, 'close')
  await expect(through(relay.port, { host: 'site.test', port: 80 })).rejects.toThrow()
})

test('other proxies are told to Chromium as they are', async () => {
  expect((await openBrowserProxy('http://u%40x:p%3A@proxy.test:8080', 'PROXY_URL')).proxy).toEqual({
    server: 'http://proxy.test:8080',
    username: 'u@x',
    password: 'p:',
  })
  expect((await openBrowserProxy('socks5h://proxy.test', 'PROXY_URL')).proxy).toEqual({
    server: 'socks5://proxy.test',
  })
})

test('a browser elsewhere cannot reach the relay: that is said, without the password', () => {
  const open = () => openRemoteBrowserProxy('socks5://user:canary@proxy.test:1080', 'acc_1a2b3c4d')
  expect(open).toThrow(/browser of BROWSER_ENDPOINT cannot sign in to the SOCKS proxy of acc_1a2b3c4d/)
  expect(open).not.toThrow(/canary/)
  expect(openRemoteBrowserProxy('http://user:canary@proxy.test:8080', 'PROXY_URL').proxy).toMatchObject({
    username: 'user',
  })
})
