import { randomUUID } from 'node:crypto'
import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { InvalidRequestError } from '../core/errors.ts'
import { createInTurn } from '../core/in-turn.ts'
import { createListeners } from '../core/listeners.ts'
import type { Logger } from '../core/logger.ts'
import { createSeal } from '../store/seal.ts'
import type { Store } from '../store/store.ts'
import { identityOf } from './account-identity.ts'
import { type AccountRecord, accountOf, secretOf } from './account-record.ts'
import { type AccountChange, changeRecord } from './change-record.ts'
import { createKeptAccounts, type KeptAccountsOptions } from './kept-accounts.ts'
import { type AccountEntry, mergeAccounts } from './merge-accounts.ts'

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
  readonly store: KeptAccountsOptions['store'] & Pick<Store, 'clearHold' | 'onForeignRecords'>
  /** STATE_KEY. */
  readonly stateKeys: Parameters<typeof createSeal>[0]
  readonly clock: Clock
  readonly logger: Logger
}

const maxAccounts = 10_000

export function createAccountRoster(options: AccountRosterOptions): AccountRoster {
  const { accounts: settings, store, clock, logger } = options
  const kept = createKeptAccounts({ store, seal: createSeal(options.stateKeys), logger })
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
    records = await kept.read()
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
    await kept.save(randomUUID(), { secret, proxyUrl, note, paused, addedMs: clock.now() })
    await store.clearHold(account.key)
  }

  async function changeOne(label: string, change: AccountChange): Promise<AccountEntry> {
    const entry = find(label)
    const { account } = change
    const twin = account && byIdentity.get(identityOf(account))
    if (twin && twin !== entry) throw alreadyThere(twin)
    const record = entry.recordId === undefined ? undefined : records.get(entry.recordId)
    await kept.save(entry.recordId ?? randomUUID(), changeRecord(record, entry, change, clock.now()))
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
      if (standsFor) await kept.save(id, { standsFor, removed: true })
      else await kept.remove(id)
    }
    for (const { key } of settings.filter((each) => identityOf(each) === identity && !stoodFor.has(each.key)))
      await kept.save(randomUUID(), { standsFor: key, removed: true })
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
