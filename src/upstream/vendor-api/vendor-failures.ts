import type { IncomingHttpHeaders } from 'node:http'
import { UpstreamError, type UpstreamErrorOptions, type UpstreamFailureKind } from '../../core/errors.ts'
import { isRecord, parseEvent } from '../decode-parts.ts'
import { isPage, type ReplyEvidence, recogniseReply, recogniseSpeaking, retryAfter } from '../failures.ts'

/** The wall before a key whose plan has no API, or whose credits are spent: HTTP 200 and an advertisement in the form of an
 *  answer, told by a header. Looked at before the body, on every route of a key. Source: WIRE 11.9
 *  @returns undefined where there is no wall */
export function recogniseCreditWall(headers: IncomingHttpHeaders, nowMs: number): UpstreamError | undefined {
  const code = headers['x-genspark-credit-wall']
  if (code === undefined) return undefined
  return wallOf(String(code), headers['x-genspark-upgrade-url'], retryAfter(headers['retry-after'], nowMs))
}

/** The same mark within a body, where whatever stands in between took the header away. No model writes beside its answer. */
export function recogniseWallMark({ x_genspark: mark }: Readonly<Record<string, unknown>>) {
  return isRecord(mark) && typeof mark.code === 'string' && wallCodes.has(mark.code)
    ? wallOf(mark.code, undefined, {})
    : undefined
}

const wallCodes: ReadonlySet<string> = new Set(['free_plan_block', 'credit_exhausted'])

/** A code that is not known is taken for spent credits, which rest the key and no more. */
function wallOf(code: string, upgradeUrl: unknown, wait: UpstreamErrorOptions): UpstreamError {
  const where = upgradeAddress(upgradeUrl)
  if (code.trim() !== 'free_plan_block') {
    const message = `The Genspark credits of the API key are spent${where}.`
    return new UpstreamError('quota-spent', { message, isCreditWall: true, ...wait })
  }
  const message = `The Genspark plan of the API key has no API${where}. Check the key again once it has one.`
  return new UpstreamError('plan-blocked', { message, retryable: false })
}

/** Where to get more, as the site names it; shown only when it is the site's own. */
function upgradeAddress(given: unknown): string {
  const url = typeof given === 'string' && given.length <= 500 ? URL.parse(given) : null
  return url?.protocol === 'https:' && /(?:^|\.)genspark\.ai$/.test(url.hostname) ? `: ${url.href}` : ''
}

/** The verdict on a reply to an API key that is neither a stream nor a result, where there is no other route to ask.
 *  Source: WIRE 11 */
export function recogniseVendorReply(evidence: ReplyEvidence): UpstreamError {
  const found = recogniseRouteReply(evidence)
  if (found.kind !== 'route-gone') return found
  // Another account may have the model or the tool: no verdict on this key.
  return new UpstreamError('malformed', {
    message: `Genspark does not have this model or tool for API keys (HTTP ${evidence.status}).`,
  })
}

/** The same; `route-gone` where another route may have what this one has not. Spent credits come with HTTP 200 and as a notice
 *  in some form; what means another thing for a session with a token is read as what it is for a key. */
export function recogniseRouteReply(evidence: ReplyEvidence): UpstreamError {
  const { status, text } = evidence
  if (status === 429 && evidence.headers['retry-after'] === undefined && !tellsOfSpentCredits(text)) {
    const retryAfterMs = waitInBody(text)
    if (retryAfterMs !== undefined)
      return new UpstreamError('rate-limited', { retryAfterMs, httpStatus: status })
  }
  if (!isPage(text) && (status === 402 || tellsOfSpentCredits(text))) return new UpstreamError('quota-spent')
  const found = recogniseReply({ ...evidence, text: withoutEnvelope(text), bound: false })
  if (found.kind !== 'token-refused') return found
  return new UpstreamError('unavailable', {
    message: `Genspark refuses this to the API key (HTTP ${status}).`,
    httpStatus: status,
  })
}

/** Seconds, in a line of its own or within an error. Source: WIRE 11.9 */
function waitInBody(text: string): number | undefined {
  for (const line of text.split('\n', 20)) {
    const object = parseEvent(line)
    for (const holder of [object, object?.error, object?.detail]) {
      const seconds = isRecord(holder) ? Number(holder.retry_after) : Number.NaN
      if (seconds > 0 && seconds < 86_400) return seconds * 1000
    }
  }
  return undefined
}

/** Anthropic's style puts its errors into an event like that of the site, which would outweigh the status. */
function withoutEnvelope(text: string): string {
  const object = parseEvent(text)
  return object?.type === 'error' && isRecord(object.error) ? JSON.stringify({ error: object.error }) : text
}

const tellsOfSpentCredits = (text: string): boolean => spentCredits.some((form) => form.test(text))

const spentCredits = [
  /genspark\.ai\/pricing/i,
  /\bcredits?\b[^.]{0,60}\b(?:exhausted|insufficient|used up)\b/i,
  /\b(?:insufficient|out of|no more|not enough)\b[^.]{0,30}\bcredits?\b/i,
  /\binsufficient_(?:quota|credits?)\b/i,
]

/** An error within the stream of either style speaks for the service, never for the model. @returns undefined for any other event */
export function recogniseStreamError(event: Readonly<Record<string, unknown>>): UpstreamError | undefined {
  const { error } = event
  if (error === undefined || error === null) return undefined
  if (tellsOfSpentCredits(JSON.stringify(error))) return new UpstreamError('quota-spent')
  const kind = isRecord(error) ? kinds.get(String(error.type ?? error.status)) : undefined
  return kind ? new UpstreamError(kind) : (recogniseSpeaking(event) ?? new UpstreamError('unavailable'))
}

/** By the type that the error names. Source: platform.claude.com/docs/en/api/errors */
const kinds: ReadonlyMap<string, UpstreamFailureKind> = new Map([
  ['overloaded_error', 'overloaded'],
  ['rate_limit_error', 'rate-limited'],
  ['authentication_error', 'signed-out'],
  ['billing_error', 'quota-spent'],
  ['invalid_request_error', 'bad-request'],
  ['request_too_large', 'bad-request'],
  ['not_found_error', 'malformed'],
  // Google's, by `status`. Source: cloud.google.com/apis/design/errors
  ['RESOURCE_EXHAUSTED', 'rate-limited'],
  ['UNAVAILABLE', 'overloaded'],
  ['UNAUTHENTICATED', 'signed-out'],
  ['INVALID_ARGUMENT', 'bad-request'],
  ['NOT_FOUND', 'malformed'],
])
