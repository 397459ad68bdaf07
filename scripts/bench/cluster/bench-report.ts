import type { CommandCosts } from './command-costs.ts'
import type { Deaths } from './measure-deaths.ts'
import type { Measures } from './measures.ts'

/** All that a bench found out; `--json` prints it. */
export interface BenchReport {
  readonly mode: 'full' | 'quick'
  readonly machine: Machine
  readonly replicas: readonly { readonly full: Measures; readonly steady: Measures }[]
  readonly accounts: readonly Measures[]
  readonly scarce: Measures
  readonly deaths: Deaths
  readonly costs: CommandCosts
  readonly capacity: Capacity
}

export interface Machine {
  readonly day: string
  readonly processor: string
  readonly cores: number
  readonly redis: string
  readonly node: string
  /** Load average of one minute, before and after. */
  readonly load: readonly [number, number]
  readonly seconds: number
}

/** What one Redis carries, from its CPU time a request. */
export interface Capacity {
  /** One lease and one release, where it costs most, and where it costs least: Redis reads many commands in one go when busy. */
  readonly sparseUs: number
  readonly denseUs: number
  /** A whole request: lease, release, the client's limit and the renewals of `answerSeconds`. */
  readonly requestUs: number
  readonly answerSeconds: number
  /** With its thread full. */
  readonly perSecond: number
  readonly renewedEverySeconds: number
}

const answerSeconds = 30
const renewedEverySeconds = 10

export function capacityOf({
  replicas,
  accounts,
  costs,
}: Pick<BenchReport, 'replicas' | 'accounts' | 'costs'>): Capacity {
  const each = [...replicas.flatMap(({ full, steady }) => [full, steady]), ...accounts]
  // With little to do the time that Redis spends on itself falls on few requests.
  const busy = each.filter(({ leasesPerSecond }) => leasesPerSecond >= sparsestPerSecond)
  const cpuUs = (busy.length > 0 ? busy : each).map(({ perRequest }) => perRequest.cpuUs)
  const sparseUs = Math.max(...cpuUs)
  const requestUs = sparseUs + costs.rateLimitUs + (answerSeconds / renewedEverySeconds) * costs.renewalUs
  return {
    sparseUs,
    denseUs: Math.min(...cpuUs),
    requestUs,
    answerSeconds,
    renewedEverySeconds,
    perSecond: 1e6 / requestUs,
  }
}

const sparsestPerSecond = 900

/** Every run of a report. */
export const measuresOf = (
  report: Pick<BenchReport, 'replicas' | 'accounts' | 'scarce' | 'deaths'>,
): readonly Measures[] => [
  ...report.replicas.flatMap(({ full, steady }) => [full, steady]),
  ...report.accounts,
  report.scarce,
  report.deaths,
]

export interface SumOfChecks {
  readonly leases: number
  readonly releases: number
  readonly cutOff: number
  readonly doubleUses: number
  readonly leftInFlight: number
  readonly failures: number
}

export function sumOfChecks(measures: readonly Measures[]): SumOfChecks {
  const sum = (pick: (check: Measures['check']) => number) =>
    measures.reduce((total, { check }) => total + pick(check), 0)
  return {
    leases: sum(({ leases }) => leases),
    releases: sum(({ releases }) => releases),
    cutOff: sum(({ cutOff }) => cutOff),
    doubleUses: sum(({ doubleUses }) => doubleUses),
    leftInFlight: sum(({ leftInFlight }) => leftInFlight),
    failures: sum(({ failures, lost }) => Object.values(failures).reduce((a, b) => a + b, lost)),
  }
}
