import type { IncomingHttpHeaders } from 'node:http'
import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { type ServiceError, UnavailableError, UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { exhaustedCodes, openFilesLimit } from '../core/open-files.ts'
import type { OpenReply, Reply, ReplyRequest } from '../core/open-reply.ts'
import { type Connection, createConnectionPools, ProxyRefusal } from './connection-pools.ts'

export interface DirectTransportOptions {
  /** PROXY_URL: for every request of an account that has no proxy of its own. */
  readonly proxyUrl?: string | undefined
  /** For TCP and TLS of a connection without proxy. Default 5 s. */
  readonly connectMs?: number
  /** Told when this machine has nothing left to connect with. */
  readonly logger?: Pick<Logger, 'warn'>
  /** Told of the `Set-Cookie` lines of a reply before the reply is given out. */
  readonly onSetCookie?: OnSetCookie
}

type OnSetCookie = (
  asked: Pick<ReplyRequest, 'account' | 'url'>,
  status: number,
  lines: string | readonly string[],
) => void

/** Carries requests to the site over this process's own connections. Nothing is retried, no redirect is followed. No
 *  compression is asked for, since a compressor would hold tokens back; where one comes all the same, it is undone. */
export function createDirectTransport(options: DirectTransportOptions = {}): {
  readonly openReply: OpenReply
  close(): void
} {
  const { proxyUrl, onSetCookie, connectMs, logger } = options
  const pools = createConnectionPools(connectMs)
  let exhaustedAt = Number.NEGATIVE_INFINITY

  function noteExhausted(code: string): void {
    if (performance.now() - exhaustedAt < 60_000) return
    exhaustedAt = performance.now()
    logger?.warn(
      { code, openFiles: openFilesLimit() },
      'this machine allows no more connections: raise ulimit -n',
    )
  }

  return {
    openReply(request) {
      const { account, url, addresses, signal } = request
      if (signal.aborted) return Promise.reject(signal.reason)
      const own = account?.proxyUrl
      const connection = pools.take(url.origin, own ?? proxyUrl, addresses)
      const exchange = new Exchange(connection, request, describeProxy(own, proxyUrl), onSetCookie)
      return exchange.open(request).catch((error: unknown) => {
        if (error instanceof UnavailableError) noteExhausted(causeCode(error))
        throw error
      })
    },
    close: pools.close,
  }
}

/** For the words of a failure; never the proxy's URL, which may hold a password. */
function describeProxy(own: string | undefined, general: string | undefined): string | undefined {
  if (own !== undefined) return "the account's own proxy"
  return general === undefined ? undefined : 'the proxy of PROXY_URL'
}

/** Unread bytes beyond which the socket is paused. */
const maxWaitingBytes = 64 * 1024

/** One request and its reply; also undici's handler, so that a request allocates one object and not three. */
class Exchange implements Reply, Dispatcher.DispatchHandler {
  status = 0
  headers: IncomingHttpHeaders = {}
  readonly #connection: Connection
  readonly #account: ReplyRequest['account']
  readonly #url: URL
  readonly #signal: AbortSignal
  readonly #onSetCookie: OnSetCookie | undefined
  readonly #proxy: string | undefined
  readonly #opened = Promise.withResolvers<Reply>()
  #controller: Dispatcher.DispatchController | undefined
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  /** No more bytes will come: all are here, it failed, or it was closed. */
  #isOver = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(
    connection: Connection,
    { account, url, signal }: ReplyRequest,
    proxy: string | undefined,
    onSetCookie: OnSetCookie | undefined,
  ) {
    this.#connection = connection
    this.#account = account
    this.#url = url
    this.#signal = signal
    this.#proxy = proxy
    this.#onSetCookie = onSetCookie
  }

  // The body is not kept: a stream may outlive it by an hour.
  open({ method, url, headers, body }: ReplyRequest): Promise<Reply> {
    this.#signal.addEventListener('abort', this.#abort, { once: true })
    const path = url.pathname + url.search
    this.#connection.client.dispatch({ method, path, headers, body: body ?? null }, this)
    return this.#opened.promise
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#waiting.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const reads = this.#waiting
    if (reads.length > 0) {
      const isPaused = this.#waitingBytes >= maxWaitingBytes
      this.#waiting = []
      this.#waitingBytes = 0
      if (isPaused && !this.#isOver) this.#controller?.resume()
      return reads.length === 1 ? reads[0] : Buffer.concat(reads)
    }
    if (this.#failure) throw this.#failure.error
    return undefined
  }

  close(): void {
    this.#waiting = []
    if (this.#isOver) return
    this.#end()
    this.#connection.destroy()
  }

  readonly #abort = (): void => {
    this.#waiting = []
    this.#fail(this.#signal.reason)
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#failure = { error }
    this.#opened.reject(error)
    this.#end()
    this.#connection.destroy()
  }

  #end(): void {
    this.#isOver = true
    this.#signal.removeEventListener('abort', this.#abort)
    this.#wake?.()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // Informational, such as early hints.
    if (status < 200) return
    this.status = status
    this.headers = headers
    const setCookie = headers['set-cookie']
    if (setCookie !== undefined)
      this.#onSetCookie?.({ account: this.#account, url: this.#url }, status, setCookie)
    const decompress = decompressors[headers['content-encoding']?.trim().toLowerCase() ?? '']
    this.#opened.resolve(decompress ? decompressed(this, decompress()) : this)
  }

  onResponseData(controller: Dispatcher.DispatchController, bytes: Uint8Array): void {
    if (this.#isOver) return
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes >= maxWaitingBytes) controller.pause()
    this.#wake?.()
  }

  onResponseEnd(): void {
    if (this.#isOver) return
    this.#end()
    this.#connection.release()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(translate(error, { isAnswered: this.status !== 0, proxy: this.#proxy }))
  }
}

const decompressors: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

function decompressed(reply: Reply, stream: Transform): Reply {
  const { 'content-encoding': _encoding, 'content-length': _length, ...headers } = reply.headers
  // What goes wrong on either side is thrown to the reader.
  pipeline(Readable.from(readsOf(reply)), stream, () => {})
  const plain = stream[Symbol.asyncIterator]()
  return {
    status: reply.status,
    headers,
    async read() {
      try {
        const { value, done } = await plain.next()
        return done ? undefined : value
      } catch (error) {
        if (!isCompressionError(error)) throw error
        throw new UpstreamError('reset', { message: 'The compressed answer was not whole.', cause: error })
      }
    },
    close() {
      reply.close()
      stream.destroy()
    },
  }
}

async function* readsOf(reply: Reply): AsyncGenerator<Uint8Array> {
  for (let bytes = await reply.read(); bytes; bytes = await reply.read()) yield bytes
}

const isCompressionError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(?:Z_|ERR_|ZSTD_)/.test(String(error.code))

/** A connection that broke is told from one that was never made. Only system errors become the cause: those of
 *  undici may quote the reply, those of the SOCKS client hold the password. */
function translate(
  error: Error,
  { isAnswered, proxy }: { readonly isAnswered: boolean; readonly proxy: string | undefined },
): ServiceError {
  if (proxy && error instanceof ProxyRefusal) return refused(proxy, error.status)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (exhaustedCodes.has(code))
    return new UnavailableError('overloaded', { message: exhausted, cause: error })
  // A system code such as ECONNREFUSED, or a library's words; neither knows a secret.
  const reason = code === '' || /^(?:UND_|ERR_|HPE_)/.test(code) ? error.message : code
  const cause = proxy || reason !== code ? new Error(reason) : error
  if (isAnswered || brokenCodes.has(code)) {
    const message = `The connection over ${proxy} broke before the answer was whole.`
    return new UpstreamError('reset', { cause, ...(proxy && { message }) })
  }
  const message = proxy
    ? `Genspark could not be reached over ${proxy} (${reason}).`
    : 'Genspark could not be reached.'
  return new UpstreamError('unavailable', { message, cause })
}

const exhausted = 'This server has no connections left.'

const causeCode = ({ cause }: Error): string =>
  cause instanceof Error && 'code' in cause ? String(cause.code) : ''

const brokenCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

function refused(proxy: string, status: number): UpstreamError {
  const what = status === 407 ? 'refuses its user name or password' : 'refuses to connect to Genspark'
  const name = proxy.charAt(0).toUpperCase() + proxy.slice(1)
  return new UpstreamError('unavailable', { message: `${name} ${what} (HTTP ${status}).` })
}
