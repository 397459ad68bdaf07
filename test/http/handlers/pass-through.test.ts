import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { createPassThrough } from '../../../src/upstream/pass-through.ts'
import { startApp } from '../support/start-app.ts'

/** Another service: tells what it was asked. */
async function startOther(status = 200, given?: { type: string; body: Buffer }) {
  const server = createServer(async (request, response) => {
    const { url, headers } = request
    const body = await readText(request)
    if (given) {
      const headers = { 'content-type': given.type, 'content-encoding': 'gzip' }
      return void response.writeHead(status, headers).end(gzipSync(given.body))
    }
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ url, key: headers.authorization, body }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}

it.each(['embeddings', 'moderations'])('hands %s on with the key of the operator', async (name) => {
  const passThrough = createPassThrough({ baseUrl: await startOther(), apiKey: 'sk-other' })
  const { send } = await startApp({ services: { passThrough } })
  const response = await send(
    `/v1/${name}`,
    { model: 'm', input: 'words' },
    { authorization: 'Bearer sk-own' },
  )
  expect([response.status, await response.json()]).toEqual([
    200,
    { url: `/v1/${name}`, key: 'Bearer sk-other', body: '{"model":"m","input":"words"}' },
  ])
})

it('says what is missing where no address is set', async () => {
  const { send } = await startApp()
  const response = await send('/v1/embeddings', { model: 'm', input: 'words' })
  expect([response.status, await response.json()]).toMatchObject([
    404,
    { error: { code: 'not_found', message: expect.stringContaining('EMBEDDINGS_BASE_URL') } },
  ])
})

it.each([
  ['refuses the key', async () => await startOther(401)],
  ['is away', async () => 'http://127.0.0.1:1/v1'],
  ['is hidden by a page', () => startOther(502, { type: 'text/html', body: Buffer.from('<html>') })],
  [
    'answers with a page',
    () => startOther(200, { type: 'text/html', body: Buffer.from('<script>x()</script>') }),
  ],
  [
    'answers without end',
    () => startOther(200, { type: 'application/json', body: Buffer.alloc(40 << 20, ' ') }),
  ],
])('is a failure of ours when the other service %s', async (_, base) => {
  const passThrough = createPassThrough({ baseUrl: await base(), apiKey: undefined })
  const { send } = await startApp({ services: { passThrough } })
  const response = await send('/v1/embeddings', { input: 'words' })
  expect([response.status, await response.json()]).toMatchObject([
    502,
    { error: { code: 'pass_through_failed', type: 'server_error' } },
  ])
})
