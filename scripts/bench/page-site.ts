// The site of the suite page: HTTP/2 over TLS, as a process of its own. Prints its port.
// GET is a page; POST ?rate=20&count=200 streams so many events, each with the time at which it was written.

import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { selfSigned } from '../../test/support/self-signed.ts'

const filler = 'x'.repeat(120)

const server = createSecureServer({ ...selfSigned, allowHTTP1: true }, (request, response) => {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>page</title>')
    return
  }
  const { searchParams } = new URL(request.url ?? '', 'https://localhost')
  const count = Number(searchParams.get('count'))
  const periodMs = 1000 / Number(searchParams.get('rate'))
  request.resume()
  request.once('end', () => {
    response.setHeader('content-type', 'text/event-stream')
    let index = 0
    let timer: NodeJS.Timeout | undefined
    const write = () => {
      const event = { index, atMs: performance.timeOrigin + performance.now(), filler }
      index += 1
      response.write(`data: ${JSON.stringify(event)}\n\n`)
      if (index < count) return
      clearInterval(timer)
      response.end()
    }
    response.once('close', () => clearInterval(timer))
    write()
    if (index < count) timer = setInterval(write, periodMs)
  })
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
