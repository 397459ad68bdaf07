import type { Lease } from '../accounts/lease.ts'
import type { TokenRequest, TokenSource } from '../browser/token-source.ts'
import type { Account } from '../core/account.ts'
import { UpstreamError } from '../core/errors.ts'
import type { Metrics } from '../core/metrics.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { createSettlement, type Settlement } from './settle-lease.ts'

export interface AttemptRooms {
  readonly upstream: Pick<Upstream, 'generation'>
  readonly tokens: Pick<TokenSource, 'token'>
  readonly metrics: Pick<Metrics, 'attempts' | 'tokenlessAsks'>
  /** `false`: ask without a token when none can be had (TOKEN_REQUIRED). */
  readonly tokenRequired: boolean
}

/** What is asked for: an answer in pieces of `Piece`. */
export interface Ask<Piece> {
  send(input: AskInput): AsyncIterable<Piece>
  /** With this piece the answer has begun: the commit point. */
  hasBegun(piece: Piece): boolean
  /** The project that the site made or went on with, in the piece that tells it. */
  projectIn(piece: Piece): string | undefined
}

export interface AskInput {
  readonly generation: WireGeneration
  readonly account: Account
  readonly signal: AbortSignal
  readonly token?: string
  readonly chatId?: string
}

export interface AttemptInput<Piece> {
  readonly lease: Lease
  readonly ask: Ask<Piece>
  readonly signal: AbortSignal
  /** Ask in a new chat, whatever the account's binding says. */
  readonly unbound: boolean
}

/** One attempt with one leased account: token, ask, pieces, release. The lease always ends here, once.
 *  @returns at the commit point; the iteration begins with what came before it
 *  @throws {UpstreamError} before it; the account has been judged and the lease is free */
export async function runAttempt<Piece>(
  rooms: AttemptRooms,
  { lease, ask, signal: callSignal, unbound }: AttemptInput<Piece>,
): Promise<AsyncIterable<Piece>> {
  const generation = rooms.upstream.generation()
  const { account } = lease
  const signal = AbortSignal.any([callSignal, lease.lost])
  const settlement = createSettlement({
    lease,
    signal,
    bindsChats: generation === 'copilot',
    countOutcome: (outcome) => rooms.metrics.attempts.inc({ generation, outcome }),
  })
  try {
    signal.throwIfAborted()
    const token = await takeToken(rooms, account, generation, signal)
    const chatId = unbound ? undefined : chatToContinue(lease, generation)
    const asked = ask.send({
      generation,
      account,
      signal,
      ...(token !== undefined && { token }),
      ...(chatId !== undefined && { chatId }),
    })
    const answer = { pieces: asked[Symbol.asyncIterator](), ask, settlement }
    const begin = await readToBegin(answer)
    return readOn(begin, answer)
  } catch (error) {
    throw await settlement.failed(error)
  }
}

/** An API key needs no token (UPSTREAM 11). */
async function takeToken(
  rooms: AttemptRooms,
  account: Account,
  generation: WireGeneration,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (account.kind === 'api-key') return undefined
  const request: TokenRequest = { account, generation, signal }
  try {
    return await rooms.tokens.token(request)
  } catch (error) {
    if (rooms.tokenRequired || signal.aborted) throw error
    rooms.metrics.tokenlessAsks.inc()
    return undefined
  }
}

/** Gen 2 answers a bound project that is sent the whole history with duplicates or nothing (UPSTREAM 5.3), and the whole
 *  history is a promise (DESIGN 3): there only a chat that the operator pinned is continued. */
function chatToContinue(lease: Lease, generation: WireGeneration): string | undefined {
  return generation === 'copilot' || lease.chatPinned ? lease.chatId : undefined
}

interface RunningAnswer<Piece> {
  readonly pieces: AsyncIterator<Piece>
  readonly ask: Ask<Piece>
  readonly settlement: Settlement
}

async function readToBegin<Piece>({ pieces, ask, settlement }: RunningAnswer<Piece>): Promise<Piece[]> {
  const begin: Piece[] = []
  for (;;) {
    const { value, done } = await pieces.next()
    if (done) throw new UpstreamError('empty')
    settlement.noteProject(ask.projectIn(value))
    begin.push(value)
    if (ask.hasBegun(value)) return begin
  }
}

async function* readOn<Piece>(
  begin: readonly Piece[],
  { pieces, ask, settlement }: RunningAnswer<Piece>,
): AsyncGenerator<Piece> {
  try {
    yield* begin
    for (;;) {
      const { value, done } = await pieces.next()
      if (done) break
      settlement.noteProject(ask.projectIn(value))
      yield value
    }
    await settlement.succeeded()
  } catch (error) {
    throw await settlement.failed(error)
  } finally {
    // Whoever has read enough leaves a good answer; a client that left has aborted, which settled it.
    await settlement.succeeded()
    await pieces.return?.()
  }
}
