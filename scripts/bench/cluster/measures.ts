import type { Use } from './ledger.ts'
import type { ClusterRecord } from './run-cluster.ts'

/** What a run comes to; all but the accounts of the whole run is of the measured time. */
export interface Measures {
  readonly replicas: number
  readonly accounts: number
  readonly leasesPerSecond: number
  /** From the asking for an account to its lease, a wait for a free one included. */
  readonly leaseMs: { readonly p50: number; readonly p99: number }
  /** What one request, a lease and its release, costs Redis. */
  readonly perRequest: {
    readonly roundTrips: number
    readonly commands: number
    readonly cpuUs: number
    /** Within scripts, by Redis's own stop-watch: waiting for a core is in it. */
    readonly scriptUs: number
  }
  /** Of its one thread, from 0 to 1. */
  readonly redisLoad: number
  readonly redisMemoryBytes: number
  readonly fairness: Fairness
  readonly check: Check
}

/** Leases of an account, over all accounts. */
export interface Fairness {
  readonly min: number
  readonly max: number
  /** Standard deviation over mean. */
  readonly variation: number
  /** The same if each lease went to an account by the throw of a die. */
  readonly variationOfChance: number
}

export interface Check {
  readonly leases: number
  readonly releases: number
  /** Leases whose process was killed while it held them. */
  readonly cutOff: number
  readonly doubleUses: number
  readonly leftInFlight: number
  readonly lost: number
  readonly failures: Readonly<Record<string, number>>
}

export function measure(record: ClusterRecord): Measures {
  const [before, after] = record.readings
  const { replicas, accounts } = record.run
  const seen = between(record.uses, before.atMs, after.atMs)
  const spanMs = after.atMs - before.atMs
  const perRequest = (total: number) => total / Math.max(seen.length, 1)
  const waits = seen.map(({ askedMs, beganMs }) => beganMs - askedMs).toSorted((a, b) => a - b)
  const cpuUs = after.cpuUs - before.cpuUs
  return {
    replicas,
    accounts,
    leasesPerSecond: rate(record.uses, before.atMs, after.atMs),
    leaseMs: { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99) },
    perRequest: {
      roundTrips: perRequest(after.roundTrips - before.roundTrips),
      commands: perRequest(after.commands - before.commands),
      cpuUs: perRequest(cpuUs),
      scriptUs: perRequest(after.scriptUs - before.scriptUs),
    },
    redisLoad: cpuUs / 1000 / spanMs,
    redisMemoryBytes: after.memoryBytes,
    fairness: fairnessOf(seen, accounts),
    check: {
      leases: record.uses.length,
      releases: record.uses.filter(({ endedMs }) => endedMs !== undefined).length,
      cutOff: record.cutOff.length,
      doubleUses: record.doubleUses,
      leftInFlight: record.leftInFlight,
      lost: record.lost,
      failures: record.failures,
    },
  }
}

export const between = (uses: readonly Use[], fromMs: number, toMs: number): readonly Use[] =>
  uses.filter(({ beganMs }) => beganMs >= fromMs && beganMs < toMs)

/** Leases per second. */
export function rate(uses: readonly Use[], fromMs: number, toMs: number): number {
  return (between(uses, fromMs, toMs).length * 1000) / (toMs - fromMs)
}

/** @param sorted  ascending */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? 0
}

function fairnessOf(uses: readonly Use[], accounts: number): Fairness {
  const counts = new Array<number>(accounts).fill(0)
  for (const { account } of uses) counts[account] = (counts[account] ?? 0) + 1
  const mean = Math.max(uses.length, 1) / accounts
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / accounts
  return {
    min: counts.reduce((a, b) => Math.min(a, b)),
    max: counts.reduce((a, b) => Math.max(a, b)),
    variation: Math.sqrt(variance) / mean,
    variationOfChance: Math.sqrt((1 - 1 / accounts) / mean),
  }
}
