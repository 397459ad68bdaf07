import type { Lease, LeaseOutcome } from '../accounts/lease.ts'
import { ServiceError, UpstreamError } from '../core/errors.ts'
import { judgeAccount } from './next-move.ts'

export interface Settlement {
  /** @param chatId  the chat to bind (account, model) to */
  succeeded(chatId: string | undefined): Promise<void>
  /** Judges the account by what went wrong. @returns what to throw */
  failed(error: unknown): Promise<unknown>
  abandoned(): Promise<void>
}

export interface SettlementOptions {
  readonly lease: Lease
  /** The attempt's: an abort settles it as abandoned, whoever is or is not waiting for the answer. */
  readonly signal: AbortSignal
  readonly countOutcome: (outcome: string) => void
}

/** Ends one lease by how its attempt went. Only the first word counts. */
export function createSettlement({ lease, signal, countOutcome }: SettlementOptions): Settlement {
  let settled: Promise<void> | undefined

  // A client may leave after the commit point and before the first pull, when no generator would notice.
  const onAbort = () => void settle({ type: 'abandoned' }, 'aborted')
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()

  function settle(outcome: LeaseOutcome, name: string): Promise<void> {
    if (settled) return settled
    signal.removeEventListener('abort', onAbort)
    countOutcome(name)
    settled = lease.release(outcome)
    return settled
  }

  return {
    succeeded: (chatId) => settle({ type: 'succeeded', ...(chatId !== undefined && { chatId }) }, 'ok'),
    abandoned: () => settle({ type: 'abandoned' }, 'aborted'),
    async failed(error) {
      if (signal.aborted) {
        await settle({ type: 'abandoned' }, 'aborted')
        return signal.reason
      }
      if (error instanceof UpstreamError) {
        const dropBinding = error.kind === 'binding-stale'
        const verdict = judgeAccount(error)
        await settle({ type: 'failed', verdict, ...(dropBinding && { dropBinding }) }, error.kind)
      } else {
        await settle({ type: 'abandoned' }, error instanceof ServiceError ? error.code : 'internal_error')
      }
      return error
    },
  }
}
