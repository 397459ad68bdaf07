import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import { LeaseBook } from './lease-book.ts'
import { createSavedAccounts, type SavedAccount } from './saved-accounts.ts'
import { createSavedBindings } from './saved-bindings.ts'
import { openStateFile, reasonOf } from './state-file.ts'
import type {
  AccountHold,
  AccountSelection,
  AccountState,
  LeaseAnswer,
  LeaseInput,
  LeaseRelease,
  Store,
} from './store.ts'
import { stricterHold } from './stricter-hold.ts'

/** A usable account below its cap. */
export interface Candidate {
  readonly account: string
  readonly inFlight: number
  /** The number of the lease that it was given last; 0 for none. */
  readonly lastTurn: number
}

/** Chooses one of at least one candidate; they come in the order of the account list. */
export type ChooseAccount = <C extends Candidate>(candidates: readonly C[], selection: AccountSelection) => C

export interface EmbeddedStoreOptions {
  /** Folder of `state.db`; undefined keeps everything in memory. */
  readonly dataDir: string | undefined
  readonly clock: Clock
  readonly chooseAccount: ChooseAccount
  readonly logger: Logger
  /** Chat bindings kept; the longest unused go first. Default 100,000. */
  readonly maxBindings?: number
}

interface Entry {
  readonly account: string
  inFlight: number
  lastTurn: number
  hold: AccountHold | undefined
  rateLimits: number
}

/** The store of one process: leases live in memory and end with it; holds and chat bindings are in `state.db` and outlive it.
 *  A file that fails later on costs persistence, with one warning, and never a request. */
export function createEmbeddedStore(options: EmbeddedStoreOptions): Store {
  const { clock, chooseAccount, logger } = options
  const database = openStateFile(options.dataDir, logger)
  const savedAccounts = createSavedAccounts(database)
  const savedBindings = createSavedBindings(database, options.maxBindings ?? 100_000)
  const leases = new LeaseBook<Entry>(clock)
  const listeners = new Set<() => void>()
  let turns = 0
  let fileFails = false

  const entries = new Map<string, Entry>()
  for (const saved of attempt(() => savedAccounts.all()) ?? []) entries.set(saved.account, entryOf(saved))

  /** A caller with one account list for all its requests is spared the look-ups: they are most of a lease's cost. */
  const entryLists = new WeakMap<readonly string[], readonly Entry[]>()

  function entriesOf(accounts: readonly string[]): readonly Entry[] {
    const known = entryLists.get(accounts)
    if (known) return known
    const list = accounts.map(entry)
    entryLists.set(accounts, list)
    return list
  }

  function entry(account: string): Entry {
    const known = entries.get(account)
    if (known) return known
    const fresh = entryOf({ account, rateLimits: 0 })
    entries.set(account, fresh)
    return fresh
  }

  /** The hold as of now; one that has run out is forgotten. */
  function currentHold(entry: Entry, nowMs: number): AccountHold | undefined {
    if (entry.hold?.type === 'cooling' && entry.hold.untilMs <= nowMs) entry.hold = undefined
    return entry.hold
  }

  function choose(input: LeaseInput, nowMs: number): Entry | Exclude<LeaseAnswer, { type: 'leased' }> {
    const candidates: Entry[] = []
    let busy = false
    let soonestMs = Number.POSITIVE_INFINITY
    for (const found of entriesOf(input.accounts)) {
      const hold = currentHold(found, nowMs)
      if (hold?.type === 'signed-out') continue
      if (hold) soonestMs = Math.min(soonestMs, hold.untilMs)
      else if (input.exclude.has(found.account)) continue
      else if (input.maxConcurrency > 0 && found.inFlight >= input.maxConcurrency) busy = true
      else candidates.push(found)
    }
    if (candidates.length > 0) return chooseAccount(candidates, input.selection)
    if (busy) return { type: 'busy' }
    return soonestMs < Number.POSITIVE_INFINITY ? { type: 'cooling', untilMs: soonestMs } : { type: 'none' }
  }

  function learn(entry: Entry, release: LeaseRelease, nowMs: number): void {
    const { account, model, chatId, hold, succeeded } = release
    if (chatId === null) attempt(() => savedBindings.drop(account, model))
    else if (chatId !== undefined) attempt(() => savedBindings.save(account, model, chatId, nowMs))
    if (!hold && !(succeeded && entry.rateLimits > 0)) return
    if (hold) entry.hold = stricterHold(currentHold(entry, nowMs), hold)
    if (succeeded) entry.rateLimits = 0
    attempt(() => savedAccounts.save(entry))
  }

  function attempt<T>(action: () => T): T | undefined {
    if (!database.isOpen) return undefined
    try {
      const result = action()
      fileFails = false
      return result
    } catch (cause) {
      if (!fileFails) logger.warn({ reason: reasonOf(cause) }, 'state.db fails: going on without it')
      fileFails = true
      return undefined
    }
  }

  function announce(): void {
    for (const listener of listeners) listener()
  }

  return {
    async lease(input) {
      leases.dropLapsed()
      const nowMs = clock.now()
      const chosen = choose(input, nowMs)
      if ('type' in chosen) return chosen
      turns += 1
      chosen.lastTurn = turns
      const { account } = chosen
      const leaseId = `${input.requestId}.${turns}`
      leases.begin(leaseId, chosen, input.leaseMs)
      const chatId = attempt(() => savedBindings.find(account, input.model, nowMs))
      return { type: 'leased', account, leaseId, ...(chatId === undefined ? {} : { chatId }) }
    },

    async extendLease({ leaseId, leaseMs }) {
      return leases.extend(leaseId, leaseMs)
    },

    async releaseLease(release) {
      const holder = leases.end(release.leaseId)
      if (!holder) return
      learn(holder, release, clock.now())
      announce()
    },

    async countRateLimit(account) {
      const limited = entry(account)
      limited.rateLimits += 1
      attempt(() => savedAccounts.save(limited))
      return limited.rateLimits
    },

    async clearHold(account) {
      const held = entry(account)
      held.hold = undefined
      held.rateLimits = 0
      attempt(() => savedAccounts.save(held))
      announce()
    },

    async accountStates(accounts) {
      leases.dropLapsed()
      const nowMs = clock.now()
      return new Map(accounts.map((account) => [account, stateOf(entries.get(account), nowMs)]))
    },

    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },

    async close() {
      listeners.clear()
      if (database.isOpen) database.close()
    },
  }
}

const entryOf = ({ account, hold, rateLimits }: SavedAccount): Entry => ({
  account,
  inFlight: 0,
  lastTurn: 0,
  hold,
  rateLimits,
})

/** Reads only: looking at an account changes nothing. */
function stateOf(entry: Entry | undefined, nowMs: number): AccountState {
  if (!entry) return { inFlight: 0 }
  const { inFlight, hold } = entry
  if (!hold || (hold.type === 'cooling' && hold.untilMs <= nowMs)) return { inFlight }
  return { inFlight, hold }
}
