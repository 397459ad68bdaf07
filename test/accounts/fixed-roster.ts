import { type AccountRoster, createMergeAccounts } from '../../src/accounts/account-roster.ts'
import type { Account } from '../../src/core/account.ts'

/** The accounts of the settings alone, for ever. */
export function fixedRoster(accounts: readonly Account[]): Pick<AccountRoster, 'entries' | 'onChange'> {
  const entries = [...createMergeAccounts(accounts)(new Map()).values()]
  return { entries: () => entries, onChange: () => () => {} }
}
