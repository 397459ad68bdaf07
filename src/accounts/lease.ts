import type { Account } from '../core/account.ts'
import type { CoolingKind } from '../store/store.ts'

/** One account for one attempt. */
export interface Lease {
  readonly account: Account
  /** The chat to continue: the pin of MODEL_CHAT_MAP, else the stored binding. */
  readonly chatId: string | undefined
  /** `chatId` is the operator's own (MODEL_CHAT_MAP). */
  readonly chatPinned: boolean
  /** Whether `chatId` is the operator's pin. */
  readonly chatPinned: boolean
  /** Aborts when a renewal finds the lease lapsed or taken over. */
  readonly lost: AbortSignal
  /** Ends the lease; only the first call counts. Never rejects: a lease that cannot be ended lapses. */
  release(outcome: LeaseOutcome): Promise<void>
}

export type LeaseOutcome =
  /** `chatId`: bind (account, model) to it. */
  | { readonly type: 'succeeded'; readonly chatId?: string }
  | { readonly type: 'failed'; readonly verdict: AccountVerdict; readonly dropBinding?: boolean }
  /** The client left: no fault of the account. */
  | { readonly type: 'abandoned' }

/** What a failed attempt says about its account. */
export type AccountVerdict = { readonly type: 'keep' } | CoolDown | { readonly type: 'sign-out' }

export interface CoolDown {
  readonly type: 'cool-down'
  readonly kind: CoolingKind
  /** From now, the site's own word. */
  readonly retryAfterMs?: number
  /** When a spent quota comes back, in ms since the epoch. */
  readonly untilMs?: number
}
