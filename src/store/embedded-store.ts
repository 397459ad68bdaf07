import type { Clock } from '../core/clock.ts'
import { createListeners } from '../core/listeners.ts'
import type { Logger } from '../core/logger.ts'
import { type AccountEntry, currentHold, entryOf, stateOf } from './account-entry.ts'
import { CountBuffer } from './count-buffer.ts'
import { type Count, countOf, maxCountsAnHour, rowsOf } from './counts.ts'
import { createFileGuard } from './file-guard.ts'
import { LeaseBook } from './lease-book.ts'
import type { AdoptedLease } from './redis/redis-store-contract.ts'
import { createSavedAccounts } from './saved-accounts.ts'
import { createSavedBindings } from './saved-bindings.ts'
import { createSavedCounts } from './saved-counts.ts'
import { createSavedRecords } from './saved-records.ts'
import { createSavedTexts } from './saved-texts.ts'
import { openStateFile } from './state-file.ts'
import {
  type AccountHold,
  type AccountSelection,
  type LeaseAnswer,
  type LeaseInput,
  type LeaseRelease,
  maxKeptLength,
  maxKeptTexts,
  type Store,
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
  /** Of each kind of kept texts. Default `maxKeptTexts`. */
  readonly maxTexts?: number
  /** In UTF-16 units, of each kind of kept texts. Default `maxKeptLength`. */
  readonly maxTextsLength?: number
  /** Of each hour. Default `maxCountsAnHour`. */
  readonly maxCounts?: number
}

export interface EmbeddedStore extends Store {
  /** Counts leases that began in another store; one that is known already is renewed. */
  adoptLeases(leases: readonly AdoptedLease[]): void
  /** Every hold that has not run out, by account. */
  holds(): ReadonlyMap<string, AccountHold>
  /** Of a lease that is not in this store. */
  addCount(count: Count): void
  /** Removes what was counted, oldest first; none when the file fails. */
  takeCounts(limit: number): readonly Count[]
}

/** The store of one process: leases live in memory and end with it; holds, chat bindings, records, kept texts and counts are in
 *  `state.db` and outlive it. A file that fails later on costs persistence, with one warning, and never a request. */
