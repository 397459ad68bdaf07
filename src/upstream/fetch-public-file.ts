import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Socket } from 'node:net'
import got, { type PlainResponse, RequestError } from 'got'
import {
  createUrlJudge,
  isPublicAddress,
  type JudgedUrl,
  pinnedTo,
  type UrlJudgeOptions,
  UrlNotAllowed,
} from '../core/addresses.ts'
import type { ImagePart } from '../core/chat-request.ts'
import { deadlineSignal } from '../core/deadline.ts'
import { InvalidRequestError, UnavailableError } from '../core/errors.ts'
import { sniffImage } from '../core/sniff-mime.ts'
import { createConnect } from './connection-pools.ts'

export interface PublicFileOptions extends UrlJudgeOptions {
  /** Of a file after decompression. */
  readonly maxBytes: number
  /** PROXY_URL: carries what leads to a public address, so that a machine without a way out of its own can fetch it. What is
   *  private, where that is allowed, is reached directly. */
  readonly proxyUrl?: string | undefined
  /** For one file in all, redirects included. Default: 10 s. */
  readonly timeoutMs?: number
}

export interface PublicFileFetcher {
  /** Fetches a picture that a client names by URL. Every address of its host is judged, and the connection goes to a
   *  judged one; the same holds for redirects. The type is read from the bytes.
   *  @param options.param  where the client named it
   *  @param options.takeMemory  told of the bytes as they come, before they are kept; what it throws ends the fetch
   *  @throws {InvalidRequestError} `image_url_not_allowed`, `image_fetch_failed` @throws `signal.reason` on abort */
  fetchImage(url: string, options: FetchImageOptions): Promise<ImagePart>
}

interface FetchImageOptions {
  readonly param: string
  readonly signal: AbortSignal
  readonly takeMemory?: (bytes: number) => void
}

const maxRedirects = 5

export function createPublicFileFetcher(options: PublicFileOptions): PublicFileFetcher {
  const { maxBytes, timeoutMs = 10_000, proxyUrl, isPublic = isPublicAddress } = options
  const judge = createUrlJudge(options)
  // Agents of its own, without keep-alive: nothing of the site's connections may reach a stranger.
  const client = got.extend({
    agent: { http: new HttpAgent(), https: new HttpsAgent() },
    retry: { limit: 0 },
    throwHttpErrors: false,
    followRedirect: false,
    headers: { 'user-agent': 'genspark2api/1.0', accept: 'image/*' },
  })

  return {
    async fetchImage(url, { param, signal, takeMemory }) {
      signal.throwIfAborted()
      const timeout = deadlineSignal(timeoutMs)
      try {
        const cut = AbortSignal.any([signal, timeout])
        const bytes = await fetchBytes(await judge(url, cut), { signal: cut, takeMemory })
        const mimeType = await sniffImage(bytes)
        if (!mimeType) throw new FetchFailure('it is no picture of a type that Genspark takes')
        return { type: 'image', mimeType, base64: bytes.toString('base64') }
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof UnavailableError) throw error
        if (error instanceof UrlNotAllowed)
          throw new InvalidRequestError('image_url_not_allowed', { message: error.message, param })
        throw fetchFailed(timeout.aborted ? `it took over ${timeoutMs / 1000} s` : whyOf(error), param)
      }
    },
  }

  async function fetchBytes(first: JudgedUrl, options: ReadOptions): Promise<Buffer> {
    let judged = first
    for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
      const reply = await request(judged, options)
      if ('bytes' in reply) return reply.bytes
      judged = await judge(reply.location, options.signal).catch((error: unknown) => {
        throw error instanceof UrlNotAllowed ? new FetchFailure('it redirects to where it may not') : error
      })
    }
    throw new FetchFailure('it redirects too often')
  }

  async function request(
    { url, addresses }: JudgedUrl,
    { signal, takeMemory }: ReadOptions,
  ): Promise<Fetched> {
    const isInside = !addresses.every(({ address }) => isPublic(address))
    const stream = client.stream(url, {
      signal,
      dnsLookup: pinnedTo(addresses),
      ...(proxyUrl !== undefined && !isInside && { agent: agentsOver(proxyUrl, addresses) }),
    })
    const { promise, resolve, reject } = Promise.withResolvers<PlainResponse>()
    stream.once('response', resolve)
    // Never removed: an error after the headers goes to the reader of the body, and must not be unhandled without one.
    stream.on('error', reject)
    try {
      const { statusCode, headers } = await promise
      if (redirectStatuses.has(statusCode) && headers.location !== undefined)
        return { location: URL.parse(headers.location, url)?.href ?? '' }
      if (statusCode !== 200) throw new FetchFailure(`its server answered with status ${statusCode}`)
      // Of a compressed file this is less than its size, hardly ever more.
      if (Number(headers['content-length']) > maxBytes) throw tooLarge(maxBytes)
      return { bytes: await readBounded(stream, maxBytes, takeMemory) }
    } finally {
      stream.destroy()
    }
  }
}

/** Agents whose connections go over a proxy, to an address that was judged. */
function agentsOver(proxyUrl: string, addresses: JudgedUrl['addresses']) {
  const connect = createConnect(proxyUrl, addresses)
  const over =
    (protocol: string) =>
    ({ host, port, servername }: TunnelTarget, done: ConnectionCallback) => {
      const target = { protocol, host: host ?? '', hostname: host ?? '', port: String(port ?? '') }
      connect({ ...target, ...(servername !== undefined && { servername }) }, (error, socket) =>
        error ? done(error) : done(null, socket),
      )
    }
  return {
    http: Object.assign(new HttpAgent(), { createConnection: over('http:') }),
    https: Object.assign(new HttpsAgent(), { createConnection: over('https:') }),
  }
}

interface TunnelTarget {
  readonly host?: string | null
  readonly port?: number | string | null
  readonly servername?: string | undefined
}

type ConnectionCallback = (error: Error | null, socket?: Socket) => void

interface ReadOptions {
  readonly signal: AbortSignal
  readonly takeMemory: FetchImageOptions['takeMemory']
}

type Fetched = { readonly bytes: Buffer } | { readonly location: string }

/** Its message is a clause for the client. */
class FetchFailure extends Error {}

const redirectStatuses = new Set([301, 302, 303, 307, 308])

async function readBounded(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
  takeMemory: FetchImageOptions['takeMemory'],
): Promise<Buffer> {
  const reads: Uint8Array[] = []
  let length = 0
  for await (const read of stream) {
    length += read.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    takeMemory?.(read.length)
    reads.push(read)
  }
  return Buffer.concat(reads)
}

const tooLarge = (maxBytes: number) => new FetchFailure(`it is larger than ${maxBytes} bytes`)

/** The client gets our own words only: system errors name addresses. */
function whyOf(error: unknown): string {
  if (error instanceof FetchFailure) return error.message
  return error instanceof RequestError ? 'its server could not be read' : 'its host has no address'
}

const fetchFailed = (why: string, param: string): InvalidRequestError =>
  new InvalidRequestError('image_fetch_failed', { message: `The image could not be fetched: ${why}.`, param })
