// Module `store`: what replicas share, behind one contract; the embedded store serves one machine, the shared one many.
// Touches `core`, a SQLite file in DATA_DIR and Redis. It knows accounts by key: a cookie comes only inside a record, sealed
// if STATE_KEY is set.

/** Why an account is not leased. */
export type AccountHold =
  | { readonly type: 'cooling'; readonly kind: CoolingKind; readonly untilMs: number }
  /** Until it is checked good or replaced. `reason`: it is signed in, but the plan of a key has no API (WIRE 11). */
  | { readonly type: 'signed-out'; readonly sinceMs: number; readonly reason?: 'plan-blocked' }

export type CoolingKind = 'rate-limited' | 'quota-spent' | 'unavailable'

/** What an account is used for: each has limits of its own. */
export type AccountUse = 'chat' | 'image' | 'video'

/** The name under which a hold stands that concerns one use alone. One of chats stands under the account itself, where it holds
 *  the others as well: the site's figures for chats are those of the account. */
export const holdName = (account: string, use: AccountUse): string =>
  use === 'chat' ? account : `${account}:${use}`

export interface AccountState {
  readonly inFlight: number
  /** Absent when usable. A cooling hold that has run out is not reported. */
  readonly hold?: AccountHold
}

export const accountSelections = ['least-busy', 'random', 'round-robin'] as const
export type AccountSelection = (typeof accountSelections)[number]

export interface LeaseInput {
  /** Account keys to choose among. Pass the same array again while the list is the same: what is worked out for it is kept. */
  readonly accounts: readonly string[]
  /** Chosen among only when none of `accounts` can be leased. */
  readonly fallback?: readonly string[] | undefined
  /** Keys already tried for this request: never leased, but one that is cooling is still a reason to wait. */
  readonly exclude: ReadonlySet<string>
  readonly selection: AccountSelection
  /** `least-busy`: of those that are equally busy the first of these is chosen, where there is one. Some 30 at most. */
  readonly preferred?: readonly string[] | undefined
  /** Requests in flight per account; 0 is no cap. */
  readonly maxConcurrency: number
  readonly leaseMs: number
  readonly requestId: string
  /** Accounts held for this use are passed over. Default `chat`. */
  readonly use?: AccountUse | undefined
  /** Name of the chat binding to read with the lease. Absent: none is read. */
  readonly model?: string | undefined
}

/** A usable account below its cap. */
export interface Candidate {
  readonly account: string
  readonly inFlight: number
  /** The number of the lease that it was given last; 0 for none. */
  readonly lastTurn: number
}

/** Chooses one of at least one candidate; they come in the order of the account list. */
export type ChooseAccount = <C extends Candidate>(
  candidates: readonly C[],
  selection: AccountSelection,
  preferred?: readonly string[],
) => C

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
  readonly chatId?: string | null | undefined
  readonly hold?: AccountHold | undefined
  /** The answer was good: the count of failures in a row is forgotten. */
  readonly succeeded?: boolean
  /** Absent: there was no attempt to count. */
  readonly counted?: CountedAttempt | undefined
}

/** A lease that began in another store. */
export interface AdoptedLease {
  readonly account: string
  readonly leaseId: string
  /** It lapses so long after it was adopted. */
  readonly leaseMs: number
}

export const attemptOutcomes = ['succeeded', 'failed', 'abandoned'] as const
export type AttemptOutcome = (typeof attemptOutcomes)[number]

export interface CountedAttempt {
  readonly outcome: AttemptOutcome
  /** A label of the API key that asked, never the key; without a `|`. */
  readonly caller?: string | undefined
}

/** How the attempts of one hour ended. Tokens are not among them: a lease ends before they are counted, and they are counted
 *  only for a client that asks for its usage. */
export interface CountRow {
  /** When the hour began. */
  readonly hourMs: number
  readonly account: string
  readonly model: string
  /** '' when nothing was said of it. */
  readonly caller: string
  readonly succeeded: number
  readonly failed: number
  readonly abandoned: number
}

/** Account, model and caller of what is counted beyond the bound of an hour. */
export const otherLabel = 'other'

/** Life of what was counted, from the end of its hour. */
export const countedMs = 30 * 24 * 60 * 60 * 1000

/** What other modules store for good: accounts added at run time, sessions that the site renewed, chats that are to be deleted, what
 *  the service made for itself to know somebody by. */
export const sharedRecordKinds = ['account', 'session', 'chat-deletion', 'secret'] as const
/** `replica`: what one replica notes for itself, in its own file alone. */
export type RecordKind = (typeof sharedRecordKinds)[number] | 'replica'

