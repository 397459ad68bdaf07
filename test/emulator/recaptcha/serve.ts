import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createRecaptchaDouble,
  type RecaptchaDouble,
  type RecaptchaDoubleOptions,
} from './recaptcha-double.ts'

export interface RecaptchaServer extends RecaptchaDouble {
  readonly url: string
  close(): Promise<void>
}

/** The double alone on a port of its own, for tests that need no chat API. */
export async function serveRecaptchaDouble(options?: RecaptchaDoubleOptions): Promise<RecaptchaServer> {
  const double = createRecaptchaDouble(options)
  const server = createServer((request, response) => {
    if (!double.handle(request, response)) response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    ...double,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
