import type { AccountHold } from './store.ts'

/** Of two requests on one account the one that ends last must not lift what the other found out. */
export function stricterHold(current: AccountHold | undefined, found: AccountHold): AccountHold {
  if (!current || current.type === found.type)
    return current && untilMs(current) > untilMs(found) ? current : found
  return current.type === 'signed-out' ? current : found
}

const untilMs = (hold: AccountHold): number =>
  hold.type === 'cooling' ? hold.untilMs : Number.POSITIVE_INFINITY
