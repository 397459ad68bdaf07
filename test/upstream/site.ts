import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface SiteRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly response: ServerResponse
  /** Resolves when the connection of this request is gone or its response is over. */
  readonly closed: Promise<void>
}

export type Respond = (response: ServerResponse, request: SiteRequest) => unknown

/** A site that answers as it is told, on a real socket. */
export async function startSite(respond: Respond, host = '127.0.0.1') {
  const requests: SiteRequest[] = []
  let sockets = 0
  const server = createServer((request, response) => void answer(request, response))
  server.on('connection', () => {
    sockets += 1
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const closed = new Promise<void>((resolve) => response.once('close', resolve))
    const body = (await buffer(request)).toString()
    const { method = '', url: path = '', headers } = request
    const record = { method, path, headers, body, response, closed }
    requests.push(record)
    await site.respond(response, record)
  }

  const site = {
    url: `http://${host}:${port}`,
    respond,
    requests,
    /** Connections made so far. */
    sockets: () => sockets,
    async close() {
      server.closeAllConnections()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  }
  return site
}

export type Site = Awaited<ReturnType<typeof startSite>>

/** A whole event stream. */
export const sendEvents =
  (...events: readonly (object | string)[]): Respond =>
  (response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end(asEvents(...events))

/** Any other whole reply. */
export const send =
  (status: number, body: string, headers: Record<string, string> = {}): Respond =>
  (response) =>
    response.writeHead(status, headers).end(body)

export const asEvents = (...events: readonly (object | string)[]): string =>
  events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('')
