// Room `store`: what replicas share, behind one contract; the embedded store serves one machine.
// Touches `core` only. A store knows account keys, never cookies.

/** Why an account is passed over. */
export type AccountHold =
  | { readonly type: 'cooling'; readonly kind: CoolingKind; readonly untilMs: number }
  | { readonly type: 'signed-out'; readonly sinceMs: number }

export type CoolingKind = 'rate-limited' | 'quota-spent' | 'unavailable'

export interface AccountState {
  readonly inFlight: number
  /** Absent when usable. A cooling hold that has run out is not reported. */
  readonly hold?: AccountHold
}

export const accountSelections = ['least-busy', 'random', 'round-robin'] as const
export type AccountSelection = (typeof accountSelections)[number]

export interface LeaseInput {
  /** Account keys to choose among. */
  readonly accounts: readonly string[]
  /** Keys already tried for this request: never leased, but one that is cooling is still a reason to wait. */
  readonly exclude: ReadonlySet<string>
  readonly selection: AccountSelection
  /** Requests in flight per account; 0 is no cap. */
  readonly maxConcurrency: number
  readonly leaseMs: number
  readonly requestId: string
  /** Name of the chat binding to read with the lease. */
  readonly model: string
}

export type LeaseAnswer =
  | { readonly type: 'leased'; readonly account: string; readonly leaseId: string; readonly chatId?: string }
  /** Usable accounts exist, all at their cap. */
  | { readonly type: 'busy' }
  /** None usable now, but some will be when its cool-down ends; `untilMs` is the soonest. */
  | { readonly type: 'cooling'; readonly untilMs: number }
  /** No account that waiting could bring back. */
  | { readonly type: 'none' }

/** What a request leaves behind, written in one go with the end of its lease. */
export interface LeaseRelease {
  readonly account: string
  readonly leaseId: string
  readonly model: string
  /** Absent: as it was. `null` drops the binding. */
  readonly chatId?: string | null
  readonly hold?: AccountHold
  /** The answer was good: the count of failures in a row is forgotten. */
  readonly succeeded?: boolean
}

/** Life of a chat binding after its last use. */
export const chatBindingMs = 30 * 24 * 60 * 60 * 1000

export interface Store {
  /** Chooses an account, leases it and reads its chat binding, as one atomic step. */
  lease(input: LeaseInput): Promise<LeaseAnswer>
  /** Renews a lease for `leaseMs` from now. @returns false when it had lapsed or was taken over */
  extendLease(lease: {
    readonly account: string
    readonly leaseId: string
    readonly leaseMs: number
  }): Promise<boolean>
  /** Ends a lease and writes what it learnt. A lapsed lease writes nothing over a newer holder's. */
  releaseLease(release: LeaseRelease): Promise<void>
  /** How often in a row the account has been rate limited, this time included; the caller derives the back-off. */
  countRateLimit(account: string): Promise<number>
  /** Clears a hold: the account was replaced or checked good. */
  clearHold(account: string): Promise<void>
  accountStates(accounts: readonly string[]): Promise<ReadonlyMap<string, AccountState>>
  /** Calls back whenever a lease ended or a hold was cleared, so that waiters ask again. @returns unsubscribe */
  onChange(listener: () => void): () => void
  close(): Promise<void>
}
