import type { Clock } from '../../core/clock.ts'

/** So many calls that make something the vendor takes of a key in a minute. Source: WIRE 11.9 */
const callsPerMinute = 60
const minuteMs = 60_000

export interface CallPace {
  /** Counts a call of the key, or tells how long none is taken. @returns ms; 0: it is counted */
  take(accountKey: string): number
}

/** Keeps the calls of each key within what the vendor takes, so that none is refused for its pace: one that is too many goes to
 *  another account, or waits. */
export function createCallPace(clock: Pick<Clock, 'now'>): CallPace {
  const calls = new Map<string, number[]>()

  return {
    take(accountKey) {
      const nowMs = clock.now()
      // A clock that was set back leaves no call in the future.
      const recent = (calls.get(accountKey) ?? []).filter((atMs) => atMs > nowMs - minuteMs && atMs <= nowMs)
      calls.set(accountKey, recent)
      const [oldest] = recent
      if (oldest !== undefined && recent.length >= callsPerMinute) return oldest + minuteMs - nowMs
      recent.push(nowMs)
      return 0
    },
  }
}
