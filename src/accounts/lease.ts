import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { type ServiceError, UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import {
  type AccountHold,
  type CountedAttempt,
  holdName,
  type LeaseRelease,
  type Store,
} from '../store/store.ts'
import type { ChatBinding, LeaseUse } from './chat-bindings.ts'
import type { ChatDeletions } from './chat-deletions.ts'
import type { AccountVerdict, Cooldowns } from './cooldowns.ts'

/** One account, in use by one attempt. */
export interface Lease {
  readonly account: Account
  /** The chat to continue: the operator's pin for the model (for images: for the account), else the stored binding of
   *  (account, model). */
  readonly chatId: string | undefined
  /** `chatId` is the operator's own (MODEL_CHAT_MAP, SESSION_IMAGE_CHAT_MAP). */
  readonly chatPinned: boolean
  /** Aborts with a ServiceError as its reason when a renewal fails: another request may have the account now. Made when it is
   *  first read; `onLost` costs less. */
  readonly lost: AbortSignal
  /** Calls back when `lost` aborts, at once when it has. A listener must not throw. @returns unsubscribe */
  onLost(listener: (reason: ServiceError) => void): () => void
  /** Ends the lease and stores what was learnt; only the first call counts. Never rejects: a lease that cannot be ended lapses. */
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
  /** It was never used: not even an attempt to count. */
  | { readonly type: 'unused' }

/** What all leases of a pool share. */
export interface LeaseContext {
  readonly store: Pick<Store, 'releaseLease' | 'setHold'>
  readonly renewal: Pick<LeaseRenewal, 'start' | 'stop'>
  readonly cooldowns: Cooldowns
  /** Takes the chat of the attempt once the lease has ended, unless it is bound or was continued. */
  readonly chatDeletions: Pick<ChatDeletions, 'add'> | undefined
  readonly clock: Clock
  readonly logger: Logger
}

export interface LeaseTerms {
  readonly account: Account
  readonly leaseId: string
  readonly model: string
  readonly use: LeaseUse
  readonly caller: string | undefined
  /** Undefined: the lease neither continues a chat nor is its chat stored. */
  readonly binding: ChatBinding | undefined
}

/** A lease that the store has just given: renewed until it is released. */
export class PoolLease implements Lease {
  readonly account: Account
  readonly leaseId: string
  readonly #context: LeaseContext
  readonly #terms: LeaseTerms
  readonly #leasedMs: number
  #ended: Promise<void> | undefined
  #lostReason: ServiceError | undefined
  #lost: AbortController | undefined
  #listeners: Set<(reason: ServiceError) => void> | undefined

  constructor(context: LeaseContext, terms: LeaseTerms) {
    this.account = terms.account
    this.leaseId = terms.leaseId
    this.#context = context
    this.#terms = terms
    this.#leasedMs = context.clock.now()
    context.renewal.start(this)
  }

  get chatId(): string | undefined {
    return this.#terms.binding?.chatId
  }

  get chatPinned(): boolean {
    return this.#terms.binding?.pinned ?? false
  }

  get lost(): AbortSignal {
    if (!this.#lost) {
      this.#lost = new AbortController()
      if (this.#lostReason) this.#lost.abort(this.#lostReason)
    }
    return this.#lost.signal
  }

  onLost(listener: (reason: ServiceError) => void): () => void {
    if (this.#lostReason) {
      listener(this.#lostReason)
      return () => {}
    }
    this.#listeners ??= new Set()
    const listeners = this.#listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  release(outcome: LeaseOutcome): Promise<void> {
    this.#ended ??= this.#end(outcome)
    return this.#ended
  }

  /** The renewal found it lapsed or taken over. */
  lose(reason: ServiceError): void {
    this.#lostReason = reason
    this.#lost?.abort(reason)
    for (const listener of this.#listeners ?? []) listener(reason)
  }

  async #end(outcome: LeaseOutcome): Promise<void> {
    const { store, renewal, chatDeletions, logger } = this.#context
    const { account, leaseId, model, use, caller, binding } = this.#terms
    renewal.stop(this)
    try {
      let chatId: string | null | undefined
      let hold: AccountHold | undefined
      // Of a lost lease the store would take nothing: another request has the account by now.
      if (this.#lostReason === undefined) {
        if (outcome.type === 'succeeded') chatId = binding?.answeredIn(outcome.chatId)
        if (outcome.type === 'failed') {
          if (outcome.dropBinding) chatId = binding?.stale()
          const name = outcome.verdict.type === 'cool-down' ? holdName(account.key, use) : account.key
          hold = await this.#context.cooldowns.holdFor(name, outcome.verdict, this.#leasedMs)
          if (hold && name !== account.key) {
            await store.setHold(name, hold)
            hold = undefined
          }
        }
      }
      const succeeded = outcome.type === 'succeeded' && this.#lostReason === undefined
      const counted = countedOf(outcome, caller)
      const release: LeaseRelease = { account: account.key, leaseId, model, chatId, hold, succeeded, counted }
      await store.releaseLease(release)
      const { createdChatId } = outcome
      if (createdChatId !== undefined && createdChatId !== binding?.chatId && createdChatId !== chatId)
        chatDeletions?.add(account, createdChatId)
    } catch (error) {
      logger.warn({ account: account.label, err: error }, 'a lease could not be ended: it will lapse')
    }
  }
}

function countedOf({ type }: LeaseOutcome, caller: string | undefined): CountedAttempt | undefined {
  return type === 'unused' ? undefined : { outcome: type, caller }
}

export interface LeaseRenewalOptions {
  readonly store: Pick<Store, 'extendLease'>
  readonly leaseMs: number
  readonly logger: Logger
}

/** Renews all leases of this process, one timer for all, every third of `leaseMs`; no timer while there are none. */
export class LeaseRenewal {
  readonly #options: LeaseRenewalOptions
  readonly #leases = new Set<PoolLease>()
  readonly #renewing = new Set<PoolLease>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: LeaseRenewalOptions) {
    this.#options = options
  }

  start(lease: PoolLease): void {
    this.#leases.add(lease)
    this.#timer ??= setInterval(() => this.#renewAll(), this.#options.leaseMs / 3).unref()
  }

  stop(lease: PoolLease): void {
    this.#leases.delete(lease)
    if (this.#leases.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #renewAll(): void {
    for (const lease of this.#leases) if (!this.#renewing.has(lease)) void this.#renew(lease)
  }

  async #renew(lease: PoolLease): Promise<void> {
    const { store, leaseMs, logger } = this.#options
    this.#renewing.add(lease)
    try {
      if (await store.extendLease({ account: lease.account.key, leaseId: lease.leaseId, leaseMs })) return
      // A lease that was released while the store was asked is not lost.
      if (!this.#leases.has(lease)) return
      this.stop(lease)
      lease.lose(new UnavailableError('dependency_unavailable', { message: lostMessage }))
    } catch (error) {
      // An unreachable store says nothing about who has the account; the next round asks again.
      logger.warn({ err: error }, 'a lease could not be renewed')
    } finally {
      this.#renewing.delete(lease)
    }
  }
}

const lostMessage = 'The lease of the account lapsed while it was answering. Send the request again.'
