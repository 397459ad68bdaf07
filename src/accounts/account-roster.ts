import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { InvalidRequestError } from '../core/errors.ts'
import { createInTurn } from '../core/in-turn.ts'
import { listDifference } from '../core/list-difference.ts'
import { createListeners } from '../core/listeners.ts'
import type { Logger } from '../core/logger.ts'
import { createSeal } from '../store/seal.ts'
import { holdName, type Store } from '../store/store.ts'
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
  const mergeAccounts = createMergeAccounts(settings)
  let records: ReadonlyMap<string, AccountRecord> = new Map()
  let byIdentity = mergeAccounts(records)
  let entries = [...byIdentity.values()]
  const keys = new Set(entries.map(({ account }) => account.key))
  /** Changes are made one after the other: two that add one account must not both find it missing. */
  const inTurn = createInTurn()
  let out: ReadonlySet<string> = new Set()

  const unsubscribe = store.onForeignRecords((kind, ids) => {
    if (kind === 'account') void inTurn(() => reload(ids)).catch(warn)
  })
  const warn = (error: unknown) => logger.warn({ err: error }, 'the kept accounts could not be read')

  let isRead = false

  /** @param ids  of the records that have changed; absent: nobody knows */
  async function reload(ids?: readonly string[]): Promise<void> {
    records = await stored.read(ids)
    await mergeAccounts.prepare(records)
    const before = entries
    byIdentity = mergeAccounts(records)
    if (ids?.some(isSecond)) {
      // Two replicas added one account at once: the store's order says which of them it is.
      records = await stored.read()
      byIdentity = mergeAccounts(records)
    }
    entries = markTwins()
    const { gone, come } = listDifference(before, entries)
    for (const { account } of gone) keys.delete(account.key)
    for (const { account } of come) keys.add(account.key)
    const goneKeys = gone.map(({ account }) => account.key).filter((key) => !keys.has(key))
    for (const key of goneKeys) options.onGone?.(key)
    // Before the first there is nothing to judge by.
    if (goneKeys.length > 0 || !isRead) sessions.retain((key) => keys.has(key))
    isRead = true
    listeners.tell()
  }

  /** Further sessions of one person have its limits and its plan: as accounts of their own they would be counted twice, and be
   *  switched to for nothing. */
  function markTwins(): AccountEntry[] {
    const first = new Map<string, string>()
    return Array.from(byIdentity.values(), (entry) => {
      const { key, label } = entry.account
      const person = sessions.personOf(key)
      if (person === undefined || entry.paused || out.has(key)) return entry
      const twinOf = first.get(person)
      if (twinOf === undefined) first.set(person, label)
      return twinOf === undefined ? entry : { ...entry, twinOf }
    })
  }

  /** @returns those that were not marked before */
  function remark(): readonly AccountEntry[] {
    const before = new Map(entries.map(({ account, twinOf }) => [account.key, twinOf]))
    const marked = markTwins()
    if (marked.every(({ account, twinOf }) => before.get(account.key) === twinOf)) return []
    entries = marked
    listeners.tell()
    return entries.filter(({ account, twinOf }) => twinOf !== undefined && !before.get(account.key))
  }

  /** The record makes an account that another one has made. */
  function isSecond(id: string): boolean {
    const made = mergeAccounts.entryOf(id, records.get(id))
    return made !== undefined && byIdentity.get(made[0]) !== made[1]
  }

  /** Finds the entry that an account already is: by what was imported, or by what the site has made of it since. */
  function twins(): (account: Account) => AccountEntry | undefined {
    const renewed = new Map<string, AccountEntry>()
    for (const entry of entries) {
      const { account } = entry
      if (account.kind !== 'cookie') continue
      const cookie = sessions.cookieOf(account)
      if (cookie !== account.cookie) renewed.set(findSession(cookie) ?? account.cookie, entry)
    }
    return (account) => byIdentity.get(identityOf(account)) ?? renewed.get(identityOf(account))
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
    const twinBefore = twins()
    for (const each of added) {
      const identity = identityOf(each.account)
      if (!twinBefore(each.account) && !fresh.has(identity)) fresh.set(identity, each)
    }
    const made = recordsOf([...fresh.values()])
    try {
      await keepAll(made, [...fresh.values()])
    } finally {
      await reload([...made.keys()])
    }
    const twinOf = twins()
    return added.flatMap((each) => {
      const entry = twinOf(each.account)
      return entry ? [{ entry, isNew: fresh.get(identityOf(each.account)) === each }] : []
    })
  }

  function recordsOf(added: readonly NewAccount[]): ReadonlyMap<string, AccountRecord> {
    const addedMs = clock.now()
    return new Map(
      added.map(({ account, note, paused, endsMs }) => {
        const { proxyUrl = null } = account
        return [randomUUID(), { secret: secretOf(account), proxyUrl, note, paused, endsMs, addedMs }]
      }),
    )
  }

  async function keepAll(
    made: ReadonlyMap<string, AccountRecord>,
    added: readonly NewAccount[],
  ): Promise<void> {
    if (made.size === 0) return
    await stored.saveAll(made)
    // Of an earlier time, when these accounts were there before.
    for (const { account } of added) await sessions.pasted(account.key)
    await store.clearHold(...added.flatMap(({ account }) => holdNamesOf(account.key)))
  }

  async function changeOne(label: string, change: AccountChange): Promise<AccountEntry> {
    const entry = find(label)
    const { account } = change
    const twin = account && twins()(account)
    if (twin && twin.account.key !== entry.account.key) throw alreadyThere(twin)
    const record = entry.recordId === undefined ? undefined : records.get(entry.recordId)
    const id = entry.recordId ?? randomUUID()
    await stored.save(id, changeRecord(record, entry, change, clock.now()))
    if (account) await beginAnew(entry.account.key, account.key)
    await reload([id])
    return find(longLabel(account ?? entry.account))
  }

  async function replaceOne(older: AccountEntry, newer: AccountEntry): Promise<void> {
    const record = older.recordId === undefined ? undefined : records.get(older.recordId)
    const { account, note = older.note, endsMs, recordId } = newer
    const change = { account, note, endsMs, ...(newer.paused && { paused: true }) }
    const id = older.recordId ?? randomUUID()
    await stored.save(id, changeRecord(record, older, change, clock.now()))
    if (recordId !== undefined) await stored.remove(recordId)
    await sessions.forget(older.account.key)
    await store.clearHold(...holdNamesOf(older.account.key))
    await reload(recordId === undefined ? [id] : [id, recordId])
  }

  /** What is pasted wins over what the site made of the cookie before. */
  async function beginAnew(key: string, newKey: string): Promise<void> {
    await sessions.pasted(newKey)
    if (newKey !== key) await sessions.forget(key)
    await store.clearHold(...holdNamesOf(key), ...(newKey === key ? [] : holdNamesOf(newKey)))
  }

  /** Leaves nothing behind that would make the account again. */
  async function removeOne(label: string): Promise<void> {
    const { account } = find(label)
    const identity = identityOf(account)
    const stoodFor = new Set<string>()
    const changed: string[] = []
    for (const [id, record] of records) {
      const { standsFor } = record
      if (standsFor) stoodFor.add(standsFor)
      const base = settings.find(({ key }) => key === standsFor)
      const made = accountOf(record, base)
      if (!made || identityOf(made) !== identity) continue
      changed.push(id)
      if (standsFor) await stored.save(id, { standsFor, removed: true })
      else await stored.remove(id)
    }
    for (const { key } of settings.filter(
      (each) => identityOf(each) === identity && !stoodFor.has(each.key),
    )) {
      const id = randomUUID()
      changed.push(id)
      await stored.save(id, { standsFor: key, removed: true })
    }
    await sessions.forget(account.key)
    await Promise.all([store.clearHold(...holdNamesOf(account.key)), store.dropBindings(account.key)])
    await reload(changed)
  }

  return {
    async open() {
      await inTurn(() => reload()).catch(warn)
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

/** Of the account and of each of its uses. */
const holdNamesOf = (key: string): readonly string[] => [key, holdName(key, 'image'), holdName(key, 'video')]

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

/** Nobody waits while thousands are made. */
const entriesAtOnce = 100

/** Makes the one pool of the accounts of the settings and of the records, by identity; where both know one, the record wins. A record
 *  that has not changed is the same object, and its entry is as well: thousands are merged within a millisecond or two. */
export function createMergeAccounts(settings: readonly Account[]) {
  const bases = new Map(settings.map((account) => [account.key, account]))
  const ofSettings = settings.map((account) => [identityOf(account), settingsEntry(account)] as const)
  const made = new WeakMap<AccountRecord, readonly [identity: string, AccountEntry] | undefined>()

  function entryOf(recordId: string, record: AccountRecord | undefined) {
    if (!record || made.has(record)) return record && made.get(record)
    const account = accountOf(record, record.standsFor ? bases.get(record.standsFor) : undefined)
    const entry = account && ([identityOf(account), recordedEntry(recordId, record, account)] as const)
    made.set(record, entry)
    return entry
  }

  function mergeAccounts(records: ReadonlyMap<string, AccountRecord>): ReadonlyMap<string, AccountEntry> {
    const entries = new Map<string, AccountEntry>()
    const stoodFor = new Set<string>()
    for (const [recordId, record] of records) {
      if (record.standsFor) stoodFor.add(record.standsFor)
      const entry = entryOf(recordId, record)
      if (entry && !entries.has(entry[0])) entries.set(entry[0], entry[1])
    }
    for (const [identity, entry] of ofSettings)
      if (!stoodFor.has(entry.account.key) && !entries.has(identity)) entries.set(identity, entry)
    return entries
  }

  /** What many new ones cost, some at a time. */
  async function prepare(records: ReadonlyMap<string, AccountRecord>): Promise<void> {
    let fresh = 0
    for (const [recordId, record] of records) {
      if (made.has(record)) continue
      entryOf(recordId, record)
      fresh += 1
      if (fresh % entriesAtOnce === 0) await nextTurn()
    }
  }

  return Object.assign(mergeAccounts, { entryOf, prepare })
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
