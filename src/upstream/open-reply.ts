import type { IncomingHttpHeaders } from 'node:http'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import got, { type PlainResponse, type Request, RequestError } from 'got'
import { UpstreamError } from '../core/errors.ts'

/** The site's answer from its headers on. */
export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Bytes as they come, no faster than they are read. @throws {UpstreamError} `reset` when the connection breaks */
  readonly body: AsyncIterable<Uint8Array>
}

export interface ReplyRequest {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Record<string, string>
  readonly body?: string
  /** Closes the connection at once, before or after the headers. */
  readonly signal: AbortSignal
}

export type OpenReply = (request: ReplyRequest) => Promise<Reply>

/** One pool of kept-alive connections to the site. */
export function createConnections(): { readonly openReply: OpenReply; close(): void } {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) }
  const client = got.extend({
    agent: agents,
    retry: { limit: 0 },
    throwHttpErrors: false,
    followRedirect: false,
    // Unasked for, the site does not compress, and a compressor would hold tokens back.
    decompress: false,
  })

  return {
    async openReply({ url, method, headers, body, signal }) {
      const stream = client.stream(url, { method, headers, signal, ...(body !== undefined && { body }) })
      const { promise, resolve, reject } = Promise.withResolvers<PlainResponse>()
      stream.once('response', resolve)
      // Stays: an error after the headers reaches the reader of the body, and must not be unhandled when there is none.
      stream.on('error', reject)
      try {
        const { statusCode: status, headers: replyHeaders } = await promise
        return { status, headers: replyHeaders, body: readBody(stream) }
      } catch (error) {
        throw translate(error)
      }
    },
    close() {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

async function* readBody(stream: Request): AsyncGenerator<Uint8Array> {
  try {
    yield* stream as AsyncIterable<Uint8Array>
  } catch (error) {
    throw translate(error)
  }
}

/** A connection that broke is told from one that was never made. Only the system's own error goes along: got's knows the
 *  request with its cookie. */
function translate(error: unknown): unknown {
  if (!(error instanceof RequestError)) return error
  const cause = error.cause ?? new Error(error.code)
  const broken = error.response !== undefined || error.code === 'ECONNRESET' || error.code === 'EPIPE'
  if (broken) return new UpstreamError('reset', { cause })
  return new UpstreamError('unavailable', { message: 'Genspark could not be reached.', cause })
}
