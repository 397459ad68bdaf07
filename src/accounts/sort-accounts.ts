import type { Account } from '../core/account.ts'
import type { AccountEntry } from './merge-accounts.ts'

/** The accounts that may be leased. */
export interface AccountTiers {
  readonly byKey: ReadonlyMap<string, Account>
  /** Keys, by kind. */
  readonly apiKeys: readonly string[]
  readonly cookies: readonly string[]
}

export function sortAccounts(entries: readonly AccountEntry[]): AccountTiers {
  const accounts = entries.filter(({ paused }) => !paused).map(({ account }) => account)
  const keysOf = (kind: Account['kind']) =>
    accounts.filter((account) => account.kind === kind).map(({ key }) => key)
  return {
    byKey: new Map(accounts.map((account) => [account.key, account])),
    apiKeys: keysOf('api-key'),
    cookies: keysOf('cookie'),
  }
}
