import type { Account } from '../core/account.ts'
import { identityOf } from './account-identity.ts'
import { type AccountRecord, accountOf } from './account-record.ts'

/** One account of the pool. */
export interface AccountEntry {
  readonly account: Account
  /** The operator's own words for it. */
  readonly note: string | undefined
  /** Not leased; what it answers already goes on. */
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
