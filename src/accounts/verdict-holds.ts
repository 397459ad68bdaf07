import { accountLabel } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { AccountHold, Store } from '../store/store.ts'
import { backsOff, type CoolingHold, coolingHold } from './cooling-hold.ts'
import type { AccountVerdict, CoolDown } from './lease.ts'

export interface VerdictHoldsOptions {
  readonly store: Pick<Store, 'countRateLimit'>
  readonly clock: Clock
  readonly logger: Logger
  /** The longest back-off of our own. */
  readonly maxBackOffMs: number
}

export interface VerdictHolds {
  /** The hold to write for a verdict, logged; undefined leaves the account as it is.
   *  @param leasedMs  when the lease of the attempt began */
  holdFor(account: string, verdict: AccountVerdict, leasedMs: number): Promise<AccountHold | undefined>
}

export function createVerdictHolds({
  store,
  clock,
  logger,
  maxBackOffMs,
}: VerdictHoldsOptions): VerdictHolds {
  /** The last failure that counted, with how many there were in a row; one entry an account. */
  const counted = new Map<string, { readonly atMs: number; readonly inARow: Promise<number> }>()

  /** Attempts that were in flight together and fail together are one failure: ten must not double the wait ten times. */
  function failuresInARow(account: string, leasedMs: number): Promise<number> {
    const last = counted.get(account)
    if (last && leasedMs <= last.atMs) return last.inARow
    // A store that is away forgets the row, not the cool-down.
    const inARow = store.countRateLimit(account).catch(() => 1)
    counted.set(account, { atMs: clock.now(), inARow })
    return inARow
  }

  async function coolDown(account: string, verdict: CoolDown, leasedMs: number): Promise<CoolingHold> {
    const inARow = backsOff(verdict) ? await failuresInARow(account, leasedMs) : 1
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
            { account: label },
            'account is signed out: not used until it is replaced or checked good',
          )
          return { type: 'signed-out', sinceMs: clock.now() }
        default:
          return verdict satisfies never
      }
    },
  }
}
