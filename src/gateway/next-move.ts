import type { AccountVerdict } from '../accounts/cooldowns.ts'
import type { UpstreamError, UpstreamFailureKind } from '../core/errors.ts'

/** `retry`: ask once more, on the same account if it is the one chosen. `switch`: another account. `fail`: tell the client. */
export type NextMove = 'fail' | 'retry' | 'switch'

export interface AttemptHistory {
  /** What went wrong before, oldest first, without the failure that is judged now. */
  readonly earlier: readonly UpstreamFailureKind[]
  /** How many more accounts the request may try. */
  readonly accountsLeft: number
}

/** What to do about a failure that came before the commit point. Pure. Source: DESIGN 3, "Failure kinds and moves". */
export function nextMove(kind: UpstreamFailureKind, { earlier, accountsLeft }: AttemptHistory): NextMove {
  const seen = earlier.filter((each) => each === kind).length
  const mayTryAnother = accountsLeft > 0
  switch (kind) {
    case 'rate-limited':
    case 'quota-spent':
    case 'signed-out':
    case 'empty':
    case 'malformed':
    case 'reset':
      return mayTryAnother ? 'switch' : 'fail'
    case 'overloaded':
    case 'unavailable':
      return seen === 0 && mayTryAnother ? 'switch' : 'fail'
    case 'token-refused':
      if (seen === 0) return 'retry'
      return mayTryAnother ? 'switch' : 'fail'
    case 'binding-stale':
    case 'route-gone':
      return seen === 0 ? 'retry' : 'fail'
    case 'challenged':
    case 'bad-request':
    case 'event-too-large':
    case 'first-event-timeout':
    case 'idle-timeout':
    case 'total-timeout':
      return 'fail'
    default:
      return kind satisfies never
  }
}

/** What a failure means for the account that it came to. Only the site's own verdicts count, never a model's words. Pure. */
export function judgeAccount(error: UpstreamError): AccountVerdict {
  switch (error.kind) {
    case 'rate-limited':
      return { type: 'cool-down', kind: 'rate-limited', ...given('retryAfterMs', error.retryAfterMs) }
    case 'quota-spent':
      return { type: 'cool-down', kind: 'quota-spent', ...given('untilMs', error.resetAtMs) }
    case 'unavailable':
      // A bare 5xx may be this account's; the service page is the site's own.
      if (error.httpStatus === undefined) return { type: 'keep' }
      return { type: 'cool-down', kind: 'unavailable', ...given('retryAfterMs', error.retryAfterMs) }
    case 'signed-out':
      return { type: 'sign-out' }
    default:
      return { type: 'keep' }
  }
}

/** Nothing was wrong with the account, so that it may be asked again where there is no other. */
export function mayAskSameAccount(kind: UpstreamFailureKind): boolean {
  return kind === 'empty' || kind === 'malformed' || kind === 'reset'
}

function given<Name extends string>(name: Name, value: number | undefined): { [Key in Name]?: number } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]: number })
}
