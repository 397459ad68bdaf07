import type { Account } from '../core/account.ts'
import { type AccountRecord, secretOf } from './account-record.ts'
import type { AccountEntry } from './merge-accounts.ts'

/** What is absent stays; `null` takes away. */
export interface AccountChange {
  /** The new secret, with a proxy if it is to change too. */
  readonly account?: Account | undefined
  readonly note?: string | null | undefined
  readonly proxyUrl?: string | null | undefined
  readonly paused?: boolean | undefined
}

const maxFormerKeys = 8

/** The record of an entry after a change. Pure.
 *  @param record  as it is; undefined for an account of the settings that nothing was changed of yet */
export function changeRecord(
  record: AccountRecord | undefined,
  { account, formerKeys }: AccountEntry,
  change: AccountChange,
  nowMs: number,
): AccountRecord {
  return {
    ...(record ?? { standsFor: account.key }),
    ...(change.account && {
      secret: secretOf(change.account),
      addedMs: nowMs,
      formerKeys: [account.key, ...formerKeys].slice(0, maxFormerKeys),
    }),
    ...(change.account?.proxyUrl && { proxyUrl: change.account.proxyUrl }),
    ...(change.proxyUrl !== undefined && { proxyUrl: change.proxyUrl }),
    ...(change.note !== undefined && { note: change.note ?? undefined }),
    ...(change.paused !== undefined && { paused: change.paused }),
  }
}
