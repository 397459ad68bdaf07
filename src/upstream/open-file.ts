import type { Account } from '../core/account.ts'
import { liveDeadline } from '../core/deadline.ts'
import { UpstreamError } from '../core/errors.ts'
import type { Reply } from '../core/open-reply.ts'
import { type Cut, createCut, type DeadlineLimits } from './deadlines.ts'
import { isRecord } from './decode-parts.ts'
import { recogniseReply } from './failures.ts'
import type { AnywhereAccess } from './open-anywhere.ts'
import { isOwnHost } from './request-headers.ts'
import { callSite, readText } from './site-calls.ts'
import type { SiteFile } from './upstream.ts'

export interface OpenFileInput {
  readonly account: Account
  readonly url: string
  readonly signal: AbortSignal
}

type FileAccess = AnywhereAccess & Pick<DeadlineLimits, 'firstEventTimeoutMs' | 'idleTimeoutMs'>

const maxRedirects = 5

/** Contract: `Upstream.openFile`. Redirects lead to storage that is not the site's own: the cookie stays behind, and each address is
 *  judged anew.
 *  Source: WIRE 4.9, 5.6 */
export async function openFile(
  access: FileAccess,
  { account, url, signal }: OpenFileInput,
): Promise<SiteFile> {
  signal.throwIfAborted()
  const cut = createCut(signal)
  const expire = () => cut.abort(new UpstreamError('first-event-timeout'))
  const stop = liveDeadline(access.firstEventTimeoutMs, expire)
  try {
    const { reply, isOwn } = await followRedirects(access, { account, url, signal: cut.signal })
    const type = reply.headers['content-type']
    if (reply.status !== 200 || /^(?:application\/json|text\/)/.test(type ?? ''))
      throw isOwn ? await failureOf(access, reply) : notGiven()
    const first = await reply.read()
    if (!first) throw new UpstreamError('empty', { message: 'Genspark sent an empty file.' })
    if (isText(first, type)) throw notGiven()
    const length = Number(reply.headers['content-length'] ?? Number.NaN)
    return {
      contentType: type,
      contentLength: Number.isInteger(length) ? length : undefined,
      body: new FileBody(reply, { first, cut, idleTimeoutMs: access.idleTimeoutMs }),
    }
  } catch (error) {
    const reason = cut.signal.aborted ? cut.signal.reason : error
    cut.release()
    cut.abort('over')
    throw reason
  } finally {
    stop()
  }
}

async function followRedirects(
  access: FileAccess,
  { account, url: first, signal }: OpenFileInput,
): Promise<{ reply: Reply; isOwn: boolean }> {
  let url = await finalAddress(access, { account, url: first, signal })
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    if (!url) break
    const isOwn = isOwnHost(url, access.baseUrl)
    const headers = access.headers.site(isOwn ? account : undefined, '*/*')
    const reply = await access.openAnywhere({ account, method: 'GET', url, headers, signal })
    const { location } = reply.headers
    if (reply.status < 300 || reply.status > 399 || location === undefined) return { reply, isOwn }
    await readText(reply)
    url = URL.parse(location, url)
  }
  throw new UpstreamError('malformed', { message: 'Genspark redirects to no file.' })
}

/** A key exchanges the site's wrapper of a file for an address that opens; a wrapper with a token is final, and a cookie opens it
 *  as it is. Source: WIRE 11.8 */
async function finalAddress(access: FileAccess, { account, url: given, signal }: OpenFileInput) {
  const url = URL.parse(given, access.baseUrl)
  const isWrapper =
    url &&
    isOwnHost(url, access.baseUrl) &&
    /^\/api\/files\//.test(url.pathname) &&
    !url.searchParams.has('token')
  if (account.kind !== 'api-key' || !isWrapper) return url
  const body = { file_wrapper_url: given }
  try {
    const answer = await callSite(access, { path: '/api/tool_cli/file/download', account, body, signal })
    const data = isRecord(answer.data) ? answer.data : answer
    return typeof data.download_url === 'string' ? URL.parse(data.download_url, access.baseUrl) : url
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof UpstreamError)) throw error
    // Where it is refused the wrapper itself may still open.
    return url
  }
}

/** The beginning of a page or of JSON, whatever type it came under: an SVG alone may begin like one. */
const isText = (first: Uint8Array, type = ''): boolean =>
  !/^image\/svg\b/.test(type) && /^\s*[<{]/.test(Buffer.from(first.subarray(0, 64)).toString('latin1'))

/** A missing file says nothing about the protocol, a refused one nothing about the token. */
async function failureOf({ clock }: FileAccess, reply: Reply): Promise<UpstreamError> {
  const { status, headers } = reply
  const text = await readText(reply)
  const failure = recogniseReply({ status, headers, text, bound: false, nowMs: clock.now() })
  return failure.kind === 'route-gone' || failure.kind === 'token-refused' ? notGiven(failure) : failure
}

const notGiven = (cause?: UpstreamError): UpstreamError =>
  new UpstreamError('bad-request', { message: 'Genspark does not give out this file any more.', cause })

/** The bytes of a reply; no read may take longer than the idle limit. Leaving it closes the request, begun or not. */
class FileBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #reply: Reply
  readonly #cut: Cut
  readonly #idleTimeoutMs: number
  /** Was read to see whether there is anything. */
  #first: Uint8Array | undefined

  constructor(
    reply: Reply,
    { first, cut, idleTimeoutMs }: { first: Uint8Array; cut: Cut; idleTimeoutMs: number },
  ) {
    this.#reply = reply
    this.#first = first
    this.#cut = cut
    this.#idleTimeoutMs = idleTimeoutMs
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const first = this.#first
    this.#first = undefined
    if (first) return { value: first, done: false }
    const expire = () => this.#cut.abort(new UpstreamError('idle-timeout'))
    const stop = liveDeadline(this.#idleTimeoutMs, expire)
    try {
      const value = await this.#reply.read()
      if (value) return { value, done: false }
      return await this.return()
    } catch (error) {
      this.#cut.release()
      throw this.#cut.signal.aborted ? this.#cut.signal.reason : error
    } finally {
      stop()
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#cut.release()
    this.#reply.close()
    return { value: undefined, done: true }
  }
}
