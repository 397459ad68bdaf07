import type { AccountPool, PoolLeaseRequest } from '../accounts/account-pool.ts'
import type { Lease } from '../accounts/lease.ts'
import { UnavailableError, UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { type Ask, type AttemptRooms, runAttempt } from './attempt.ts'
import { judgeAccount, mayAskSameAccount, nextMove } from './next-move.ts'

export interface GatewayCall {
  readonly requestId: string
  /** A label of the API key that asks, never the key: attempts are counted by it. */
  readonly caller?: string
  /** The client left or the service ends. */
  readonly signal: AbortSignal
}

export interface AttemptLoopRooms extends AttemptRooms {
  readonly pool: Pick<AccountPool, 'lease'>
  readonly logger: Logger
  /** Accounts tried for one request. */
  readonly maxAttempts: number
}

export interface Begun<Piece> {
  /** The account that answers. */
  readonly lease: Lease
  readonly pieces: AsyncIterable<Piece>
}

/** Runs attempts until one has begun to answer. Before that point failures switch account or retry and the client sees
 *  nothing of them; after it a failure is thrown from the iteration: nothing is ever asked twice.
 *  @throws {ServiceError} when no move is left; `signal.reason` when aborted. Source: DESIGN 3 */
export async function attemptUntilBegun<Piece>(
  rooms: AttemptLoopRooms,
  wanted: Pick<PoolLeaseRequest, 'model' | 'use'>,
  ask: Ask<Piece>,
  call: GatewayCall,
): Promise<Begun<Piece>> {
  const failures: UpstreamError[] = []
  const tried = new Set<string>()
  let accountsLeft = rooms.maxAttempts - 1
  for (;;) {
    const continuesChats = rooms.upstream.generation() === 'copilot'
    const lease = await leaseNext(rooms.pool, { ...wanted, ...call, continuesChats }, tried, failures.at(-1))
    tried.add(lease.account.key)
    try {
      const unbound = failures.some((failure) => failure.kind === 'binding-stale')
      const pieces = await runAttempt(rooms, { lease, ask, signal: call.signal, unbound })
      return { lease, pieces }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      const move = nextMove(error.kind, { earlier: failures.map((each) => each.kind), accountsLeft })
      rooms.logger.info(
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

/** Leases an account that this request has not tried. Where none is left, the truest cause is thrown: the state of the pool
 *  if the last failure was the account's, else that failure. */
async function leaseNext(
  pool: AttemptLoopRooms['pool'],
  request: Omit<PoolLeaseRequest, 'exclude'>,
  tried: ReadonlySet<string>,
  lastFailure: UpstreamError | undefined,
): Promise<Lease> {
  try {
    return await pool.lease({ ...request, exclude: tried })
  } catch (error) {
    if (!lastFailure || !(error instanceof UnavailableError)) throw error
    if (mayAskSameAccount(lastFailure.kind)) return await pool.lease({ ...request, exclude: new Set() })
    throw lastFailure.kind === 'unavailable' || judgeAccount(lastFailure).type === 'keep'
      ? lastFailure
      : error
  }
}
