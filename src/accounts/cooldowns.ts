import { accountLabel } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { AccountHold, CoolingKind, Store } from '../store/store.ts'

/** What an attempt found out about its account. */
export type AccountVerdict =
  | { readonly type: 'keep' }
  | CoolDown
  | { readonly type: 'sign-out'; readonly reason?: 'plan-blocked' }

/** Without a time given the pool backs off by itself. */
export interface CoolDown {
  readonly type: 'cool-down'
  readonly kind: CoolingKind
  readonly retryAfterMs?: number
  /** In ms since the epoch. */
  readonly untilMs?: number
  /** Without a time: an hour at first, then longer each time, in the place of what the kind has. */
  readonly doubles?: true
}

export interface CooldownsOptions {
  readonly store: Pick<Store, 'countRateLimit'>
  readonly clock: Clock
  readonly logger: Logger
  /** The longest back-off of our own. */
  readonly maxBackOffMs: number
}

/** Turns verdicts on accounts into holds. */
export interface Cooldowns {
  /** The hold to store for a verdict, logged; undefined leaves the account as it is.
   *  @param account  its key, or the name of its hold for one use
   *  @param leasedMs  when the lease of the attempt began */
  holdFor(account: string, verdict: AccountVerdict, leasedMs: number): Promise<AccountHold | undefined>
}

/** No hold is shorter: the account would be asked again within the same moment. */
const shortestCoolDownMs = 1000

export function createCooldowns({ store, clock, logger, maxBackOffMs }: CooldownsOptions): Cooldowns {
  /** The last failure that counted, with how many there were in a row; one entry an account. */
  const counted = new Map<string, { readonly atMs: number; readonly inARow: Promise<number> }>()

  /** Attempts that were in flight together and fail together are one failure: ten must not double the wait ten times. */
  function failuresInARow(account: string, leasedMs: number): Promise<number> {
    const last = counted.get(account)
    if (last && leasedMs <= last.atMs) return last.inARow
    // An unreachable store forgets the failures in a row, not the cool-down.
    const inARow = store.countRateLimit(account).catch(() => 1)
    counted.set(account, { atMs: clock.now(), inARow })
    return inARow
  }

  async function coolDown(account: string, verdict: CoolDown, leasedMs: number): Promise<CoolingHold> {
    // Good answers make an end of the failures of chats alone: of pictures and videos none are counted.
    const isCounted = backsOff(verdict) && !account.includes(':')
    const inARow = isCounted ? await failuresInARow(account, leasedMs) : 1
    return coolingHold(verdict, { nowMs: clock.now(), failuresInARow: inARow, maxBackOffMs })
  }

  return {
    async holdFor(account, verdict, leasedMs) {
      const label = accountLabel(account)
      switch (verdict.type) {
        case 'keep':
          return undefined
        case 'cool-down': {
          const hold = await coolDown(account, verdict, leasedMs)
          const until = new Date(hold.untilMs).toISOString()
          logger.warn({ account: label, kind: hold.kind, until }, 'account cools down')
          return hold
        }
        case 'sign-out':
          logger.warn(
            { account: label, ...(verdict.reason && { reason: verdict.reason }) },
            verdict.reason === 'plan-blocked'
              ? 'the plan of this API key has no API: not used until it is replaced or checked good'
              : 'account is signed out: not used until it is replaced or checked good',
          )
          return {
            type: 'signed-out',
            sinceMs: clock.now(),
            ...(verdict.reason && { reason: verdict.reason }),
          }
        default:
          return verdict satisfies never
      }
    },
  }
}

export type CoolingHold = Extract<AccountHold, { type: 'cooling' }>

const firstBackOffMs = 30_000
/** When the site does not say when a spent quota comes back. */
const quotaCoolDownMs = 24 * 60 * 60 * 1000
/** Credits that are spent come back with a top-up, which may be soon or never. */
const firstCreditRestMs = 60 * 60 * 1000
/** No answer of the site puts an account aside for longer. */
const longestCoolDownMs = 31 * 24 * 60 * 60 * 1000

/** The hold that a cool-down verdict comes to. Pure.
 *  @param failuresInARow  this one included
 *  @param maxBackOffMs  RATE_LIMIT_COOKIE_LOCK_DURATION; bounds our own back-off, not a time that the site names */
export function coolingHold(
  verdict: CoolDown,
  { nowMs, failuresInARow, maxBackOffMs }: { nowMs: number; failuresInARow: number; maxBackOffMs: number },
): CoolingHold {
  const backOffMs = verdict.doubles
    ? Math.min(firstCreditRestMs * 2 ** (failuresInARow - 1), quotaCoolDownMs)
    : Math.min(firstBackOffMs * 2 ** (failuresInARow - 1), maxBackOffMs)
  const wantedMs = namedMs(verdict, nowMs) ?? backOffMs
  const coolDownMs = Math.min(Math.max(wantedMs, shortestCoolDownMs), longestCoolDownMs)
  return { type: 'cooling', kind: verdict.kind, untilMs: Math.ceil(nowMs + coolDownMs) }
}

/** How long the site tells us to wait. A reset time that is past by our clock is ignored: the account would be asked again at
 *  once, over and over. */
function namedMs({ kind, retryAfterMs, untilMs, doubles }: CoolDown, nowMs: number): number | undefined {
  if (untilMs !== undefined) return untilMs > nowMs ? untilMs - nowMs : undefined
  if (retryAfterMs !== undefined) return retryAfterMs
  return kind === 'quota-spent' && !doubles ? quotaCoolDownMs : undefined
}

/** Whether the wait grows with each failure in a row; a quota has its own time. */
const backsOff = ({ kind, doubles }: CoolDown): boolean => kind === 'rate-limited' || doubles === true
