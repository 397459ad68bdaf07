import type { Account } from '../core/account.ts'
import { UpstreamError } from '../core/errors.ts'
import type { SiteAccess } from './call-site.ts'
import type { DeadlineLimits } from './deadlines.ts'
import { recogniseReply } from './failures/recognise-reply.ts'
import type { Reply } from './open-reply.ts'
import { isOwnHost } from './own-host.ts'
import { readText } from './read-sse.ts'
import type { SiteFile } from './upstream.ts'

export interface OpenFileInput {
  readonly account: Account
  readonly url: string
  readonly signal: AbortSignal
}

type FileAccess = SiteAccess & Pick<DeadlineLimits, 'firstEventTimeoutMs' | 'idleTimeoutMs'>

const maxRedirects = 5

/** Contract: `Upstream.openFile`. Redirects lead to storage that is not the site's own: the cookie stays behind.
 *  Source: UPSTREAM 4.9, 5.6 */
export async function openFile(
  access: FileAccess,
  { account, url, signal }: OpenFileInput,
): Promise<SiteFile> {
  signal.throwIfAborted()
  const cut = new AbortController()
  const first = setTimeout(
    () => cut.abort(new UpstreamError('first-event-timeout')),
    access.firstEventTimeoutMs,
  )
  try {
    const combined = AbortSignal.any([signal, cut.signal])
    const { reply, isOwn } = await followRedirects(access, { account, url, signal: combined })
    const type = reply.headers['content-type']
    if (reply.status !== 200 || /^(?:application\/json|text\/html)\b/.test(type ?? ''))
      throw isOwn ? await failureOf(access, reply) : notGiven()
    const length = Number(reply.headers['content-length'] ?? Number.NaN)
    return {
      contentType: type,
      contentLength: Number.isInteger(length) ? length : undefined,
      body: closedByLeaving(
        withIdleLimit(reply.body, { idleTimeoutMs: access.idleTimeoutMs, signal, cut }),
        () => cut.abort('over'),
      ),
    }
  } catch (error) {
    cut.abort(error)
    signal.throwIfAborted()
    throw cut.signal.reason
  } finally {
    clearTimeout(first)
  }
}

async function followRedirects(
  access: FileAccess,
  { account, url: first, signal }: OpenFileInput,
): Promise<{ reply: Reply; isOwn: boolean }> {
  let url = URL.parse(first, access.baseUrl)
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    if (!url || !['http:', 'https:'].includes(url.protocol)) break
    const isOwn = isOwnHost(url, access.baseUrl)
    const reply = await access.openReply({
      url,
      method: 'GET',
      headers: access.headers.site(isOwn ? account : undefined, '*/*'),
      proxyUrl: account.proxyUrl,
      signal,
    })
    const { location } = reply.headers
    if (reply.status < 300 || reply.status > 399 || location === undefined) return { reply, isOwn }
    await readText(reply.body)
    url = URL.parse(location, url)
  }
  throw new UpstreamError('malformed', { message: 'Genspark redirects to no file.' })
}

/** A file that is gone says nothing of a protocol, one that is refused nothing of a token. */
async function failureOf({ clock }: FileAccess, reply: Reply): Promise<UpstreamError> {
  const text = await readText(reply.body)
  const failure = recogniseReply({ ...reply, text, bound: false, nowMs: clock.now() })
  return failure.kind === 'route-gone' || failure.kind === 'token-refused' ? notGiven(failure) : failure
}

const notGiven = (cause?: UpstreamError): UpstreamError =>
  new UpstreamError('bad-request', { message: 'Genspark does not give out this file any more.', cause })

/** Leaving a generator that was never begun runs nothing of it, not even its `finally`. */
function closedByLeaving<T>(body: AsyncGenerator<T>, close: () => void): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => body.next(),
      return() {
        close()
        return body.return(undefined)
      },
    }),
  }
}

async function* withIdleLimit(
  body: AsyncIterable<Uint8Array>,
  { idleTimeoutMs, signal, cut }: { idleTimeoutMs: number; signal: AbortSignal; cut: AbortController },
): AsyncGenerator<Uint8Array> {
  const expire = () => cut.abort(new UpstreamError('idle-timeout'))
  let timer = setTimeout(expire, idleTimeoutMs)
  try {
    for await (const read of body) {
      clearTimeout(timer)
      yield read
      timer = setTimeout(expire, idleTimeoutMs)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw cut.signal.aborted ? cut.signal.reason : error
  } finally {
    clearTimeout(timer)
  }
}
