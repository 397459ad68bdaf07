// Room `gateway`: serves one request from the pool of accounts until an answer has begun; then it never starts over.
// Touches `accounts`, `browser`, `upstream`, `core`; knows neither HTTP nor a dialect.

import type { AccountPool } from '../accounts/account-pool.ts'
import type { Lease } from '../accounts/lease.ts'
import type { ChatAnswer } from '../core/chat-event.ts'
import type { ChatRequest } from '../core/chat-request.ts'
import type { Clock } from '../core/clock.ts'
import { UnavailableError, UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { type AttemptRooms, runAttempt } from './attempt.ts'
import { judgeAccount, mayAskSameAccount, nextMove } from './next-move.ts'

export interface ChatCall {
  readonly requestId: string
  /** The client left or the service ends. */
  readonly signal: AbortSignal
}

/** Resolves at the commit point: the first delta of an answer is there. Before it failures switch account or retry and the
 *  client sees nothing of them; after it a failure is thrown from the iteration.
 *  @throws {ServiceError} when no move is left; `signal.reason` when aborted. Source: DESIGN 3 */
export type RunChat = (request: ChatRequest, call: ChatCall) => Promise<ChatAnswer>

export interface ChatRooms extends AttemptRooms {
  readonly pool: Pick<AccountPool, 'lease'>
  readonly metrics: Metrics
  readonly logger: Logger
  readonly clock: Clock
  /** Accounts tried for one request. */
  readonly maxAttempts: number
}

export function createRunChat(rooms: ChatRooms): RunChat {
  const { metrics, logger, clock, maxAttempts } = rooms
  return async function runChat(request, call) {
    const startedMs = clock.now()
    const failures: UpstreamError[] = []
    const tried = new Set<string>()
    let accountsLeft = maxAttempts - 1
    for (;;) {
      const lease = await leaseNext(rooms.pool, request, call, tried, failures.at(-1))
      tried.add(lease.account.key)
      try {
        const unbound = failures.some((failure) => failure.kind === 'binding-stale')
        const events = await runAttempt(rooms, { lease, request, signal: call.signal, unbound })
        metrics.firstEventSeconds.observe((clock.now() - startedMs) / 1000)
        return { events }
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error
        const move = nextMove(error.kind, { earlier: failures.map((each) => each.kind), accountsLeft })
        logger.info(
          { requestId: call.requestId, account: lease.account.label, failure: error.kind, move },
          `attempt failed: ${error.message}`,
        )
        if (move === 'fail') throw error
        if (move === 'switch') accountsLeft -= 1
        else tried.delete(lease.account.key)
        failures.push(error)
      }
    }
  }
}

/** Leases an account that this request has not tried. Where none is left, the truest cause is thrown: the state of the pool
 *  if the last failure was the account's, else that failure. */
async function leaseNext(
  pool: ChatRooms['pool'],
  request: ChatRequest,
  { requestId, signal }: ChatCall,
  tried: ReadonlySet<string>,
  lastFailure: UpstreamError | undefined,
): Promise<Lease> {
  const input = { model: request.model.id, requestId, signal }
  try {
    return await pool.lease({ ...input, exclude: tried })
  } catch (error) {
    if (!lastFailure || !(error instanceof UnavailableError)) throw error
    if (mayAskSameAccount(lastFailure.kind)) return await pool.lease({ ...input, exclude: new Set() })
    throw lastFailure.kind === 'unavailable' || judgeAccount(lastFailure).type === 'keep'
      ? lastFailure
      : error
  }
}
