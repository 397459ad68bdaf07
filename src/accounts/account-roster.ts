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
import { type AccountSessions, createAccountSessions, type Identify } from './account-sessions.ts'
import { findSession, identityOf } from './cookie-header.ts'

/** Which accounts there are: those of the settings and those added while the service runs, one pool. A change is kept in the
 *  store before it is seen; one that cannot be kept is not made. */
export interface AccountRoster {
  /** Reads what is kept; until then there are the accounts of the settings. Never rejects. */
  open(): Promise<void>
  /** The cookies of the accounts as the site renewed them; `account.cookie` is what was imported. */
  readonly sessions: AccountSessions
  /** A new list after each change. */
  entries(): readonly AccountEntry[]
  /** @param label  `acc_…`, with all 16 digits of the key where others share the first eight
   *  @throws {InvalidRequestError} `not_found`, `invalid_value` where it names several */
  find(label: string): AccountEntry
  /** The account with this key, or that had it before its secret was replaced. */
  byKey(key: string): Account | undefined
  /** Calls back after each change. @returns unsubscribe */
  onChange(listener: () => void): () => void
  /** @throws {InvalidRequestError} when there would be too many; then none is added */
  add(accounts: readonly NewAccount[]): Promise<readonly AddedAccount[]>
  /** @returns the entry as it is now; a new secret gives it a new label. @throws {InvalidRequestError} */
  change(label: string, change: AccountChange): Promise<AccountEntry>
  /** One person by another session: the newer account stands in the place of the older, whose label, proxy and pause it takes
   *  over where it has none of its own. */
  replace(older: AccountEntry, newer: AccountEntry): Promise<void>
  /** It does not come back by the settings alone, only by being added. @throws {InvalidRequestError} `not_found` */
  remove(label: string): Promise<void>
  /** Accounts that are sessions of one person are used once: the first of them that is neither paused nor among `signedOut`.
   *  @param signedOut  keys of accounts
   *  @returns those that stand back and did not before */
  useOnce(signedOut: ReadonlySet<string>): readonly AccountEntry[]
  close(): void
}

export interface NewAccount {
  readonly account: Account
  readonly note?: string | undefined
  readonly paused?: boolean | undefined
  /** When its session ends, where what was pasted says so. */
  readonly endsMs?: number | undefined
}

export interface AddedAccount {
  readonly entry: AccountEntry
  /** False: it was there already, and stays as it was. */
  readonly isNew: boolean
}

export interface AccountRosterOptions {
  /** Of GS_COOKIE and GENSPARK_API_KEY. */
  readonly accounts: readonly Account[]
  readonly store: AccountRecordsOptions['store'] &
    Pick<Store, 'clearHold' | 'dropBindings' | 'onForeignRecords'>
  /** STATE_KEY. */
  readonly stateKeys: Parameters<typeof createSeal>[0]
  /** `Upstream.identify`: a renewed session is proven by it. */
  readonly identify?: Identify
  /** Told of the key of each account that is there no more, removed here or elsewhere. */
  readonly onGone?: (key: string) => void
  readonly clock: Clock
  readonly logger: Logger
}

const maxAccounts = 10_000

