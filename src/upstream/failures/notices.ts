import { UpstreamError, type UpstreamErrorOptions, type UpstreamFailureKind } from '../../core/errors.ts'

/** A notice is short; whatever is longer was written by a model. */
const maxNoticeLength = 300

interface Notice {
  readonly kind: UpstreamFailureKind
  readonly pattern: RegExp
}

/** Notices whose whole wording is known. Source: UPSTREAM 4.11 F1 to F5, 5.10 A2. */
const exactNotices: readonly Notice[] = [
  { kind: 'rate-limited', pattern: /^rate limit exceeded(?: cf\d)?\.?$/i },
  { kind: 'signed-out', pattern: /^not login\.?$/i },
  { kind: 'unavailable', pattern: /^internal server error\.?$/i },
  { kind: 'overloaded', pattern: /^server overloaded, please try again later\.?$/i },
  { kind: 'quota-spent', pattern: /^you['’]ve reached your free usage limit today\.?$/i },
  { kind: 'bad-request', pattern: /^bad request cf$/i },
]

/** Notices of which only a phrase is known. Source: UPSTREAM 4.11 F9, 5.10 A9 to A12, A14. The window comes before the
 *  rate: its notice may call itself a rate limit. */
const phraseNotices: readonly Notice[] = [
  { kind: 'route-gone', pattern: /feature has been retired/i },
  { kind: 'quota-spent', pattern: /积分已用完|used all your credits|run out of credits|CREDIT_EXHAUSTED/i },
  { kind: 'quota-spent', pattern: /^(?!.*approaching).*5-hour limit/is },
  { kind: 'quota-spent', pattern: /free usage limit/i },
  { kind: 'rate-limited', pattern: /too quickly|rate limit/i },
  { kind: 'signed-out', pattern: /not login/i },
  { kind: 'overloaded', pattern: /server overloaded/i },
  { kind: 'empty', pattern: /^sorry, i couldn['’]t produce a response|^the model declined to answer/i },
]

/** What a short text of the site says, `undefined` when it says nothing known.
 *  @param byModel  a model is named as its author: then only a whole notice counts, not a phrase in it */
export function recogniseNotice(text: string, { byModel = false } = {}): UpstreamError | undefined {
  const trimmed = unwrapped(text.trim())
  if (trimmed.length === 0 || trimmed.length > maxNoticeLength) return undefined
  const spoken = withoutQuotes(trimmed)
  const notice =
    exactNotices.find(({ pattern }) => pattern.test(trimmed)) ??
    (byModel ? undefined : phraseNotices.find(({ pattern }) => pattern.test(spoken)))
  return notice && new UpstreamError(notice.kind, notice.kind === 'quota-spent' ? resetTime(trimmed) : {})
}

/** A JSON string is its text. */
const unwrapped = (text: string): string => /^"([^"\\]*)"$/.exec(text)?.[1] ?? text

/** What is quoted is spoken about, not said. */
function withoutQuotes(text: string): string {
  return text.replace(/`[^`]*`|"[^"]*"|“[^”]*”|«[^»]*»|(?<!\w)'[^']*'(?!\w)/g, '')
}

/** `Resets {time:1790595239}`, in epoch seconds. Source: UPSTREAM 5.6. */
function resetTime(text: string): UpstreamErrorOptions {
  const seconds = /\{\s*"?time"?\s*:\s*(\d{9,11})\b/.exec(text)?.[1]
  return seconds === undefined ? {} : { resetAtMs: Number(seconds) * 1000 }
}
