import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { trackOpenResponses } from '../../src/http/open-responses.ts'

const server = createServer((_request, response) => void response.end('gone'))
const responses = trackOpenResponses(server)
afterEach(() => new Promise((resolve) => server.close(resolve)))

test('is quiet at once when nobody came, and else when nobody comes any more', async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const ask = () => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await ask()
  const since = performance.now()
  await responses.whenQuiet({ since, quietMs: 1_000_000, timeoutMs: 1_000_000 })

  await ask()
  let isQuiet = false
  const quiet = responses.whenQuiet({ since, quietMs: 500, timeoutMs: 1_000_000 }).then(() => {
    isQuiet = true
  })
  for (let count = 0; count < 3; count += 1) await ask()
  expect(isQuiet).toBe(false)
  await quiet
  await responses.whenQuiet({ since, quietMs: 1_000_000, timeoutMs: 50 })
})
