import type { SavedAccount } from './saved-accounts.ts'
import type { AccountHold, AccountState } from './store.ts'

/** What the store of one process knows of an account. */
export interface AccountEntry {
  readonly account: string
  inFlight: number
  lastTurn: number
  hold: AccountHold | undefined
  rateLimits: number
}

export const entryOf = ({ account, hold, rateLimits }: SavedAccount): AccountEntry => ({
  account,
  inFlight: 0,
  lastTurn: 0,
  hold,
  rateLimits,
})

/** The hold as of now; one that has run out is forgotten. */
export function currentHold(entry: AccountEntry, nowMs: number): AccountHold | undefined {
  if (entry.hold?.type === 'cooling' && entry.hold.untilMs <= nowMs) entry.hold = undefined
  return entry.hold
}

/** Reads only: looking at an account changes nothing. */
export function stateOf(entry: AccountEntry | undefined, nowMs: number): AccountState {
  if (!entry) return { inFlight: 0 }
  const { inFlight, hold } = entry
  if (!hold || (hold.type === 'cooling' && hold.untilMs <= nowMs)) return { inFlight }
  return { inFlight, hold }
}
