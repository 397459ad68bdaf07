import type { AccountHold, CoolingKind } from '../store.ts'

/** How a hold lies in Redis: `signed-out:<since ms>` or `cooling:<until ms>:<kind>`. */
export function encodeHold(hold: AccountHold): string {
  return hold.type === 'signed-out' ? `signed-out:${hold.sinceMs}` : `cooling:${hold.untilMs}:${hold.kind}`
}

export function decodeHold(text: string): AccountHold {
  const [type, ms, kind] = text.split(':')
  if (type === 'signed-out') return { type, sinceMs: Number(ms) }
  // Written by `encodeHold` alone.
  return { type: 'cooling', kind: kind as CoolingKind, untilMs: Number(ms) }
}