export function createAccountRoster(options: AccountRosterOptions): AccountRoster {
  const { accounts: settings, store, clock, logger } = options
  const seal = createSeal(options.stateKeys)
  const stored = createAccountRecords({ store, seal, logger })
  const sessions = createAccountSessions({ store, seal, clock, logger, identify: options.identify })
  const listeners = createListeners()
  let records: ReadonlyMap<string, AccountRecord> = new Map()
  let byIdentity: ReadonlyMap<string, AccountEntry> = mergeAccounts(settings, records)
  let entries = [...byIdentity.values()]
  /** Changes are made one after the other: two that add one account must not both find it missing. */
  const inTurn = createInTurn()
  let out: ReadonlySet<string> = new Set()

  const unsubscribe = store.onForeignRecords((kind) => {
    if (kind === 'account') void inTurn(reload).catch(warn)
  })
  const warn = (error: unknown) => logger.warn({ err: error }, 'the kept accounts could not be read')

  async function reload(): Promise<void> {
    records = await stored.read()
    const before = entries
    take(markTwins(mergeAccounts(settings, records)))
    const keys = new Set(entries.map(({ account }) => account.key))
    for (const { account } of before) if (!keys.has(account.key)) options.onGone?.(account.key)
    sessions.retain((key) => keys.has(key))
    listeners.tell()
  }

  /** Further sessions of one person have its limits and its plan: as accounts of their own they would be counted twice, and be
   *  switched to for nothing. */
  function markTwins(all: ReadonlyMap<string, AccountEntry>): ReadonlyMap<string, AccountEntry> {
    const first = new Map<string, string>()
    const marked = [...all].map(([identity, entry]): [string, AccountEntry] => {
      const { twinOf: _, ...alone } = entry
      const { key, label } = entry.account
      const person = sessions.personOf(key)
      if (person === undefined || entry.paused || out.has(key)) return [identity, alone]
      const twinOf = first.get(person)
      if (twinOf === undefined) first.set(person, label)
      return [identity, twinOf === undefined ? alone : { ...alone, twinOf }]
    })
    return new Map(marked)
  }

  function take(all: ReadonlyMap<string, AccountEntry>): void {
    byIdentity = all
    entries = [...all.values()]
  }

  /** @returns those that were not marked before */
  function remark(): readonly AccountEntry[] {
    const before = new Map(entries.map(({ account, twinOf }) => [account.key, twinOf]))
    const marked = markTwins(byIdentity)
    if ([...marked.values()].every(({ account, twinOf }) => before.get(account.key) === twinOf)) return []
    take(marked)
    listeners.tell()
    return entries.filter(({ account, twinOf }) => twinOf !== undefined && !before.get(account.key))
  }

  /** The entry that the account already is: by what was imported, or by what the site has made of it since. */
  function twinOf(account: Account): AccountEntry | undefined {
    const identity = identityOf(account)
    return byIdentity.get(identity) ?? entries.find((entry) => currentIdentityOf(entry) === identity)
  }

  function currentIdentityOf({ account }: AccountEntry): string {
    return account.kind === 'cookie'
      ? (findSession(sessions.cookieOf(account)) ?? account.cookie)
      : account.apiKey
  }

  function find(label: string): AccountEntry {
    const [entry, another] = entries.filter(
      ({ account }) => account.label === label || longLabel(account) === label,
    )
    if (another) throw ambiguous()
    if (entry) return entry
    throw new InvalidRequestError('not_found', { message: 'There is no such account.' })
  }

  async function addAll(added: readonly NewAccount[]): Promise<readonly AddedAccount[]> {
    if (entries.length + added.length > maxAccounts) throw tooMany()
    const fresh = new Map<string, NewAccount>()
    for (const each of added) {
      const identity = identityOf(each.account)
      if (!twinOf(each.account) && !fresh.has(identity)) fresh.set(identity, each)
    }
    try {
      await keepAll([...fresh.values()])
    } finally {
      await reload()
    }
    return added.flatMap((each) => {
      const entry = twinOf(each.account)
      return entry ? [{ entry, isNew: fresh.get(identityOf(each.account)) === each }] : []
    })
  }

  async function keepAll(added: readonly NewAccount[]): Promise<void> {
    const addedMs = clock.now()
    const made = added.map(({ account, note, paused, endsMs }): [string, AccountRecord] => {
      const { proxyUrl = null } = account
      return [randomUUID(), { secret: secretOf(account), proxyUrl, note, paused, endsMs, addedMs }]
    })
    if (made.length > 0) await stored.saveAll(new Map(made))
    for (const { account } of added) {
      // Of an earlier time, when this account was there before.
      await sessions.pasted(account.key)
      await store.clearHold(account.key)
    }
  }

  async function changeOne(label: string, change: AccountChange): Promise<AccountEntry> {
    const entry = find(label)
    const { account } = change
    const twin = account && twinOf(account)
    if (twin && twin !== entry) throw alreadyThere(twin)
    const record = entry.recordId === undefined ? undefined : records.get(entry.recordId)
    await stored.save(entry.recordId ?? randomUUID(), changeRecord(record, entry, change, clock.now()))
    if (account) await beginAnew(entry.account.key, account.key)
    await reload()
    return find(longLabel(account ?? entry.account))
  }

  async function replaceOne(older: AccountEntry, newer: AccountEntry): Promise<void> {
    const record = older.recordId === undefined ? undefined : records.get(older.recordId)
    const { account, note = older.note, endsMs, recordId } = newer
    const change = { account, note, endsMs, ...(newer.paused && { paused: true }) }
    await stored.save(older.recordId ?? randomUUID(), changeRecord(record, older, change, clock.now()))
    if (recordId !== undefined) await stored.remove(recordId)
    await sessions.forget(older.account.key)
    await store.clearHold(older.account.key)
    await reload()
  }

  /** What is pasted wins over what the site made of the cookie before. */
  async function beginAnew(key: string, newKey: string): Promise<void> {
    await sessions.pasted(newKey)
    if (newKey !== key) await sessions.forget(key)
    await Promise.all([store.clearHold(key), store.clearHold(newKey)])
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
    await sessions.forget(account.key)
    await Promise.all([store.clearHold(account.key), store.dropBindings(account.key)])
    await reload()
  }

  return {
    async open() {
      await inTurn(reload).catch(warn)
      await sessions.open()
      remark()
    },
    sessions,
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
    replace: (older, newer) => inTurn(() => replaceOne(older, newer)),
    remove: (label) => inTurn(() => removeOne(label)),
    useOnce(signedOut) {
      out = signedOut
      return remark()
    },
    close() {
      unsubscribe()
      sessions.close()
      listeners.clear()
    },
  }
}

/** Names the account where others share the eight digits of its label. */
export const longLabel = ({ key }: Account): string => `acc_${key}`

const ambiguous = () =>
  new InvalidRequestError('invalid_value', {
    message: 'Several accounts have this id: give the longer one that /admin/accounts lists.',
  })

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
  /** When the session that was imported ends, where its form said so. */
  readonly endsMs?: number | undefined
  /** Keys before its secret was replaced. */
  readonly formerKeys: readonly string[]
  /** Of the record that made or changed it. */
  readonly recordId: string | undefined
  /** Another session of the person of this account, which is used in its place. */
  readonly twinOf?: string
}

/** Whether requests may go to it. */
export const isUsed = ({ paused, twinOf }: AccountEntry): boolean => !paused && twinOf === undefined

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
  const { note, paused = false, addedMs, endsMs, formerKeys = [] } = record
  const source = record.secret ? 'added' : 'settings'
  return { account, note, paused, source, addedMs, endsMs, formerKeys, recordId }
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
