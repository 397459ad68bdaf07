import type { IncomingHttpHeaders } from 'node:http'
import { UpstreamError, type UpstreamErrorOptions, type UpstreamFailureKind } from '../core/errors.ts'
import { isRecord, type MessageResult, parseEvent, parseMessageResult } from './decode-parts.ts'

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

/** The verdict on a reply that is no event stream with status 200. Pages count before words, words before the status.
 *  Failures are recognised in one place for both generations: each has been seen with forms of the other.
 *  Source: WIRE 8, 4.11, 5.10 */
export function recogniseReply({ status, headers, text, bound, nowMs }: ReplyEvidence): UpstreamError {
  const wait = retryAfter(headers['retry-after'], nowMs)
  const fail = (kind: UpstreamFailureKind, options: UpstreamErrorOptions = {}) =>
    new UpstreamError(kind, { ...wait, ...options })

  if (headers['cf-mitigated'] === 'challenge') return fail('challenged')
  const page = isPage(text)
  const spoken = page ? recognisePage(text) : recogniseWords(text)
  const saysNoMore = !page && spoken?.kind === 'unavailable' && status >= 500
  // What refuses a request may quote it.
  const quotes = refusesRequest.has(status) && spoken?.isHearsay
  if (spoken && !saysNoMore && !quotes) {
    return fail(spoken.kind, { isHearsay: spoken.isHearsay, ...detailsOf(spoken) })
  }
  if (status === 401) return fail('signed-out', { httpStatus: status })
  if (status === 429) return fail('rate-limited', { httpStatus: status })
  if (status === 403 || status === 418 || status === 419) return fail('token-refused', { httpStatus: status })
  if (status === 404 || status === 405 || status === 410) return fail('route-gone', { httpStatus: status })
  if (status === 500 && bound) return fail('binding-stale', { httpStatus: status })
  // An unknown page is the site's or its edge's own: no account is to blame.
  if (status >= 500) return fail('unavailable', page ? {} : { httpStatus: status })
  if (refusesRequest.has(status)) return fail('bad-request', { httpStatus: status })
  if (tellsOfConnection.has(status)) return fail('reset', { httpStatus: status })
  // Whatever else is refused, another account may be given.
  if (status >= 400) return fail('unavailable', { httpStatus: status })
  if (status === 200 && text.trim() === '') return fail(bound ? 'binding-stale' : 'empty')
  return fail('malformed')
}

/** The request itself is at fault: every account would get the same. */
const refusesRequest: ReadonlySet<number> = new Set([400, 413, 414, 415, 422])

/** Of the connection, such as an idle one that the server gives up as the request arrives. */
const tellsOfConnection: ReadonlySet<number> = new Set([408, 421, 425, 499])

/** The verdict on words that are no event of an answer: a line of text, one JSON object, or a body of events. */
export function recogniseWords(text: string): UpstreamError | undefined {
  const lines = Array.from(text.matchAll(/^data:(.*)$/gm), ([, data = '']) => data)
  for (const words of [text, ...lines]) {
    const object = parseEvent(words)
    const found = object ? recogniseObject(object) : recogniseNotice(words)
    if (found) return found
  }
  return undefined
}

/** An event in the place of a stream, or an object of the site's own. */
function recogniseObject(object: Readonly<Record<string, unknown>>): UpstreamError | undefined {
  if (object.type === 'message_result') return recogniseMessageResult(object, parseMessageResult(object))
  const found = recogniseEvent(object) ?? recogniseLimit(object)
  // The fields of any other event are part of an answer.
  return found ?? (typeof object.type === 'string' ? undefined : recogniseSpeaking(object))
}

/** `Retry-After` as seconds or as an HTTP date. */
export function retryAfter(value: string | undefined, nowMs: number): UpstreamErrorOptions {
  if (value === undefined) return {}
  const delayMs = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isFinite(delayMs) && delayMs >= 0 ? { retryAfterMs: delayMs } : {}
}

/** What an HTML page in place of an answer is; `undefined` for text that is no page.
 *  Source: WIRE 4.11 F6 to F8, 5.10 A3 */
export function recognisePage(text: string): UpstreamError | undefined {
  if (!isPage(text)) return undefined
  if (challengeMarks.some((mark) => mark.test(text))) return new UpstreamError('challenged')
  if (serviceMarks.filter((mark) => mark(text)).length >= 3) return new UpstreamError('unavailable')
  return undefined
}

export const isPage = (text: string): boolean => /^\s*<(?:!doctype|html)\b/i.test(text)

