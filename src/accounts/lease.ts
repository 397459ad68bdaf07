import type { Account } from '../core/account.ts'
import type { CoolingKind } from '../store/store.ts'

/** One account, held for one attempt. */
export interface Lease {
  readonly account: Account
  /** The chat to continue: the operator's pin for the model (for images: for the account), else the stored binding of
   *  (account, model). */
  readonly chatId: string | undefined
  /** `chatId` is the operator's own (MODEL_CHAT_MAP, SESSION_IMAGE_CHAT_MAP). */
  readonly chatPinned: boolean
  /** Aborts with a ServiceError as its reason when a renewal fails: somebody else may hold the account now. */
  readonly lost: AbortSignal
  /** Ends the lease and writes what was learnt; only the first call counts. Never rejects: a lease that cannot be ended lapses. */
  release(outcome: LeaseOutcome): Promise<void>
}

export type LeaseOutcome = LeaseResult & {
  /** The chat in which the site answered, or began to (`project-started`), however it ended. With AUTO_DEL_CHAT it is deleted
   *  unless it was continued, is bound now or is the operator's own. */
  readonly createdChatId?: string
}

type LeaseResult =
  /** `chatId`: bind (account, model) to it. */
  | { readonly type: 'succeeded'; readonly chatId?: string }
  | { readonly type: 'failed'; readonly verdict: AccountVerdict; readonly dropBinding?: boolean }
  /** The client left, or the service ends: no fault of the account. */
  | { readonly type: 'abandoned' }
  /** Nobody was there any more to use it: not even an attempt to count. */
  | { readonly type: 'unused' }

export type AccountVerdict = { readonly type: 'keep' } | CoolDown | { readonly type: 'sign-out' }

/** Without a time given the pool backs off by itself. */
export interface CoolDown {
  readonly type: 'cool-down'
  readonly kind: CoolingKind
  readonly retryAfterMs?: number
  /** In ms since the epoch. */
  readonly untilMs?: number
}
