import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { trackOpenResponses } from '../../src/http/open-responses.ts'

const held = Promise.withResolvers<ServerResponse>()
const server = createServer((request, response) =>
  request.url === '/held' ? held.resolve(response) : void response.end('gone'),
)
const responses = trackOpenResponses(server)
afterEach(() => new Promise((resolve) => server.close(resolve)))

async function listen(): Promise<void> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}

const ask = (path = '/') =>
  fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`).then((response) =>
    response.text(),
  )

test('is quiet at once when nobody came', async () => {
  await responses.whenQuiet({ quietMs: 1_000_000, timeoutMs: 1_000_000 })
})

test('is quiet when nobody comes any more, or after the timeout', async () => {
  await listen()
  await ask()
  let isQuiet = false
  const quiet = responses.whenQuiet({ quietMs: 500, timeoutMs: 1_000_000 }).then(() => {
    isQuiet = true
  })
  for (let count = 0; count < 3; count += 1) await ask()
  expect(isQuiet).toBe(false)
  await quiet
  await responses.whenQuiet({ quietMs: 1_000_000, timeoutMs: 50 })
})

test('is not quiet while the client of an answer that has just ended may send the next request', async () => {
  await listen()
  const answered = ask('/held')
  const response = await held.promise
  await responses.whenQuiet({ quietMs: 50, timeoutMs: 1_000_000 })
  const before = performance.now()
  response.end('late')
  await answered
  await responses.whenQuiet({ quietMs: 300, timeoutMs: 1_000_000 })
  expect(performance.now() - before).toBeGreaterThanOrEqual(299)
})
