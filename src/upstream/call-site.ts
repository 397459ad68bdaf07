import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { UpstreamError } from '../core/errors.ts'
import { recogniseEvent } from './failures/recognise-event.ts'
import { recogniseReply } from './failures/recognise-reply.ts'
import type { OpenReply } from './open-reply.ts'
import { parseEvent } from './parse-event.ts'
import { readText } from './read-sse.ts'
import type { RequestHeaders } from './request-headers.ts'

/** What every request to the site is made with. */
export interface SiteAccess {
  readonly baseUrl: string
  readonly openReply: OpenReply
  readonly headers: RequestHeaders
  readonly clock: Clock
}

export interface SiteCall {
  readonly path: string
  /** Undefined: a public route. */
  readonly account: Account | undefined
  readonly accept?: string
  readonly signal: AbortSignal
}

/** For a whole call, from its request to its answer. */
const timeoutMs = 10_000

const maxAnswerLength = 4 * 1024 * 1024

/** Asks one of the JSON routes beside the asks. A route that is not there is no verdict on a protocol.
 *  @throws {UpstreamError} for a failure or anything but a JSON object @throws `signal.reason` on abort
 *  Source: UPSTREAM 4.10, 5.8 */
export async function callSite(
  { baseUrl, openReply, headers, clock }: SiteAccess,
  { path, account, accept, signal }: SiteCall,
): Promise<Readonly<Record<string, unknown>>> {
  signal.throwIfAborted()
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const reply = await openReply({
      url: new URL(path, baseUrl),
      method: 'GET',
      headers: headers.site(account, accept),
      proxyUrl: account?.proxyUrl,
      signal: AbortSignal.any([signal, timeout]),
    })
    const text = await readText(reply.body, maxAnswerLength)
    const answer = reply.status === 200 ? parseEvent(text) : undefined
    if (!answer) throw recogniseReply({ ...reply, text, bound: false, nowMs: clock.now() })
    const failure = recogniseEvent(answer)
    if (failure) throw failure
    return answer
  } catch (error) {
    signal.throwIfAborted()
    if (timeout.aborted) throw new UpstreamError('first-event-timeout', { cause: error })
    throw error
  }
}

/** Tells a route that this site does not have from one that fails. */
export const isMissingRoute = (error: unknown): boolean =>
  error instanceof UpstreamError && error.kind === 'route-gone'
