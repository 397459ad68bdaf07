import { randomUUID } from 'node:crypto'
import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { InvalidRequestError } from '../core/errors.ts'
import { createInTurn } from '../core/in-turn.ts'
import { createListeners } from '../core/listeners.ts'
import type { Logger } from '../core/logger.ts'
import { createSeal } from '../store/seal.ts'
import type { Store } from '../store/store.ts'
import {
  type AccountChange,
  type AccountRecord,
  type AccountRecordsOptions,
  accountOf,
  changeRecord,
  createAccountRecords,
  secretOf,
} from './account-record.ts'
import { identityOf } from './cookie-header.ts'

/** Which accounts there are: those of the settings and those added while the service runs, one pool. A change is kept in the
 *  store before it is seen; one that cannot be kept is not made. */
export interface AccountRoster {
  /** Reads what is kept; until then there are the accounts of the settings. Never rejects. */
  open(): Promise<void>
  /** A new list after each change. */
  entries(): readonly AccountEntry[]
  /** @param label  `acc_…` @throws {InvalidRequestError} `not_found` */
  find(label: string): AccountEntry
  /** The account with this key, or that had it before its secret was replaced. */
  byKey(key: string): Account | undefined
  /** Calls back after each change. @returns unsubscribe */
  onChange(listener: () => void): () => void
  /** @throws {InvalidRequestError} when there would be too many; then none is added */
  add(accounts: readonly NewAccount[]): Promise<readonly AddedAccount[]>
  /** @returns the entry as it is now; a new secret gives it a new label. @throws {InvalidRequestError} */
  change(label: string, change: AccountChange): Promise<AccountEntry>
  /** It does not come back by the settings alone, only by being added. @throws {InvalidRequestError} `not_found` */
  remove(label: string): Promise<void>
  close(): void
}

export interface NewAccount {
  readonly account: Account
  readonly note?: string | undefined
  readonly paused?: boolean | undefined
}

export interface AddedAccount {
  readonly entry: AccountEntry
  /** False: it was there already, and stays as it was. */
  readonly isNew: boolean
}

export interface AccountRosterOptions {
  /** Of GS_COOKIE and GENSPARK_API_KEY. */
  readonly accounts: readonly Account[]
  readonly store: AccountRecordsOptions['store'] & Pick<Store, 'clearHold' | 'onForeignRecords'>
  /** STATE_KEY. */
  readonly stateKeys: Parameters<typeof createSeal>[0]
  readonly clock: Clock
  readonly logger: Logger
}

const maxAccounts = 10_000