/** What is stored for a limited time: answers of the Responses API, videos in the making, where the site challenges us, links to
 *  files, which processes are at work. */
export type DocumentKind = 'response' | 'video-job' | 'transport-finding' | 'file-link' | 'process'

export interface StoredDocument {
  /** Unique in its kind. */
  readonly id: string
  /** Whose it is: the lists are by owner. */
  readonly owner: string
  readonly text: string
}

/** Of each kind. Beyond either bound those go first that were stored or touched the longest ago. */
export const maxDocuments = 10_000
/** In UTF-16 units, of each kind. A single text that is longer is refused. */
export const maxDocumentsLength = 256 * 1024 * 1024

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
  /** What releases counted in the hours that any of this time is in. Beyond a bound an hour counts under `otherLabel`.
   *  @throws {UnavailableError} `dependency_unavailable` */
  counts(sinceMs: number, untilMs: number): Promise<readonly CountRow[]>
  /** How often in a row the account has been rate limited, this time included; the caller derives the back-off. */
  countRateLimit(account: string): Promise<number>
  /** Clears holds: accounts were added, replaced or checked good. Many cost little more than one.
   *  @param accounts  or their `holdName` for one use */
  clearHold(...accounts: readonly string[]): Promise<void>
  /** Drops every chat binding of an account that was removed. While Redis is away those that it has stay until they run out. */
  dropBindings(account: string): Promise<void>
  /** Holds an account outside of a lease, such as one that was checked and found signed out. A stricter hold stays.
   *  @param account  or its `holdName` for one use */
  setHold(account: string, hold: AccountHold): Promise<void>
  accountStates(accounts: readonly string[]): Promise<ReadonlyMap<string, AccountState>>
  /** Calls back whenever a lease ended or a hold was cleared, so that waiters ask again. @returns unsubscribe */
  onChange(listener: () => void): () => void
  /** Stores a text under its kind and id, in the place of an earlier one.
   *  @throws {UnavailableError} `dependency_unavailable`: it is not stored */
  saveRecord(kind: RecordKind, id: string, text: string): Promise<void>
  /** Stores a text unless there is one under its kind and id; never in this replica alone where replicas share.
   *  @returns whether it was stored @throws {UnavailableError} `dependency_unavailable` */
  addRecord(kind: RecordKind, id: string, text: string): Promise<boolean>
  /** @throws {UnavailableError} `dependency_unavailable` */
  removeRecord(kind: RecordKind, id: string): Promise<void>
  /** Stores some records and removes those without a text, with one message to the other replicas.
   *  @throws {UnavailableError} `dependency_unavailable` */
  changeRecords(kind: RecordKind, changes: ReadonlyMap<string, string | undefined>): Promise<void>
  /** By id, in the order in which they were first saved; only those with one of `ids`, where given.
   *  @throws {UnavailableError} `dependency_unavailable` */
  records(kind: RecordKind, ids?: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Stores a document for `lifeMs` from now, in the place of an earlier one of its kind and id.
   *  @throws {UnavailableError} `dependency_unavailable` */
  saveDocument(kind: DocumentKind, document: StoredDocument & { readonly lifeMs: number }): Promise<void>
  /** Replaces the text of a document; its owner, age and life stay.
   *  @returns false when there is none (any more) @throws {UnavailableError} `dependency_unavailable` */
  replaceDocument(kind: DocumentKind, id: string, text: string): Promise<boolean>
  /** @throws {UnavailableError} `dependency_unavailable` */
  findDocument(kind: DocumentKind, id: string): Promise<StoredDocument | undefined>
  /** Those of an owner, newest first, at most `limit`. @throws {UnavailableError} `dependency_unavailable` */
  listDocuments(kind: DocumentKind, owner: string, limit: number): Promise<readonly StoredDocument[]>
  /** They are in use: others go before them when there are too many. Their lives stay.
   *  @param ids  the first of them goes first @throws {UnavailableError} `dependency_unavailable` */
  touchDocuments(kind: DocumentKind, ids: readonly string[]): Promise<void>
  /** @returns whether it was there @throws {UnavailableError} `dependency_unavailable` */
  removeDocument(kind: DocumentKind, id: string): Promise<boolean>
  /** Calls back when another replica changed records of a kind: these, or nobody knows which. @returns unsubscribe */
  onForeignRecords(listener: (kind: RecordKind, ids?: readonly string[]) => void): () => void
  close(): Promise<void>
}
