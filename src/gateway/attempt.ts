import { setImmediate } from 'node:timers/promises'
import type { AccountPool, PoolLeaseRequest } from '../accounts/account-pool.ts'
import type { CoolDown } from '../accounts/cooldowns.ts'
import type { Lease, LeaseOutcome } from '../accounts/lease.ts'
import type { TokenSource } from '../browser/token-source.ts'
import type { Account } from '../core/account.ts'
import { ServiceError, UnavailableError, UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import {
  type AttemptRecord,
  noteAttempt,
  noteBegun,
  noteFailure,
  type RequestRecord,
} from '../records/record.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { judgeAccount, mayAskSameAccount, mayBeOneAccounts, nextMove, suspectAccount } from './next-move.ts'

/** Who asks, and for how long. */
export interface GatewayCall {
  readonly requestId: string
  /** A label of the API key that asks, never the key: attempts are counted by it. */
  readonly caller?: string
  /** The client left or the service ends. */
  readonly signal: AbortSignal
  /** Counts what is fetched for the request in the memory of all bodies.
   *  @throws {UnavailableError} `overloaded` */
  takeMemory?(bytes: number): void
  /** Where what happens is noted. */
  readonly record?: RequestRecord
}

/** What is asked for: an answer in pieces of `Piece`. */
export interface Ask<Piece> {
  /** The request has a history of its own, which is always sent whole. */
  readonly hasHistory?: boolean
  /** Something is uploaded first: a token made before it might be too old by then. */
  readonly tokenLast?: boolean
  send(input: AskInput): AsyncIterable<Piece>
  /** With this piece the answer has begun: the commit point. */
  hasBegun(piece: Piece): boolean
  /** The project that the site made or continued, in the piece that names it. */
  projectIn(piece: Piece): string | undefined
  /** Sees every piece before it is handed on. @throws {ServiceError} to end the answer in its place */
  check?(piece: Piece, generation: WireGeneration): void
}

export interface AskInput {
  readonly generation: WireGeneration
  readonly account: Account
  readonly signal: AbortSignal
  readonly token?: string
  /** In the place of `token`, where `Ask.tokenLast`. */
  readonly takeToken?: () => Promise<string | undefined>
  readonly chatId?: string
}

export interface AttemptDependencies {
  readonly pool: Pick<AccountPool, 'lease' | 'rest'>
  readonly upstream: Pick<Upstream, 'generation' | 'checkLogin'>
  readonly tokens: Pick<TokenSource, 'token' | 'state'>
  readonly metrics: Pick<Metrics, 'attempts' | 'tokenlessAsks'>
  readonly logger: Logger
  /** `false`: ask without a token when none can be had (TOKEN_REQUIRED). */
  readonly tokenRequired: boolean
  /** Accounts tried for one request. */
  readonly maxAttempts: number
}

/** Which accounts may be leased. */
export interface AttemptWish extends Pick<PoolLeaseRequest, 'model' | 'use' | 'kind'> {
  /** Keys of accounts that cannot serve it. */
  readonly exclude?: readonly string[]
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
  { exclude = [], ...wanted }: AttemptWish,
  ask: Ask<Piece>,
  call: GatewayCall,
): Promise<BegunAnswer<Piece>> {
  const failures: UpstreamError[] = []
  /** What may have been the fault of the account alone: it is, once another one answers. */
  const suspects = new Map<Account, CoolDown>()
  const tried = new Set<string>(exclude)
  let accountsLeft = dependencies.maxAttempts - 1
  for (;;) {
    const continuesChats = continuesChatsByItself(dependencies.upstream.generation())
    const request = { ...wanted, ...call, continuesChats, exclude: tried }
    const queuedSince = performance.now()
    const lease = await leaseNext(dependencies.pool, request, { exclude, lastFailure: failures.at(-1) })
    const { account } = lease
    tried.add(account.key)
    const noted = call.record && noteAttempt(call.record, account, queuedSince)
    try {
      const attempt = new Attempt(dependencies, ask, lease, {
        signal: call.signal,
        noted,
        record: call.record,
      })
      await attempt.begin(failures)
      if (call.record && noted) noteBegun(call.record, noted, attempt.projectId)
      suspects.delete(account)
      for (const [suspect, verdict] of suspects) void dependencies.pool.rest(suspect, verdict)
      return { account, pieces: attempt }
    } catch (error) {
      if (call.record && noted) noteFailure(call.record, noted, error)
      if (!(error instanceof UpstreamError)) throw error
      const earlier = failures.map((each) => each.kind)
      const suspicion = suspectAccount(error, earlier)
      if (suspicion) suspects.set(account, suspicion)
      const oneAccounts = mayBeOneAccounts(error, account)
      const move = nextMove(error.kind, { earlier, accountsLeft, oneAccounts })
      dependencies.logger.info(
        { requestId: call.requestId, account: account.label, failure: error.kind, move },
        `attempt failed: ${error.message}`,
      )
      if (noted) noted.move = move
      if (move === 'fail') throw error
      if (move === 'switch') accountsLeft -= 1
      else tried.delete(account.key)
      failures.push(error)
    }
  }
}

const pinLeft = 'the chat of MODEL_CHAT_MAP is not used: it would be sent its history once more'

const keep = { type: 'keep' } as const

const isMissingToken = (error: unknown): error is ServiceError =>
  error instanceof ServiceError && error.code === 'token_unavailable'

/** The site could not say whether the account is signed in. Where its way there is blocked and not broken, a structural sign
 *  has to be enough. */
const isEvidence = (error: UpstreamError, thrown: unknown): boolean =>
  error.kind === 'signed-out' &&
  !error.isHearsay &&
  thrown instanceof UpstreamError &&
  (thrown.kind === 'challenged' || thrown.kind === 'route-gone')

/** Leases an account that this request has not tried. Where none is left, the truest cause is thrown: the state of the pool
 *  if the last failure was the account's, else that failure. */
async function leaseNext(
  pool: AttemptDependencies['pool'],
  request: PoolLeaseRequest,
  {
    exclude,
    lastFailure,
  }: { readonly exclude: readonly string[]; readonly lastFailure: UpstreamError | undefined },
): Promise<Lease> {
  try {
    return await pool.lease(request)
  } catch (error) {
    if (!lastFailure || !(error instanceof UnavailableError)) throw error
    if (mayAskSameAccount(lastFailure.kind))
      return await pool.lease({ ...request, exclude: new Set(exclude) })
    const { type } = judgeAccount(lastFailure)
    // A pool without a usable account is the truest cause only when that is what the site said as well.
    const isKnown = type === 'sign-out' && lastFailure.kind !== 'plan-blocked'
    const isNews = error.code === 'no_account_available' && !isKnown
    throw type === 'keep' || isNews ? lastFailure : error
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
  readonly #noted: AttemptRecord | undefined
  readonly #callRecord: RequestRecord | undefined
  readonly #generation: WireGeneration
  readonly #cut = new AbortController()
  /** What came before the commit point. */
  readonly #begun: Piece[] = []
  #isBegun = false
  /** The request to the site was closed before its end. */
  #isLeft = false
  #forgetLease: () => void = () => {}
  #pieces: AsyncIterator<Piece> | undefined
  #projectId: string | undefined
  #settled: Promise<void> | undefined

  constructor(
    dependencies: AttemptDependencies,
    ask: Ask<Piece>,
    lease: Lease,
    {
      signal: callSignal,
      noted,
      record,
    }: {
      readonly signal: AbortSignal
      readonly noted: AttemptRecord | undefined
      readonly record: RequestRecord | undefined
    },
  ) {
    this.#dependencies = dependencies
    this.#ask = ask
    this.#lease = lease
    this.#callSignal = callSignal
    this.#noted = noted
    this.#callRecord = record
    this.#generation = dependencies.upstream.generation()
    callSignal.addEventListener('abort', this.#onAbort)
    this.#forgetLease = lease.onLost((reason) => this.#abandon(reason))
    if (callSignal.aborted) this.#onAbort()
  }

  /** Asks, and resolves at the commit point.
   *  @param earlier  what went wrong before in this request
   *  @throws {UpstreamError} the account has been judged and the lease is free */
  async begin(earlier: readonly UpstreamError[]): Promise<void> {
    const hasFailedWith = (kind: UpstreamError['kind']) => earlier.some((failure) => failure.kind === kind)
    const unbound = hasFailedWith('binding-stale')
    try {
      await this.#askUntilBegun(unbound).catch(async (error: unknown) => {
        if (!(error instanceof UpstreamError) || !error.askAgain) throw error
        // Another program carries the ask now: the same attempt, but a token serves once.
        await this.#pieces?.return?.().catch(() => {})
        this.#begun.length = 0
        await this.#askUntilBegun(unbound)
      })
    } catch (error) {
      throw await this.#failed(await this.#verified(error, hasFailedWith('token-refused')))
    }
    this.#isBegun = true
  }

  async #askUntilBegun(unbound: boolean): Promise<void> {
    const { signal } = this.#cut
    signal.throwIfAborted()
    const { tokenLast } = this.#ask
    const token = tokenLast ? undefined : await this.#takeToken()
    const chatId = unbound ? undefined : this.#chatToContinue()
    const asked = this.#ask.send({
      generation: this.#generation,
      account: this.#lease.account,
      signal,
      ...(token !== undefined && { token }),
      ...(tokenLast && { takeToken: () => this.#takeToken() }),
      ...(chatId !== undefined && { chatId }),
    })
    this.#pieces = asked[Symbol.asyncIterator]()
    for (;;) {
      const { value, done } = await this.#pieces.next()
      if (done) throw new UpstreamError('empty')
      this.#noteProject(value)
      this.#ask.check?.(value, this.#generation)
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
        this.#ask.check?.(result.value, this.#generation)
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
    this.#isLeft = true
    await this.#succeeded()
    return { value: undefined, done: true }
  }

  /** The chat that the site made or went on with, as far as it has told. */
  get projectId(): string | undefined {
    return this.#projectId
  }

  /** An API key needs no token (WIRE 11). */
  async #takeToken(): Promise<string | undefined> {
    const { account } = this.#lease
    if (account.kind === 'api-key') return undefined
    const noted = this.#noted
    const { tokens, tokenRequired, metrics } = this.#dependencies
    const { signal } = this.#cut
    const since = performance.now()
    try {
      const token = await tokens.token({
        account,
        generation: this.#generation,
        signal,
        ...(noted && {
          onOrigin(origin, ageMs) {
            noted.token = origin
            if (ageMs !== undefined) noted.tokenAgeMs = Math.round(ageMs)
          },
        }),
      })
      if (noted) noted.tokenMs = Math.round(performance.now() - since)
      return token
    } catch (error) {
      if (!tokenRequired && !signal.aborted) {
        metrics.tokenlessAsks.inc()
        if (noted) noted.token = 'none'
        return undefined
      }
      // A browser that does not run is everybody's trouble; a page that does not work may be this account's.
      const isEverybodys = tokens.state() === 'down' || tokens.state() === 'starting'
      if (signal.aborted || isEverybodys || !isMissingToken(error)) throw error
      const { message, retryAfterMs, retryable } = error
      throw new UpstreamError('token-missing', {
        message,
        cause: error,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
        ...(retryable !== undefined && { retryable }),
      })
    }
  }

  /** An account counts as signed out only when the site says so on being asked. One that is signed in was refused for another
   *  reason; and what looks like another failure may be a session that has ended.
   *  @param again  a token was refused before */
  async #verified(error: unknown, again: boolean): Promise<unknown> {
    const { signal } = this.#cut
    if (!(error instanceof UpstreamError) || signal.aborted) return error
    const { kind } = error
    if (kind !== 'signed-out' && kind !== 'token-missing' && !(kind === 'token-refused' && again))
      return error
    // The lease is still ours, the request is not.
    await this.#pieces?.return?.().catch(() => {})
    const login = await this.#dependencies.upstream
      .checkLogin(this.#lease.account, signal)
      .catch((thrown: unknown) => (isEvidence(error, thrown) ? 'signed-out' : 'unknown'))
    if (login === 'signed-out')
      return kind === 'signed-out' ? error : new UpstreamError('signed-out', { cause: error })
    if (kind !== 'signed-out') return error
    return new UpstreamError('token-refused', {
      message: 'Genspark did not take the session of the account, which is signed in.',
      cause: error,
    })
  }

  /** Gen 2 answers a bound project that is sent the whole history with duplicates or nothing (WIRE 5.3), and the whole history is
   *  always sent: there only a chat that the operator pinned is continued, by the first message of a conversation. */
  #chatToContinue(): string | undefined {
    const { chatId, chatPinned } = this.#lease
    if (chatId === undefined || continuesChatsByItself(this.#generation)) return chatId
    if (!chatPinned) return undefined
    if (!this.#ask.hasHistory) return chatId
    const { warnings } = this.#callRecord ?? {}
    if (warnings && !warnings.includes(pinLeft)) warnings.push(pinLeft)
    return undefined
  }

  #noteProject(piece: Piece): void {
    this.#projectId = this.#ask.projectIn(piece) ?? this.#projectId
  }

  #onAbort = (): void => this.#abandon(this.#callSignal.reason)

  /** No failure of the account: the client left, the service ends, or another holds the account by now. */
  #abandon(reason: unknown): void {
    this.#cut.abort(reason)
    this.#isLeft = true
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
      // Once an answer has begun nothing that it brings is held against the account.
      const verdict = this.#isBegun ? keep : judgeAccount(error)
      await this.#settle({ type: 'failed', verdict, ...(dropBinding && { dropBinding }) }, error.kind)
    } else {
      // Ours, such as a token that could not be made: the account stays as it is.
      const name = error instanceof ServiceError ? error.code : 'internal_error'
      await this.#settle({ type: 'failed', verdict: keep }, name)
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
    // A socket that is destroyed closes in the next turns of the loop: the next request must not overtake its end.
    if (this.#isLeft) for (let turn = 0; turn < 2; turn += 1) await setImmediate()
    const createdChatId = this.#projectId
    await this.#lease.release({ ...outcome, ...(createdChatId !== undefined && { createdChatId }) })
  }
}