export function createAccountRoster(options: AccountRosterOptions): AccountRoster {
  const { accounts: settings, store, clock, logger } = options
  const stored = createAccountRecords({ store, seal: createSeal(options.stateKeys), logger })
  const listeners = createListeners()
  let records: ReadonlyMap<string, AccountRecord> = new Map()
  let byIdentity = mergeAccounts(settings, records)
  let entries = [...byIdentity.values()]
  /** Changes are made one after the other: two that add one account must not both find it missing. */
  const inTurn = createInTurn()

  const unsubscribe = store.onForeignRecords((kind) => {
    if (kind === 'account') void inTurn(reload).catch(warn)
  })
  const warn = (error: unknown) => logger.warn({ err: error }, 'the kept accounts could not be read')

  async function reload(): Promise<void> {
    records = await stored.read()
    byIdentity = mergeAccounts(settings, records)
    entries = [...byIdentity.values()]
    listeners.tell()
  }

  function find(label: string): AccountEntry {
    const entry = entries.find(({ account }) => account.label === label)
    if (entry) return entry
    throw new InvalidRequestError('not_found', { message: 'There is no such account.' })
  }

  async function addAll(added: readonly NewAccount[]): Promise<readonly AddedAccount[]> {
    if (entries.length + added.length > maxAccounts) throw tooMany()
    const fresh = new Map<string, NewAccount>()
    for (const each of added) {
      const identity = identityOf(each.account)
      if (!byIdentity.has(identity) && !fresh.has(identity)) fresh.set(identity, each)
    }
    try {
      for (const each of fresh.values()) await keep(each)
    } finally {
      await reload()
    }
    return added.flatMap((each) => {
      const identity = identityOf(each.account)
      const entry = byIdentity.get(identity)
      return entry ? [{ entry, isNew: fresh.get(identity) === each }] : []
    })
  }

  async function keep({ account, note, paused }: NewAccount): Promise<void> {
    const { proxyUrl = null } = account
    const secret = secretOf(account)
    await stored.save(randomUUID(), { secret, proxyUrl, note, paused, addedMs: clock.now() })
    await store.clearHold(account.key)
  }

  async function changeOne(label: string, change: AccountChange): Promise<AccountEntry> {
    const entry = find(label)
    const { account } = change
    const twin = account && byIdentity.get(identityOf(account))
    if (twin && twin !== entry) throw alreadyThere(twin)
    const record = entry.recordId === undefined ? undefined : records.get(entry.recordId)
    await stored.save(entry.recordId ?? randomUUID(), changeRecord(record, entry, change, clock.now()))
    if (account) await Promise.all([store.clearHold(entry.account.key), store.clearHold(account.key)])
    await reload()
    return find((account ?? entry.account).label)
  }

  /** Leaves nothing behind that would make the account again. */
  async function removeOne(label: string): Promise<void> {
    const { account } = find(label)
    const identity = identityOf(account)
    const stoodFor = new Set<string>()
    for (const [id, record] of records) {
      const { standsFor } = record
      if (standsFor) stoodFor.add(standsFor)
      const base = settings.find(({ key }) => key === standsFor)
      const made = accountOf(record, base)
      if (!made || identityOf(made) !== identity) continue
      if (standsFor) await stored.save(id, { standsFor, removed: true })
      else await stored.remove(id)
    }
    for (const { key } of settings.filter((each) => identityOf(each) === identity && !stoodFor.has(each.key)))
      await stored.save(randomUUID(), { standsFor: key, removed: true })
    await store.clearHold(account.key)
    await reload()
  }

  return {
    open: () => inTurn(reload).catch(warn),
    entries: () => entries,
    find,
    byKey: (key) =>
      (
        entries.find(({ account }) => account.key === key) ??
        entries.find(({ formerKeys }) => formerKeys.includes(key))
      )?.account,
    onChange: listeners.add,
    add: (added) => inTurn(() => addAll(added)),
    change: (label, change) => inTurn(() => changeOne(label, change)),
    remove: (label) => inTurn(() => removeOne(label)),
    close() {
      unsubscribe()
      listeners.clear()
    },
  }
}

const alreadyThere = ({ account }: AccountEntry) =>
  new InvalidRequestError('invalid_value', { message: `This is the account ${account.label} already.` })

const tooMany = () =>
  new InvalidRequestError('invalid_value', { message: `There can be no more than ${maxAccounts} accounts.` })

/** One account of the pool. */
export interface AccountEntry {
  readonly account: Account
  /** The operator's own words for it. */
  readonly note: string | undefined
  /** Not leased; answers under way continue. */
  readonly paused: boolean
  /** From GS_COOKIE or GENSPARK_API_KEY, or added (or replaced) while the service ran. */
  readonly source: 'settings' | 'added'
  readonly addedMs: number | undefined
  /** Keys before its secret was replaced. */
  readonly formerKeys: readonly string[]
  /** Of the record that made or changed it. */
  readonly recordId: string | undefined
}

/** The one pool of the accounts of the settings and of the records, by identity; where both know one, the record wins. Pure. */
export function mergeAccounts(
  settings: readonly Account[],
  records: ReadonlyMap<string, AccountRecord>,
): ReadonlyMap<string, AccountEntry> {
  const bases = new Map(settings.map((account) => [account.key, account]))
  const entries = new Map<string, AccountEntry>()
  const stoodFor = new Set<string>()
  for (const [recordId, record] of records) {
    if (record.standsFor) stoodFor.add(record.standsFor)
    const account = accountOf(record, record.standsFor ? bases.get(record.standsFor) : undefined)
    if (account && !entries.has(identityOf(account)))
      entries.set(identityOf(account), recordedEntry(recordId, record, account))
  }
  for (const account of settings) {
    if (stoodFor.has(account.key) || entries.has(identityOf(account))) continue
    entries.set(identityOf(account), settingsEntry(account))
  }
  return entries
}

function recordedEntry(recordId: string, record: AccountRecord, account: Account): AccountEntry {
  const { note, paused = false, addedMs, formerKeys = [] } = record
  const source = record.secret ? 'added' : 'settings'
  return { account, note, paused, source, addedMs, formerKeys, recordId }
}

const settingsEntry = (account: Account): AccountEntry => ({
  account,
  note: undefined,
  paused: false,
  source: 'settings',
  addedMs: undefined,
  formerKeys: [],
  recordId: undefined,
})
