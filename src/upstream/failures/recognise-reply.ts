import type { IncomingHttpHeaders } from 'node:http'
import { UpstreamError, type UpstreamErrorOptions, type UpstreamFailureKind } from '../../core/errors.ts'
import { parseEvent } from '../parse-event.ts'
import { recogniseNotice } from './notices.ts'
import { recogniseEvent, recogniseSpeaking } from './recognise-event.ts'
import { isPage, recognisePage } from './recognise-page.ts'

export interface ReplyEvidence {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The body, or its beginning; event stream framing is allowed. */
  readonly text: string
  /** The ask went on with a chat. */
  readonly bound: boolean
  /** Epoch ms, to read a `Retry-After` date. */
  readonly nowMs: number
}

/** The verdict on a reply that is no event stream with status 200. Pages speak before words, words before the status.
 *  Failures are recognised in one place for both generations: each has been seen with forms of the other.
 *  Source: UPSTREAM 8, 4.11, 5.10 */
export function recogniseReply({ status, headers, text, bound, nowMs }: ReplyEvidence): UpstreamError {
  const wait = retryAfter(headers['retry-after'], nowMs)
  const fail = (kind: UpstreamFailureKind, options: UpstreamErrorOptions = {}) =>
    new UpstreamError(kind, { ...wait, ...options })

  if (headers['cf-mitigated'] === 'challenge') return fail('challenged')
  const page = isPage(text)
  const spoken = page ? recognisePage(text) : recogniseWords(text)
  const saysNoMore = !page && spoken?.kind === 'unavailable' && status >= 500
  if (spoken && !saysNoMore) {
    return fail(spoken.kind, spoken.resetAtMs === undefined ? {} : { resetAtMs: spoken.resetAtMs })
  }
  if (status === 401) return fail('signed-out', { httpStatus: status })
  if (status === 429) return fail('rate-limited', { httpStatus: status })
  if (status === 403 || status === 418 || status === 419) return fail('token-refused', { httpStatus: status })
  if (status === 404 || status === 405 || status === 410) return fail('route-gone', { httpStatus: status })
  if (status === 500 && bound) return fail('binding-stale', { httpStatus: status })
  // An unknown page is the site's or its edge's own: no account is to blame.
  if (status >= 500) return fail('unavailable', page ? {} : { httpStatus: status })
  if (status >= 400) return fail('bad-request', { httpStatus: status })
  if (status === 200 && text.trim() === '') return fail(bound ? 'binding-stale' : 'empty')
  return fail('malformed')
}

/** The verdict on words that are no event of an answer: a line of text, one JSON object, or a body of events. */
export function recogniseWords(text: string): UpstreamError | undefined {
  const lines = Array.from(text.matchAll(/^data:(.*)$/gm), ([, data = '']) => data)
  for (const words of [text, ...lines]) {
    const object = parseEvent(words)
    const found = object ? (recogniseEvent(object) ?? recogniseSpeaking(object)) : recogniseNotice(words)
    if (found) return found
  }
  return undefined
}

/** `Retry-After` as seconds or as an HTTP date. */
function retryAfter(value: string | undefined, nowMs: number): UpstreamErrorOptions {
  if (value === undefined) return {}
  const delayMs = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isFinite(delayMs) && delayMs >= 0 ? { retryAfterMs: delayMs } : {}
}
