import type { Clock } from '../core/clock.ts'
import { createListeners } from '../core/listeners.ts'
import type { Logger } from '../core/logger.ts'
import { type Count, CountBuffer, countOf, createCountTable, maxCountsAnHour, rowsOf } from './counts.ts'
import { createDocumentTable } from './document-table.ts'
import { type LocalAccount, LocalLeases } from './local-leases.ts'
import { createFileGuard, openStateFile } from './state-file.ts'
import { createAccountTable, createBindingTable, createRecordTable } from './state-tables.ts'
import {
  type AccountHold,
  type AdoptedLease,
  type ChooseAccount,
  type LeaseRelease,
  maxDocuments,
  maxDocumentsLength,
  type Store,
} from './store.ts'

export interface EmbeddedStoreOptions {
  /** Folder of `state.db`; undefined keeps everything in memory. */
  readonly dataDir: string | undefined
  readonly clock: Clock
  readonly chooseAccount: ChooseAccount
  readonly logger: Logger
  /** Chat bindings stored; the longest unused go first. Default 100,000. */
  readonly maxBindings?: number
  /** Of each kind. Default `maxDocuments`. */
  readonly maxDocuments?: number
  /** In UTF-16 units, of each kind. Default `maxDocumentsLength`. */
  readonly maxDocumentsLength?: number
  /** Of each hour. Default `maxCountsAnHour`. */
  readonly maxCounts?: number
}

export interface EmbeddedStore extends Store {
  /** Counts leases that began in another store; one that is known already is renewed. */
  adoptLeases(leases: readonly AdoptedLease[]): void
  /** Every hold that has not run out, by account. */
  holds(): ReadonlyMap<string, AccountHold>
  isHeld(account: string): boolean
  /** False: there is a `dataDir`, and it cannot be used. */
  readonly isStateKept: boolean
  /** Of a lease that is not in this store. */
  addCount(count: Count): void
  /** Removes what was counted, oldest first; none when the file fails. */
  takeCounts(limit: number): readonly Count[]
}

/** From the first count that waits to the write. */
const countDelayMs = 1000

/** The store of one process: leases live in memory and end with it; holds, chat bindings, records, documents and counts are in
 *  `state.db` and outlive it. A lease and its end touch the file only when a hold or a binding changes. A file that fails
 *  later on costs persistence, with one warning, and never a request. */
