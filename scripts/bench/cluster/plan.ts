import type { ClusterRun } from './run-cluster.ts'

/** The runs of a bench, in their order. */
export interface Plan {
  /** Over the replicas: as many requests as it takes, then as many a second whatever their number. */
  readonly replicas: readonly { readonly full: ClusterRun; readonly steady: ClusterRun }[]
  /** Over the accounts, under one load. */
  readonly accounts: readonly ClusterRun[]
  /** Far more requests than accounts. */
  readonly scarce: ClusterRun
  /** Some replicas are killed while somewhat more requests than accounts are there, so that each account counts. */
  readonly deaths: ClusterRun
  /** How often each single command is timed. */
  readonly repeats: number
}

const leaseMs = 30_000
/** Of all replicas together. */
const steadyPerSecond = 1000

export const fullPlan: Plan = {
  replicas: [1, 3, 10, 30, 100].map((replicas) =>
    overReplicas({ replicas, accounts: 10_000, processes: Math.min(replicas, 2) }, 5000),
  ),
  accounts: [10, 100, 1000, 10_000].map((accounts) =>
    overAccounts({ replicas: 10, accounts, processes: 2 }, 5000),
  ),
  scarce: scarceRun({ replicas: 100, accounts: 50, processes: 2 }, 5000),
  deaths: {
    replicas: 100,
    accounts: 380,
    processes: 10,
    load: { type: 'closed', requestsAtOnce: 4 },
    holdMs: 1000,
    leaseMs,
    warmUpMs: 5000,
    killAfterMs: 10_000,
    measureMs: 10_000 + leaseMs + 10_000,
  },
  repeats: 20_000,
}

export const quickPlan: Plan = {
  replicas: [1, 10].map((replicas) => overReplicas({ replicas, accounts: 1000, processes: 1 }, 300)),
  accounts: [10, 1000].map((accounts) => overAccounts({ replicas: 5, accounts, processes: 1 }, 300)),
  scarce: scarceRun({ replicas: 10, accounts: 5, processes: 2 }, 300),
  deaths: {
    replicas: 20,
    accounts: 36,
    processes: 4,
    load: { type: 'closed', requestsAtOnce: 2 },
    holdMs: 50,
    leaseMs: 1000,
    warmUpMs: 200,
    killAfterMs: 300,
    measureMs: 300 + 1000 + 500,
  },
  repeats: 500,
}

type Size = Pick<ClusterRun, 'replicas' | 'accounts' | 'processes'>

function overReplicas(size: Size, measureMs: number): Plan['replicas'][number] {
  const run = { ...size, holdMs: 20, leaseMs, warmUpMs: measureMs / 5, measureMs }
  return {
    full: { ...run, load: { type: 'closed', requestsAtOnce: 8 } },
    steady: { ...run, load: { type: 'rate', perSecond: steadyPerSecond / size.replicas } },
  }
}

/** One request at a time of each replica: never more than there are accounts. */
function overAccounts(size: Size, measureMs: number): ClusterRun {
  const load = { type: 'closed', requestsAtOnce: 1 } as const
  return { ...size, load, holdMs: 5, leaseMs, warmUpMs: measureMs / 5, measureMs }
}

function scarceRun(size: Size, measureMs: number): ClusterRun {
  const load = { type: 'closed', requestsAtOnce: 4 } as const
  return { ...size, load, holdMs: 200, leaseMs, warmUpMs: measureMs / 2, measureMs }
}
