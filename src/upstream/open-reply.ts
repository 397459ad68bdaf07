import type { IncomingHttpHeaders } from 'node:http'
import got, { type PlainResponse, type Request, RequestError } from 'got'
import { UpstreamError } from '../core/errors.ts'
import { createAgentPools, ProxyRefusal } from './proxy-agents.ts'

/** The site's answer from its headers on. */
export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Bytes as they come, no faster than they are read. @throws {UpstreamError} `reset` when the connection breaks */
  readonly body: AsyncIterable<Uint8Array>
}

export interface ReplyRequest {
  readonly url: URL
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly headers: Record<string, string>
  readonly body?: string | Uint8Array
  /** The account's own proxy; undefined: PROXY_URL, if set. Must be said, so that no request goes around it unseen. */
  readonly proxyUrl: string | undefined
  /** Closes the connection at once, before or after the headers. */
  readonly signal: AbortSignal
}

export type OpenReply = (request: ReplyRequest) => Promise<Reply>

export interface ConnectionsOptions {
  /** PROXY_URL: for every request that does not name its own. */
  readonly proxyUrl?: string | undefined
}

/** Kept-alive connections to the site, over the proxy of each request. */
export function createConnections(options: ConnectionsOptions = {}): {
  readonly openReply: OpenReply
  close(): void
} {
  const pools = createAgentPools()
  const client = got.extend({
    retry: { limit: 0 },
    throwHttpErrors: false,
    followRedirect: false,
    // Unasked for, the site does not compress, and a compressor would hold tokens back.
    decompress: false,
  })

  return {
    async openReply({ url, method, headers, body, proxyUrl, signal }) {
      const route = describeRoute(proxyUrl, options.proxyUrl)
      const agent = pools.agents(proxyUrl ?? options.proxyUrl)
      const stream = client.stream(url, {
        method,
        headers:
          body === undefined ? headers : { ...headers, 'content-length': `${Buffer.byteLength(body)}` },
        signal,
        agent,
      })
      // Not as got's `body`: of that it closes the connection when the answer begins before it has noticed that all is written.
      if (body !== undefined) stream.end(body)
      const { promise, resolve, reject } = Promise.withResolvers<PlainResponse>()
      stream.once('response', resolve)
      // Stays: an error after the headers reaches the reader of the body, and must not be unhandled when there is none.
      stream.on('error', reject)
      try {
        const { statusCode: status, headers: replyHeaders } = await promise
        return { status, headers: replyHeaders, body: readBody(stream, route) }
      } catch (error) {
        throw translate(error, route)
      }
    },
    close: pools.close,
  }
}

/** How a request goes, for the words of its failure; never the proxy's URL, which may hold a password. */
interface Route {
  readonly proxy: string | undefined
}

function describeRoute(own: string | undefined, general: string | undefined): Route {
  if (own !== undefined) return { proxy: "the account's own proxy" }
  return { proxy: general === undefined ? undefined : 'the proxy of PROXY_URL' }
}

async function* readBody(stream: Request, route: Route): AsyncGenerator<Uint8Array> {
  try {
    yield* stream as AsyncIterable<Uint8Array>
  } catch (error) {
    throw translate(error, route)
  }
}

/** A connection that broke is told from one that was never made. Only the system's own error goes along: got's knows the
 *  request with its cookie, that of a SOCKS client the password. */
function translate(error: unknown, { proxy }: Route): unknown {
  if (error instanceof UpstreamError || !isFailure(error)) return error
  // What fails in the writing of the body comes bare.
  const own = error instanceof RequestError ? error.cause : error
  if (proxy && own instanceof ProxyRefusal) return refused(proxy, own.status)
  const cause = (proxy ? new Error(reasonOf(error)) : own) ?? new Error(error.code)
  const answered = error instanceof RequestError && error.response !== undefined
  const broken = answered || error.code === 'ECONNRESET' || error.code === 'EPIPE'
  if (broken) {
    const message = `The connection over ${proxy} broke before the answer was whole.`
    return new UpstreamError('reset', { cause, ...(proxy && { message }) })
  }
  const message = proxy
    ? `Genspark could not be reached over ${proxy} (${reasonOf(error)}).`
    : 'Genspark could not be reached.'
  return new UpstreamError('unavailable', { message, cause })
}

type Failure = Error & { readonly code: string }

const isFailure = (error: unknown): error is Failure =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'

function refused(proxy: string, status: number): UpstreamError {
  const what = status === 407 ? 'refuses its user name or password' : 'refuses to connect to Genspark'
  return new UpstreamError('unavailable', { message: `${capitalised(proxy)} ${what} (HTTP ${status}).` })
}

/** A system code such as ECONNREFUSED, or a SOCKS client's words; neither knows a secret. */
const reasonOf = ({ code, message }: Failure): string => (code.startsWith('ERR_') ? message : code)

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
