import type { AccountHold } from '../store/store.ts'
import type { CoolDown } from './lease.ts'

export type CoolingHold = Extract<AccountHold, { type: 'cooling' }>

const firstBackOffMs = 30_000
/** A spent quota of which the site does not say when it comes back (DESIGN 3). */
const quotaCoolDownMs = 24 * 60 * 60 * 1000
/** No answer of the site keeps an account away for longer. */
const longestCoolDownMs = 31 * 24 * 60 * 60 * 1000

/** The hold that a cool-down verdict comes to.
 *  @param failuresInARow  this one included
 *  @param maxBackOffMs  RATE_LIMIT_COOKIE_LOCK_DURATION; bounds our own back-off, not a time that the site names */
export function coolingHold(
  verdict: CoolDown,
  { nowMs, failuresInARow, maxBackOffMs }: { nowMs: number; failuresInARow: number; maxBackOffMs: number },
): CoolingHold {
  const backOffMs = Math.min(firstBackOffMs * 2 ** (failuresInARow - 1), maxBackOffMs)
  const coolDownMs = Math.min(namedMs(verdict, nowMs) ?? backOffMs, longestCoolDownMs)
  return { type: 'cooling', kind: verdict.kind, untilMs: Math.ceil(nowMs + coolDownMs) }
}

/** How long to wait by the site's own word. A reset time that is past by our clock is no word: the account would be asked
 *  again at once, and again. */
function namedMs({ kind, retryAfterMs, untilMs }: CoolDown, nowMs: number): number | undefined {
  if (untilMs !== undefined) return untilMs > nowMs ? untilMs - nowMs : undefined
  if (retryAfterMs !== undefined) return Math.max(retryAfterMs, 0)
  return kind === 'quota-spent' ? quotaCoolDownMs : undefined
}

/** Whether the wait grows when it happens again and again; a quota has its own time. */
export const backsOff = ({ kind }: CoolDown): boolean => kind !== 'quota-spent'
