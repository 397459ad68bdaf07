import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { accountNumber, startTokenBench } from './support.ts'

test('the pages go through PROXY_URL with its password', async () => {
  const seen: (string | undefined)[] = []
  let handle: Parameters<typeof createServer>[1]
  const proxy = createServer((request, response) => {
    seen.push(request.headers['proxy-authorization'])
    if (!request.headers['proxy-authorization']) {
      return void response.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end()
    }
    const { pathname, search } = new URL(request.url ?? '')
    request.url = pathname + search
    handle?.(request, response)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(async () => {
    proxy.closeAllConnections()
    proxy.close()
    await once(proxy, 'close')
  })
  const { port } = proxy.address() as AddressInfo
  const bench = await startTokenBench({
    baseUrl: 'http://site.test',
    proxyUrl: `http://user:pass%2Fword@127.0.0.1:${port}`,
  })
  handle = (request, response) => void bench.double.handle(request, response)

  await bench.mint(accountNumber(1))

  expect(bench.double.ledger).toHaveLength(1)
  expect(seen.at(-1)).toBe(`Basic ${Buffer.from('user:pass/word').toString('base64')}`)
  expect(JSON.stringify(bench.log)).not.toContain('word')
})