export function createEmbeddedStore(options: EmbeddedStoreOptions): EmbeddedStore {
  const { clock, chooseAccount, logger, maxCounts = maxCountsAnHour } = options
  const database = openStateFile(options.dataDir, logger)
  const { attempt, insist } = createFileGuard(database, logger)
  const accountTable = createAccountTable(database)
  const bindingTable = createBindingTable(database, options.maxBindings ?? 100_000)
  const recordTable = createRecordTable(database)
  const documentTable = createDocumentTable(database, {
    clock,
    maxDocuments: options.maxDocuments ?? maxDocuments,
    maxLength: options.maxDocumentsLength ?? maxDocumentsLength,
  })
  const countTable = createCountTable(database, { clock, maxCounts })
  const countBuffer = new CountBuffer({
    write: (counts) => attempt(() => countTable.add(counts) === undefined) ?? false,
    maxCounts,
    delayMs: countDelayMs,
  })
  const leases = new LocalLeases({ clock, chooseAccount })
  const listeners = createListeners()

  for (const { account, hold, rateLimits } of attempt(() => accountTable.all()) ?? []) {
    const known = leases.account(account)
    known.rateLimits = rateLimits
    if (hold) leases.hold(known, hold)
  }

  function learn(account: LocalAccount, { model, chatId, hold, succeeded }: LeaseRelease): void {
    if (chatId === null) attempt(() => bindingTable.drop(account.account, model))
    else if (chatId !== undefined)
      attempt(() => bindingTable.save(account.account, model, chatId, clock.now()))
    if (!hold && !(succeeded && account.rateLimits > 0)) return
    if (hold) leases.hold(account, hold)
    if (succeeded) account.rateLimits = 0
    attempt(() => accountTable.save(account))
  }

  return {
    async lease(input) {
      const leased = leases.lease(input)
      if ('type' in leased) return leased
      const { account, leaseId } = leased
      const { model } = input
      const chatId =
        model === undefined ? undefined : attempt(() => bindingTable.find(account, model, clock.now()))
      return chatId === undefined
        ? { type: 'leased', account, leaseId }
        : { type: 'leased', account, leaseId, chatId }
    },

    async extendLease({ leaseId, leaseMs }) {
      return leases.extend(leaseId, leaseMs)
    },

    async releaseLease(release) {
      const account = leases.end(release.leaseId)
      if (!account) return
      learn(account, release)
      const count = countOf(release, clock.now())
      if (count) countBuffer.add(count)
      listeners.tell()
    },

    adoptLeases(adopted) {
      for (const { account, leaseId, leaseMs } of adopted)
        if (!leases.extend(leaseId, leaseMs)) leases.begin(leaseId, leases.account(account), leaseMs)
    },

    async counts(sinceMs, untilMs) {
      countBuffer.flush()
      return rowsOf(insist(() => countTable.between(sinceMs, untilMs)))
    },

    addCount: (count) => countBuffer.add(count),

    takeCounts(limit) {
      countBuffer.flush()
      return attempt(() => countTable.take(limit)) ?? []
    },

    async countRateLimit(key) {
      const account = leases.account(key)
      account.rateLimits += 1
      attempt(() => accountTable.save(account))
      return account.rateLimits
    },

    async clearHold(...keys) {
      for (const key of keys) {
        const account = leases.account(key)
        if (!account.hold && account.rateLimits === 0) continue
        account.hold = undefined
        account.rateLimits = 0
        attempt(() => accountTable.save(account))
      }
      listeners.tell()
    },

    async dropBindings(account) {
      attempt(() => bindingTable.dropAll(account))
    },

    async setHold(key, hold) {
      const account = leases.account(key)
      leases.hold(account, hold)
      attempt(() => accountTable.save(account))
    },

    holds() {
      const held = new Map<string, AccountHold>()
      for (const { account } of leases.accounts()) {
        const { hold } = leases.state(account)
        if (hold) held.set(account, hold)
      }
      return held
    },

    isHeld: (account) => leases.state(account).hold !== undefined,

    async accountStates(accounts) {
      return new Map(accounts.map((account) => [account, leases.state(account)]))
    },

    isStateKept: options.dataDir === undefined || database.location() !== null,

    onChange: listeners.add,

    async saveRecord(kind, id, text) {
      insist(() => recordTable.save(kind, id, text))
    },

    async addRecord(kind, id, text) {
      return insist(() => recordTable.add(kind, id, text))
    },

    async removeRecord(kind, id) {
      insist(() => recordTable.remove(kind, id))
      // The pages of before are still in the write-ahead log, and a cookie with them.
      if (kind === 'account') attempt(() => database.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
    },

    async changeRecords(kind, changes) {
      insist(() => recordTable.change(kind, changes))
      if (kind === 'account' && [...changes.values()].includes(undefined))
        attempt(() => database.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
    },

    async records(kind, ids) {
      return insist(() => (ids ? recordTable.some(kind, ids) : recordTable.all(kind)))
    },

    async saveDocument(kind, document) {
      insist(() => documentTable.save(kind, document))
    },

    async replaceDocument(kind, id, text) {
      return insist(() => documentTable.replace(kind, id, text))
    },

    async findDocument(kind, id) {
      return insist(() => documentTable.find(kind, id))
    },

    async listDocuments(kind, owner, limit) {
      return insist(() => documentTable.list(kind, owner, limit))
    },

    async touchDocuments(kind, ids) {
      insist(() => documentTable.touch(kind, ids))
    },

    async removeDocument(kind, id) {
      return insist(() => documentTable.remove(kind, id))
    },

    onForeignRecords: () => () => {},

    async close() {
      listeners.clear()
      countBuffer.flush()
      if (database.isOpen) database.close()
    },
  }
}
