import type { AccountPool, PoolLeaseRequest } from '../accounts/account-pool.ts'
import type { Lease, LeaseOutcome } from '../accounts/lease.ts'
import type { TokenSource } from '../browser/token-source.ts'
import type { Account } from '../core/account.ts'
import { ServiceError, UnavailableError, UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { judgeAccount, mayAskSameAccount, nextMove } from './next-move.ts'

/** Who asks, and for how long. */
export interface GatewayCall {
  readonly requestId: string
  /** A label of the API key that asks, never the key: attempts are counted by it. */
  readonly caller?: string
  /** The client left or the service ends. */
  readonly signal: AbortSignal
}

/** What is asked for: an answer in pieces of `Piece`. */
export interface Ask<Piece> {
  send(input: AskInput): AsyncIterable<Piece>
  /** With this piece the answer has begun: the commit point. */
  hasBegun(piece: Piece): boolean
  /** The project that the site made or continued, in the piece that names it. */
  projectIn(piece: Piece): string | undefined
}

export interface AskInput {
  readonly generation: WireGeneration
  readonly account: Account
  readonly signal: AbortSignal
  readonly token?: string
  readonly chatId?: string
}

export interface AttemptDependencies {
  readonly pool: Pick<AccountPool, 'lease'>
  readonly upstream: Pick<Upstream, 'generation'>
  readonly tokens: Pick<TokenSource, 'token'>
  readonly metrics: Pick<Metrics, 'attempts' | 'tokenlessAsks'>
  readonly logger: Logger
  /** `false`: ask without a token when none can be had (TOKEN_REQUIRED). */
  readonly tokenRequired: boolean
  /** Accounts tried for one request. */
  readonly maxAttempts: number
}

export interface BegunAnswer<Piece> {
  /** The account that answers. */
  readonly account: Account
  /** From the first piece on; a failure is thrown from the iteration. Leaving it early closes the upstream request. */
  readonly pieces: AsyncIterable<Piece>
}

/** Runs attempts until one has begun to answer. Before that point a failure switches account or retries, and the client sees
 *  nothing of it; after it nothing is ever asked twice.
 *  @throws {ServiceError} when no move is left; `signal.reason` when aborted */
export async function attemptUntilBegun<Piece>(
  dependencies: AttemptDependencies,
  wanted: Pick<PoolLeaseRequest, 'model' | 'use'>,
  ask: Ask<Piece>,
  call: GatewayCall,
): Promise<BegunAnswer<Piece>> {
  const failures: UpstreamError[] = []
  const tried = new Set<string>()
  let accountsLeft = dependencies.maxAttempts - 1
  for (;;) {
    const continuesChats = continuesChatsByItself(dependencies.upstream.generation())
    const request = { ...wanted, ...call, continuesChats, exclude: tried }
    const lease = await leaseNext(dependencies.pool, request, failures.at(-1))
    const { account } = lease
    tried.add(account.key)
    try {
      const attempt = new Attempt(dependencies, ask, lease, call.signal)
      await attempt.begin(failures.some((failure) => failure.kind === 'binding-stale'))
      return { account, pieces: attempt }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      const move = nextMove(error.kind, { earlier: failures.map((each) => each.kind), accountsLeft })
      dependencies.logger.info(
        { requestId: call.requestId, account: account.label, failure: error.kind, move },
        `attempt failed: ${error.message}`,
      )
      if (move === 'fail') throw error
      if (move === 'switch') accountsLeft -= 1
      else tried.delete(account.key)
      failures.push(error)
    }
  }
}

/** Leases an account that this request has not tried. Where none is left, the truest cause is thrown: the state of the pool
 *  if the last failure was the account's, else that failure. */
async function leaseNext(
  pool: AttemptDependencies['pool'],
  request: PoolLeaseRequest,
  lastFailure: UpstreamError | undefined,
): Promise<Lease> {
  try {
    return await pool.lease(request)
  } catch (error) {
    if (!lastFailure || !(error instanceof UnavailableError)) throw error
    if (mayAskSameAccount(lastFailure.kind)) return await pool.lease({ ...request, exclude: new Set() })
    throw lastFailure.kind === 'unavailable' || judgeAccount(lastFailure).type === 'keep'
      ? lastFailure
      : error
  }
}

/** Only in the first generation is a chat continued that no operator pinned. */
const continuesChatsByItself = (generation: WireGeneration): boolean => generation === 'copilot'

/** One attempt with one leased account: token, ask, pieces, release. The lease ends here, exactly once, after the upstream
 *  request is closed. */
class Attempt<Piece> implements AsyncIterableIterator<Piece> {
  readonly #dependencies: AttemptDependencies
  readonly #ask: Ask<Piece>
  readonly #lease: Lease
  readonly #callSignal: AbortSignal
  readonly #generation: WireGeneration
  readonly #cut = new AbortController()
  /** What came before the commit point. */
  readonly #begun: Piece[] = []
  #forgetLease: () => void = () => {}
  #pieces: AsyncIterator<Piece> | undefined
  #projectId: string | undefined
  #settled: Promise<void> | undefined

  constructor(dependencies: AttemptDependencies, ask: Ask<Piece>, lease: Lease, callSignal: AbortSignal) {
    this.#dependencies = dependencies
    this.#ask = ask
    this.#lease = lease
    this.#callSignal = callSignal
    this.#generation = dependencies.upstream.generation()
    callSignal.addEventListener('abort', this.#onAbort)
    this.#forgetLease = lease.onLost((reason) => this.#abandon(reason))
    if (callSignal.aborted) this.#onAbort()
  }

  /** Asks, and resolves at the commit point.
   *  @param unbound  ask in a new chat, whatever the account's binding says
   *  @throws {UpstreamError} the account has been judged and the lease is free */
  async begin(unbound: boolean): Promise<void> {
    try {
      await this.#askUntilBegun(unbound)
    } catch (error) {
      if (!(error instanceof UpstreamError) || !error.askAgain) throw await this.#failed(error)
      // Another program carries the ask now: the same attempt, but a token serves once.
      await this.#pieces?.return?.().catch(() => {})
      this.#begun.length = 0
      await this.#askUntilBegun(unbound).catch(async (second) => {
        throw await this.#failed(second)
      })
    }
  }

  async #askUntilBegun(unbound: boolean): Promise<void> {
    const { signal } = this.#cut
    signal.throwIfAborted()
    const token = await this.#takeToken()
    const chatId = unbound ? undefined : this.#chatToContinue()
    const asked = this.#ask.send({
      generation: this.#generation,
      account: this.#lease.account,
      signal,
      ...(token !== undefined && { token }),
      ...(chatId !== undefined && { chatId }),
    })
    this.#pieces = asked[Symbol.asyncIterator]()
    for (;;) {
      const { value, done } = await this.#pieces.next()
      if (done) throw new UpstreamError('empty')
      this.#noteProject(value)
      this.#begun.push(value)
      if (this.#ask.hasBegun(value)) return
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Piece, undefined>> {
    this.#cut.signal.throwIfAborted()
    const early = this.#begun.shift()
    if (early !== undefined) return { value: early, done: false }
    if (this.#settled) return { value: undefined, done: true }
    try {
      const result = await this.#pieces?.next()
      // An aborted request may end like a whole one.
      this.#cut.signal.throwIfAborted()
      if (result && !result.done) {
        this.#noteProject(result.value)
        return result
      }
    } catch (error) {
      throw await this.#failed(error)
    }
    await this.#succeeded()
    return { value: undefined, done: true }
  }

  /** A reader that stops early (a stop sequence, a limit) has a good answer; a client that left has aborted, which has settled
   *  the attempt. */
  async return(): Promise<IteratorResult<Piece, undefined>> {
    this.#begun.length = 0
    await this.#succeeded()
    return { value: undefined, done: true }
  }

  /** An API key needs no token (WIRE 11). */
  async #takeToken(): Promise<string | undefined> {
    const { account } = this.#lease
    if (account.kind === 'api-key') return undefined
    const { tokens, tokenRequired, metrics } = this.#dependencies
    const { signal } = this.#cut
    try {
      return await tokens.token({ account, generation: this.#generation, signal })
    } catch (error) {
      if (tokenRequired || signal.aborted) throw error
      metrics.tokenlessAsks.inc()
      return undefined
    }
  }

  /** Gen 2 answers a bound project that is sent the whole history with duplicates or nothing (WIRE 5.3), and the whole history is
   *  always sent: there only a chat that the operator pinned is continued. */
  #chatToContinue(): string | undefined {
    return continuesChatsByItself(this.#generation) || this.#lease.chatPinned ? this.#lease.chatId : undefined
  }

  #noteProject(piece: Piece): void {
    this.#projectId = this.#ask.projectIn(piece) ?? this.#projectId
  }

  #onAbort = (): void => this.#abandon(this.#callSignal.reason)

  /** No failure of the account: the client left, the service ends, or another holds the account by now. */
  #abandon(reason: unknown): void {
    this.#cut.abort(reason)
    void this.#settle({ type: 'abandoned' }, 'aborted')
  }

  #succeeded(): Promise<void> {
    const chatId = continuesChatsByItself(this.#generation) ? this.#projectId : undefined
    return this.#settle({ type: 'succeeded', ...(chatId !== undefined && { chatId }) }, 'ok')
  }

  /** Judges the account by what went wrong. @returns what to throw */
  async #failed(error: unknown): Promise<unknown> {
    if (this.#cut.signal.aborted) {
      await this.#settled
      return this.#cut.signal.reason
    }
    if (error instanceof UpstreamError) {
      const dropBinding = error.kind === 'binding-stale'
      const verdict = judgeAccount(error)
      await this.#settle({ type: 'failed', verdict, ...(dropBinding && { dropBinding }) }, error.kind)
    } else {
      // Ours, such as a token that could not be made: the account stays as it is.
      const name = error instanceof ServiceError ? error.code : 'internal_error'
      await this.#settle({ type: 'failed', verdict: { type: 'keep' } }, name)
    }
    return error
  }

  /** Only the first outcome counts. */
  #settle(outcome: LeaseOutcome, name: string): Promise<void> {
    this.#settled ??= this.#end(outcome, name)
    return this.#settled
  }

  async #end(outcome: LeaseOutcome, name: string): Promise<void> {
    this.#callSignal.removeEventListener('abort', this.#onAbort)
    this.#forgetLease()
    this.#dependencies.metrics.attempts.inc({ generation: this.#generation, outcome: name })
    // What the closing throws is no news: the attempt has been judged.
    await this.#pieces?.return?.().catch(() => {})
    const createdChatId = this.#projectId
    await this.#lease.release({ ...outcome, ...(createdChatId !== undefined && { createdChatId }) })
  }
}
