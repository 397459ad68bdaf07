import type { Use } from './ledger.ts'
import { between, type Measures, measure, rate } from './measures.ts'
import type { ClusterRecord } from './run-cluster.ts'
import { longestHold } from './simulated-replica.ts'

/** What the sudden end of some replicas did to the others. */
export interface Deaths extends Measures {
  readonly killedReplicas: number
  readonly leaseSeconds: number
  /** Leases per second: before the kill, while the accounts of the dead are away, and when they are back. */
  readonly before: number
  readonly meanwhile: number
  readonly after: number
  /** The longest time in which nobody got a lease, from the kill on. */
  readonly longestPauseMs: number
  /** Seconds from the kill to the next lease of an account that a dead replica held: the first, and the last. */
  readonly back: { readonly accounts: number; readonly first: number; readonly last: number }
  /** Leases in each second of the measured time. */
  readonly timeline: readonly number[]
  /** At which of its seconds the kill fell. */
  readonly killedAt: number
}

export function measureDeaths(record: ClusterRecord): Deaths {
  const { run, uses, cutOff, killedMs, readings } = record
  if (killedMs === undefined) throw new Error('nobody was killed')
  const [{ atMs: startMs }, { atMs: endMs }] = readings
  const lapseMs = killedMs + run.leaseMs
  const firstLapseMs = Math.max(lapseMs - longestHold * run.holdMs, killedMs)
  const backAfter = secondsToNextUse(cutOff, uses, killedMs).toSorted((a, b) => a - b)
  return {
    ...measure(record),
    killedReplicas: run.replicas / run.processes,
    leaseSeconds: run.leaseMs / 1000,
    before: rate(uses, startMs, killedMs),
    meanwhile: rate(uses, killedMs, firstLapseMs),
    after: rate(uses, lapseMs, endMs),
    longestPauseMs: longestPause([killedMs, ...between(uses, killedMs, endMs).map(({ beganMs }) => beganMs)]),
    back: { accounts: backAfter.length, first: backAfter[0] ?? 0, last: backAfter.at(-1) ?? 0 },
    timeline: timelineOf(
      uses.map(({ beganMs }) => beganMs),
      startMs,
      endMs,
    ),
    killedAt: (killedMs - startMs) / 1000,
  }
}

/** Of the accounts that were in use when their holder died, from then on. */
function secondsToNextUse(cutOff: readonly Use[], uses: readonly Use[], killedMs: number): readonly number[] {
  const later = uses.filter(({ beganMs }) => beganMs > killedMs).toSorted((a, b) => a.beganMs - b.beganMs)
  return cutOff.flatMap(({ account }) => {
    const next = later.find((use) => use.account === account)
    return next ? [(next.beganMs - killedMs) / 1000] : []
  })
}

function longestPause(timesMs: readonly number[]): number {
  const sorted = timesMs.toSorted((a, b) => a - b)
  return sorted.reduce((longest, atMs, index) => Math.max(longest, atMs - (sorted[index - 1] ?? atMs)), 0)
}

function timelineOf(timesMs: readonly number[], startMs: number, endMs: number): readonly number[] {
  const seconds = new Array<number>(Math.floor((endMs - startMs) / 1000)).fill(0)
  for (const atMs of timesMs) {
    const second = Math.floor((atMs - startMs) / 1000)
    if (second in seconds) seconds[second] = (seconds[second] ?? 0) + 1
  }
  return seconds
}
