import type { Lease, LeaseOutcome } from '../accounts/lease.ts'
import { ServiceError, UpstreamError } from '../core/errors.ts'
import { judgeAccount } from './next-move.ts'

export interface Settlement {
  /** The project in which the site answers. */
  noteProject(projectId: string | undefined): void
  succeeded(): Promise<void>
  /** Judges the account by what went wrong. @returns what to throw */
  failed(error: unknown): Promise<unknown>
  abandoned(): Promise<void>
}

export interface SettlementOptions {
  readonly lease: Lease
  /** The attempt's: an abort settles it as abandoned, whoever is or is not waiting for the answer. */
  readonly signal: AbortSignal
  /** The chats of this wire generation are gone on with. */
  readonly bindsChats: boolean
  readonly countOutcome: (outcome: string) => void
}

/** Ends one lease by how its attempt went. Only the first word counts. */
export function createSettlement(options: SettlementOptions): Settlement {
  const { lease, signal, bindsChats, countOutcome } = options
  let projectId: string | undefined
  let settled: Promise<void> | undefined

  // A client may leave after the commit point and before the first pull, when no generator would notice.
  const onAbort = () => void abandoned()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()

  function settle(outcome: LeaseOutcome, name: string): Promise<void> {
    if (settled) return settled
    signal.removeEventListener('abort', onAbort)
    countOutcome(name)
    settled = lease.release({ ...outcome, ...(projectId !== undefined && { createdChatId: projectId }) })
    return settled
  }

  const abandoned = () => settle({ type: 'abandoned' }, 'aborted')

  return {
    noteProject(id) {
      projectId = id ?? projectId
    },
    succeeded: () =>
      settle(
        { type: 'succeeded', ...(bindsChats && projectId !== undefined && { chatId: projectId }) },
        'ok',
      ),
    abandoned,
    async failed(error) {
      if (signal.aborted) {
        await abandoned()
        return signal.reason
      }
      if (error instanceof UpstreamError) {
        const dropBinding = error.kind === 'binding-stale'
        const verdict = judgeAccount(error)
        await settle({ type: 'failed', verdict, ...(dropBinding && { dropBinding }) }, error.kind)
      } else {
        // Ours, such as a token that could not be made: the account stays as it is.
        const name = error instanceof ServiceError ? error.code : 'internal_error'
        await settle({ type: 'failed', verdict: { type: 'keep' } }, name)
      }
      return error
    },
  }
}
