import type { AccountVerdict, CoolDown } from '../accounts/cooldowns.ts'
import type { Account } from '../core/account.ts'
import type { UpstreamError, UpstreamFailureKind } from '../core/errors.ts'

/** `retry`: ask once more, on the same account if it is the one chosen. `switch`: another account. `fail`: tell the client. */
export type NextMove = 'fail' | 'retry' | 'switch'

export interface AttemptHistory {
  /** What went wrong before, oldest first, without the failure that is judged now. */
  readonly earlier: readonly UpstreamFailureKind[]
  /** How many more accounts the request may try. */
  readonly accountsLeft: number
  /** The failure may well be this account's alone (`mayBeOneAccounts`). Default false. */
  readonly oneAccounts?: boolean
}

/** What to do about a failure that came before the commit point. Pure. The whole table: docs/ARCHITECTURE.md, Promises. */
export function nextMove(
  kind: UpstreamFailureKind,
  { earlier, accountsLeft, oneAccounts = false }: AttemptHistory,
): NextMove {
  const seen = earlier.filter((each) => each === kind).length
  const mayTryAnother = accountsLeft > 0
  switch (kind) {
    case 'rate-limited':
    case 'quota-spent':
    case 'signed-out':
    case 'plan-blocked':
    case 'empty':
    case 'malformed':
    case 'reset':
    case 'token-missing':
      return mayTryAnother ? 'switch' : 'fail'
    case 'overloaded':
    case 'unavailable':
      return (seen === 0 || oneAccounts) && mayTryAnother ? 'switch' : 'fail'
    case 'token-refused':
      if (seen === 0) return 'retry'
      return mayTryAnother ? 'switch' : 'fail'
    case 'binding-stale':
    case 'route-gone':
      return seen === 0 ? 'retry' : 'fail'
    case 'challenged':
      return oneAccounts && mayTryAnother ? 'switch' : 'fail'
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

/** Whether a failure comes of what this account has to itself: its proxy, or how the site treats it. Pure. */
export function mayBeOneAccounts(error: UpstreamError, account: Account): boolean {
  if (account.proxyUrl !== undefined) return true
  return error.kind === 'unavailable' && error.httpStatus !== undefined && error.httpStatus < 500
}

/** One short rest: long enough that the next request goes elsewhere, short enough to do no harm where it was unjust. */
const shortRestMs = 30_000
/** Whatever wait the site names: it may have been everybody's after all. */
const longestSuspicionMs = 600_000

/** What a failure proves about the account that it came to. Only the site's own verdicts count: words that anybody may have
 *  written (`isHearsay`) rest it shortly, whatever they say. Pure. */
export function judgeAccount(error: UpstreamError): AccountVerdict {
  switch (error.kind) {
    case 'rate-limited':
      if (error.isHearsay) return { type: 'cool-down', kind: 'rate-limited', retryAfterMs: shortRestMs }
      return { type: 'cool-down', kind: 'rate-limited', ...given('retryAfterMs', error.retryAfterMs) }
    case 'quota-spent':
      if (error.isHearsay) return { type: 'cool-down', kind: 'quota-spent', retryAfterMs: shortRestMs }
      return {
        type: 'cool-down',
        kind: 'quota-spent',
        ...given('untilMs', error.resetAtMs),
        ...given('retryAfterMs', error.retryAfterMs),
        ...(error.isCreditWall && { doubles: true }),
      }
    case 'signed-out':
      return { type: 'sign-out' }
    case 'plan-blocked':
      return { type: 'sign-out', reason: 'plan-blocked' }
    default:
      return { type: 'keep' }
  }
}

/** What the account is rested for as soon as another one answers the same request. Until then the fault may be everybody's,
 *  and an outage of the site must put nobody away. Pure. @returns undefined where nothing speaks against the account */
export function suspectAccount(
  error: UpstreamError,
  earlier: readonly UpstreamFailureKind[],
): CoolDown | undefined {
  switch (error.kind) {
    case 'token-refused':
      // The first may have been the token's own fault.
      if (!earlier.includes('token-refused')) return undefined
      return { type: 'cool-down', kind: 'unavailable', retryAfterMs: shortRestMs }
    case 'unavailable':
    case 'token-missing':
    case 'challenged':
      return {
        type: 'cool-down',
        kind: 'unavailable',
        retryAfterMs: Math.min(error.retryAfterMs ?? shortRestMs, longestSuspicionMs),
      }
    default:
      return undefined
  }
}

/** Nothing was wrong with the account, so that it may be asked again where there is no other. */
export function mayAskSameAccount(kind: UpstreamFailureKind): boolean {
  return kind === 'empty' || kind === 'malformed' || kind === 'reset'
}

function given<Name extends string>(name: Name, value: number | undefined): { [Key in Name]?: number } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]: number })
}
