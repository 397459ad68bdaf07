import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { LeaseRelease, Store } from '../store/store.ts'
import type { ChatBinding } from './chat-bindings.ts'
import type { ChatDeletions } from './chat-deletions.ts'
import type { Lease, LeaseOutcome } from './lease.ts'
import type { LeaseRenewal } from './lease-renewal.ts'
import type { VerdictHolds } from './verdict-holds.ts'

export interface HeldLeaseParts {
  readonly account: Account
  readonly leaseId: string
  readonly model: string
  readonly caller: string | undefined
  readonly binding: ChatBinding
  readonly store: Pick<Store, 'releaseLease'>
  readonly renewal: LeaseRenewal
  readonly verdictHolds: VerdictHolds
  /** Takes the chat of the attempt once the lease has ended, unless it is bound or was continued. */
  readonly chatDeletions: Pick<ChatDeletions, 'add'> | undefined
  readonly clock: Clock
  readonly logger: Logger
}

type Lesson = Pick<LeaseRelease, 'chatId' | 'hold' | 'succeeded'>

/** A lease that has just been taken: renewed from here on until it is released. */
export function holdLease(parts: HeldLeaseParts): Lease {
  const { account, leaseId, model, caller, binding, store, renewal, verdictHolds, chatDeletions, logger } =
    parts
  const leasedMs = parts.clock.now()
  const lost = renewal.start(account.key, leaseId)
  let ended: Promise<void> | undefined

  async function end(outcome: LeaseOutcome): Promise<void> {
    renewal.stop(leaseId)
    try {
      const lesson = await learn(outcome)
      const counted = outcome.type !== 'unused' && { outcome: outcome.type, ...(caller && { caller }) }
      const attempt = { account: account.key, leaseId, model, ...(counted && { counted }) }
      await store.releaseLease({ ...attempt, ...lesson })
      const { createdChatId } = outcome
      const kept = [binding.chatId, lesson.chatId]
      if (createdChatId !== undefined && !kept.includes(createdChatId))
        chatDeletions?.add(account, createdChatId)
    } catch (error) {
      logger.warn({ account: account.label, err: error }, 'a lease could not be ended: it will lapse')
    }
  }

  async function learn(outcome: LeaseOutcome): Promise<Lesson> {
    // Of a lost lease the store would take nothing: the account is another's by now.
    if (lost.aborted) return {}
    switch (outcome.type) {
      case 'abandoned':
      case 'unused':
        return {}
      case 'succeeded': {
        const chatId = binding.answeredIn(outcome.chatId)
        return { succeeded: true, ...(chatId !== undefined && { chatId }) }
      }
      case 'failed': {
        const chatId = outcome.dropBinding ? binding.stale() : undefined
        const hold = await verdictHolds.holdFor(account.key, outcome.verdict, leasedMs)
        return { ...(chatId !== undefined && { chatId }), ...(hold && { hold }) }
      }
      default:
        return outcome satisfies never
    }
  }

  return {
    account,
    chatId: binding.chatId,
    chatPinned: binding.pinned,
    lost,
    release(outcome) {
      ended ??= end(outcome)
      return ended
    },
  }
}
