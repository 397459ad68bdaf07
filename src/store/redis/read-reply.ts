import type { AccountState, LeaseAnswer } from '../store.ts'
import { decodeHold } from './hold-text.ts'
import type { Reply } from './redis-scripts.ts'

/** Of `lease`. @returns undefined when Redis does not know the pools */
export function readLeaseAnswer(reply: Reply, leaseId: string): LeaseAnswer | undefined {
  const [type, found, chatId] = itemsOf(reply)
  if (type === 'leased')
    return { type, account: String(found), leaseId, ...(typeof chatId === 'string' && { chatId }) }
  if (type === 'cooling') return { type, untilMs: Number(found) }
  return type === 'busy' || type === 'none' ? { type } : undefined
}

/** Of `account-states`, for these accounts. */
export function readStates(reply: Reply, accounts: readonly string[]): ReadonlyMap<string, AccountState> {
  const [nowMs, inFlight, holds] = itemsOf(reply)
  const counts = readPairs(inFlight)
  const held = readPairs(holds)
  const stateOf = (account: string): AccountState => {
    const text = held.get(account)
    const hold = text === undefined ? undefined : decodeHold(text)
    const hasEnded = hold?.type === 'cooling' && hold.untilMs <= Number(nowMs)
    return { inFlight: Number(counts.get(account) ?? 0), ...(hold && !hasEnded && { hold }) }
  }
  return new Map(accounts.map((account) => [account, stateOf(account)]))
}

/** Of `[key, value, ...]`. */
export function readPairs(reply: Reply | undefined): ReadonlyMap<string, string> {
  const flat = itemsOf(reply)
  const map = new Map<string, string>()
  for (let index = 0; index < flat.length; index += 2) map.set(String(flat[index]), String(flat[index + 1]))
  return map
}

export const itemsOf = (reply: Reply | undefined): readonly Reply[] =>
  typeof reply === 'object' && reply !== null ? reply : []
