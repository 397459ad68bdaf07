import type { IncomingHttpHeaders } from 'node:http'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import got, { type Request, RequestError } from 'got'
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
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      stream.once('response', resolve)
      // Stays: an error after the headers reaches the reader of the body, and must not be unhandled when there is none.
      stream.on('error', reject)
      await promise.catch((error) => {
        throw translate(error)
      })
      const { statusCode, headers: replyHeaders } = stream.response ?? { statusCode: 0, headers: {} }
      return { status: statusCode, headers: replyHeaders, body: readBody(stream) }
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

const brokenCodes = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'HPE_INVALID_CONSTANT',
  'ERR_STREAM_PREMATURE_CLOSE',
])

/** A connection that broke is told from one that was never made. The messages of got may name a proxy: they stay behind. */
function translate(error: unknown): unknown {
  if (!(error instanceof RequestError)) return error
  const broken = brokenCodes.has(error.code) || error.response !== undefined
  if (broken) return new UpstreamError('reset', { cause: error })
  return new UpstreamError('unavailable', { message: 'Genspark could not be reached.', cause: error })
}