const challengeMarks = [
  /block_headline|you have been blocked/i,
  /<title>\s*(?:Just a moment|Attention Required)/i,
  /_cf_chl_opt/,
  /challenge-platform/,
  /<meta\b[^>]*http-equiv=["']?refresh/i,
]

const serviceMarks: readonly ((text: string) => boolean)[] = [
  (text) => /<title>\s*Genspark\s*<\/title>/i.test(text),
  (text) => text.includes('Service Unavailable'),
  (text) =>
    (text.match(/class="(?:bb|s[123])"/g) ?? [])
      .join()
      .includes('class="bb",class="s1",class="s2",class="s3"'),
  (text) => text.includes('genspark_logo.png'),
  (text) => /gensparkpublicblob-cdn[\w.-]*azurefd\.net/.test(text),
  (text) => /<div class="tt">\s*Service Unavailable\s*<\/div>/.test(text),
]

/** What a JSON object says that is no part of an answer: an `error` event, a `{"status":-5}` object, a quota action.
 *  Looks at its structure and at the fields that speak for the site, never at an answer's text.
 *  Source: WIRE 4.11 F2, F5; 5.10 A1, A10, A13, A14 */
export function recogniseEvent(event: Readonly<Record<string, unknown>>): UpstreamError | undefined {
  if (isOfSpeaker(event)) return undefined
  if (isQuotaAction(event)) return new UpstreamError('quota-spent')
  if (typeof event.type === 'string' && event.type !== 'error') return undefined
  if (event.status === -5) return new UpstreamError('signed-out')
  if (event.status === -8) return new UpstreamError('quota-spent')
  return recogniseSpeaking(event) ?? (event.type === 'error' ? new UpstreamError('unavailable') : undefined)
}

/** The same for a `message_result` that comes before any text: its content may be a notice in the place of an answer. A user's
 *  or a tool's message says nothing about the account, nor does one that names the model which wrote it. What is left may
 *  still be an answer, so its words alone prove nothing (`isHearsay`). Source: WIRE 4.11, 5.4, 5.10 */
export function recogniseMessageResult(
  event: Readonly<Record<string, unknown>>,
  { content, byModel, ofAssistant }: MessageResult,
): UpstreamError | undefined {
  if (!ofAssistant) return undefined
  if (isQuotaAction(event)) return new UpstreamError('quota-spent')
  return byModel ? undefined : asHearsay(recogniseNotice(content))
}

const asHearsay = (error: UpstreamError | undefined): UpstreamError | undefined =>
  error && new UpstreamError(error.kind, { isHearsay: true, ...detailsOf(error) })

const detailsOf = ({ resetAtMs, said }: UpstreamError): UpstreamErrorOptions => ({
  ...(resetAtMs !== undefined && { resetAtMs }),
  ...(said !== undefined && { said }),
})

/** The quota flags of a `message_result`, at the top (gen 1) or in its `message` (gen 2). */
function isQuotaAction(event: Readonly<Record<string, unknown>>): boolean {
  const { action, session_state: state } = isRecord(event.message) ? event.message : event
  return (
    (isRecord(action) && action.type === 'ACTION_QUOTA_EXCEEDED') ||
    (isRecord(state) && state.consume_usage_quota_exceeded === true)
  )
}

/** A message of a tool, a user or whoever else has a role in the chat: the site says nothing in it. */
const isOfSpeaker = ({ role }: Readonly<Record<string, unknown>>): boolean =>
  typeof role === 'string' && role !== 'assistant'

// biome-ignore format: a list to be read as one
const speakingFields = [
  'message', 'error', 'detail', 'content', 'reason', 'field_value', 'value', 'code', 'error_code', 'error_message',
]

/** Codes, which nobody says by chance. Source: WIRE 5.10 A10 */
const codes: ReadonlySet<string> = new Set(['CREDIT_EXHAUSTED'])

/** Tests the texts of the fields in which an error speaks, also within objects. For an object that is no part of an answer. */
export function recogniseSpeaking(
  object: Readonly<Record<string, unknown>>,
  depth = 0,
): UpstreamError | undefined {
  if (isOfSpeaker(object)) return undefined
  for (const field of speakingFields) {
    const value = object[field]
    const found =
      typeof value === 'string'
        ? codes.has(value)
          ? new UpstreamError('quota-spent')
          : recogniseNotice(value)
        : isRecord(value) && depth < 2
          ? recogniseSpeaking(value, depth + 1)
          : undefined
    if (found) return found
  }
  return undefined
}

/** How much of the site's words a record of the request keeps. */
const maxSaidLength = 200

/** Notices are short; longer text was written by a model. */
const maxNoticeLength = 300

interface Notice {
  readonly kind: UpstreamFailureKind
  readonly pattern: RegExp
}

/** Notices whose whole wording is known. Source: WIRE 4.11 F1 to F5, 5.10 A2. */
const exactNotices: readonly Notice[] = [
  { kind: 'rate-limited', pattern: /^rate limit exceeded(?: cf\d)?\.?$/i },
  { kind: 'signed-out', pattern: /^not login\.?$/i },
  { kind: 'unavailable', pattern: /^internal server error\.?$/i },
  { kind: 'overloaded', pattern: /^server overloaded, please try again later\.?$/i },
  { kind: 'quota-spent', pattern: /^you['’]ve reached your free usage limit today\.?$/i },
  { kind: 'bad-request', pattern: /^bad request cf$/i },
]

/** Notices of which only a phrase is known. Source: WIRE 4.11 F9, 5.10 A9 to A12, A14. The window comes before the
 *  rate: its notice may call itself a rate limit. No phrase tells that an account is signed out: `not login` stands in what
 *  tools and people say of other services. */
const phraseNotices: readonly Notice[] = [
  { kind: 'route-gone', pattern: /feature has been retired/i },
  { kind: 'quota-spent', pattern: /积分已用完|used all your credits|run out of credits|CREDIT_EXHAUSTED/i },
  { kind: 'quota-spent', pattern: /^(?!.*approaching).*5-hour limit/is },
  { kind: 'quota-spent', pattern: /free usage limit/i },
  { kind: 'rate-limited', pattern: /too quickly|rate limit/i },
  { kind: 'overloaded', pattern: /server overloaded/i },
  { kind: 'empty', pattern: /^sorry, i couldn['’]t produce a response|^the model declined to answer/i },
]

/** What a short text of the site says, `undefined` when it says nothing known. A phrase in it is hearsay. */
export function recogniseNotice(text: string): UpstreamError | undefined {
  const trimmed = unwrapped(text.trim())
  if (trimmed.length === 0 || trimmed.length > maxNoticeLength) return undefined
  const exact = exactNotices.find(({ pattern }) => pattern.test(trimmed))
  const said = trimmed.slice(0, maxSaidLength)
  if (exact) return new UpstreamError(exact.kind, { said })
  const spoken = withoutQuotes(trimmed)
  const phrase = phraseNotices.find(({ pattern }) => pattern.test(spoken))
  if (!phrase) return undefined
  return new UpstreamError(phrase.kind, {
    isHearsay: true,
    said,
    ...(phrase.kind === 'quota-spent' && resetTime(trimmed)),
  })
}

/** What the site's own limit field says. Nobody else writes there, so a phrase is enough.
 *  That a window is near counts as well, since the limit counts only where no result came. Source: WIRE 5.6, limit event */
export function recogniseLimit({
  field_name,
  field_value,
}: Readonly<Record<string, unknown>>): UpstreamError | undefined {
  const text = isRecord(field_value) ? field_value.value : field_value
  if (field_name !== limitField || typeof text !== 'string') return undefined
  const found = recogniseNotice(text)
  const kind = found?.kind ?? (/\blimit\b/i.test(text) ? 'quota-spent' : undefined)
  if (kind === undefined) return undefined
  const known = found?.resetAtMs !== undefined || kind !== 'quota-spent'
  return new UpstreamError(kind, {
    said: text.slice(0, maxSaidLength),
    ...(known ? found && detailsOf(found) : { retryAfterMs: unnamedWindowMs }),
  })
}

/** Where the site tells of a used-up window. Source: WIRE 5.6 */
export const limitField = 'session_state.session_limit_message'

/** How long a window counts as used up that does not say when it opens again. */
const unnamedWindowMs = 30 * 60 * 1000

/** A JSON string is its text. */
const unwrapped = (text: string): string => /^"([^"\\]*)"$/.exec(text)?.[1] ?? text

/** Quoted text is talked about, not said. */
function withoutQuotes(text: string): string {
  return text.replace(/`[^`]*`|"[^"]*"|“[^”]*”|«[^»]*»|(?<!\w)'[^']*'(?!\w)/g, '')
}

/** `Resets {time:1790595239}`, in epoch seconds. Source: WIRE 5.6. */
function resetTime(text: string): UpstreamErrorOptions {
  const seconds = /\{\s*"?time"?\s*:\s*(\d{9,11})\b/.exec(text)?.[1]
  return seconds === undefined ? {} : { resetAtMs: Number(seconds) * 1000 }
}