export function createEmbeddedStore(options: EmbeddedStoreOptions): EmbeddedStore {
  const { clock, chooseAccount, logger } = options
  const database = openStateFile(options.dataDir, logger)
  const savedAccounts = createSavedAccounts(database)
  const savedBindings = createSavedBindings(database, options.maxBindings ?? 100_000)
  const savedRecords = createSavedRecords(database)
  const savedTexts = createSavedTexts(database, {
    clock,
    maxTexts: options.maxTexts ?? maxKeptTexts,
    maxLength: options.maxTextsLength ?? maxKeptLength,
  })
  const maxCounts = options.maxCounts ?? maxCountsAnHour
  const savedCounts = createSavedCounts(database, { clock, maxCounts })
  const { attempt, insist } = createFileGuard(database, logger)
  const countBuffer = new CountBuffer({
    write: (counts) => attempt(() => savedCounts.add(counts) === undefined) ?? false,
    maxCounts,
    delayMs: countDelayMs,
  })
  const leases = new LeaseBook<AccountEntry>(clock)
  const listeners = createListeners()
  let turns = 0

  const entries = new Map<string, AccountEntry>()
  for (const saved of attempt(() => savedAccounts.all()) ?? []) entries.set(saved.account, entryOf(saved))

  /** A caller with one account list for all its requests is spared the look-ups: they are most of a lease's cost. */
  const entryLists = new WeakMap<readonly string[], readonly AccountEntry[]>()

  function entriesOf(accounts: readonly string[]): readonly AccountEntry[] {
    const known = entryLists.get(accounts)
    if (known) return known
    const list = accounts.map(entry)
    entryLists.set(accounts, list)
    return list
  }

  function entry(account: string): AccountEntry {
    const known = entries.get(account)
    if (known) return known
    const fresh = entryOf({ account, rateLimits: 0 })
    entries.set(account, fresh)
    return fresh
  }

  function choose(input: LeaseInput, nowMs: number): AccountEntry | Exclude<LeaseAnswer, { type: 'leased' }> {
    let busy = false
    let soonestMs = Number.POSITIVE_INFINITY
    for (const accounts of input.fallback ? [input.accounts, input.fallback] : [input.accounts]) {
      const candidates: AccountEntry[] = []
      for (const found of entriesOf(accounts)) {
        const hold = currentHold(found, nowMs)
        if (hold?.type === 'signed-out') continue
        if (hold) soonestMs = Math.min(soonestMs, hold.untilMs)
        else if (input.exclude.has(found.account)) continue
        else if (input.maxConcurrency > 0 && found.inFlight >= input.maxConcurrency) busy = true
        else candidates.push(found)
      }
      if (candidates.length > 0) return chooseAccount(candidates, input.selection)
    }
    if (busy) return { type: 'busy' }
    return soonestMs < Number.POSITIVE_INFINITY ? { type: 'cooling', untilMs: soonestMs } : { type: 'none' }
  }

  function learn(entry: AccountEntry, release: LeaseRelease, nowMs: number): void {
    const { account, model, chatId, hold, succeeded } = release
    if (chatId === null) attempt(() => savedBindings.drop(account, model))
    else if (chatId !== undefined) attempt(() => savedBindings.save(account, model, chatId, nowMs))
    if (!hold && !(succeeded && entry.rateLimits > 0)) return
    if (hold) entry.hold = stricterHold(currentHold(entry, nowMs), hold)
    if (succeeded) entry.rateLimits = 0
    attempt(() => savedAccounts.save(entry))
  }

  function addCount(count: Count | undefined): void {
    if (count) countBuffer.add(count)
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

    adoptLeases(adopted) {
      for (const { account, leaseId, leaseMs } of adopted)
        if (!leases.extend(leaseId, leaseMs)) leases.begin(leaseId, entry(account), leaseMs)
    },

    holds() {
      const nowMs = clock.now()
      const held = new Map<string, AccountHold>()
      for (const entry of entries.values()) {
        const { hold } = stateOf(entry, nowMs)
        if (hold) held.set(entry.account, hold)
      }
      return held
    },

    async extendLease({ leaseId, leaseMs }) {
      return leases.extend(leaseId, leaseMs)
    },

    async releaseLease(release) {
      const holder = leases.end(release.leaseId)
      if (!holder) return
      learn(holder, release, clock.now())
      addCount(countOf(release, clock.now()))
      listeners.tell()
    },

    async counts(sinceMs, untilMs) {
      countBuffer.flush()
      return rowsOf(insist(() => savedCounts.between(sinceMs, untilMs)))
    },

    addCount,

    takeCounts(limit) {
      countBuffer.flush()
      return attempt(() => savedCounts.take(limit)) ?? []
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
      listeners.tell()
    },

    async setHold(account, hold) {
      const held = entry(account)
      held.hold = stricterHold(currentHold(held, clock.now()), hold)
      attempt(() => savedAccounts.save(held))
    },

    async accountStates(accounts) {
      leases.dropLapsed()
      const nowMs = clock.now()
      return new Map(accounts.map((account) => [account, stateOf(entries.get(account), nowMs)]))
    },

    onChange: listeners.add,

    async saveRecord(kind, id, text) {
      insist(() => savedRecords.save(kind, id, text))
    },

    async removeRecord(kind, id) {
      insist(() => savedRecords.remove(kind, id))
    },

    async records(kind) {
      return insist(() => savedRecords.all(kind))
    },

    async keepText(kind, kept) {
      insist(() => savedTexts.keep(kind, kept))
    },

    async replaceText(kind, id, text) {
      return insist(() => savedTexts.replace(kind, id, text))
    },

    async keptText(kind, id) {
      return insist(() => savedTexts.find(kind, id))
    },

    async keptTexts(kind, owner, limit) {
      return insist(() => savedTexts.ofOwner(kind, owner, limit))
    },

    async dropText(kind, id) {
      return insist(() => savedTexts.drop(kind, id))
    },

    onForeignRecords: () => () => {},

    async close() {
      listeners.clear()
      countBuffer.flush()
      if (database.isOpen) database.close()
    },
  }
}

const countDelayMs = 1000
