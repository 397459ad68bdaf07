import { type AccountRoster, mergeAccounts } from '../../src/accounts/account-roster.ts'
import type { Account } from '../../src/core/account.ts'

/** The accounts of the settings alone, for ever. */
export function fixedRoster(accounts: readonly Account[]): Pick<AccountRoster, 'entries' | 'onChange'> {
  const entries = [...mergeAccounts(accounts, new Map()).values()]
  return { entries: () => entries, onChange: () => () => {} }
}
