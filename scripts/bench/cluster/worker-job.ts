/** What one process of simulated replicas is to do; it answers each order when that is done. */
export interface WorkerJob {
  readonly redisUrl: string
  /** Where its uses of accounts are written down. */
  readonly ledgerPath: string
  readonly replicas: number
  readonly accounts: number
  readonly leaseMs: number
  readonly holdMs: number
  readonly load: Load
  /** Its uses are numbered from here on. */
  readonly firstId: number
}

export type Load =
  /** Each replica has so many requests going at any time: the next begins when one ends. */
  | { readonly type: 'closed'; readonly requestsAtOnce: number }
  /** Each replica gets so many requests a second, at random, whatever becomes of them. */
  | { readonly type: 'rate'; readonly perSecond: number }

/** `prepare`: connect and lease once; `start`: begin the load; `stop`: begin no more and end what goes on. */
export type WorkerOrder =
  | { readonly type: 'prepare'; readonly job: WorkerJob }
  | { readonly type: 'start' | 'stop' }

export interface WorkerReport {
  /** Leases that were found lapsed while they were held. */
  readonly lost: number
  /** Requests that got no account, by code. */
  readonly failures: Readonly<Record<string, number>>
}
