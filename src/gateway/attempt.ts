import type { Lease, LeaseOutcome } from '../accounts/lease.ts'
import type { TokenSource } from '../browser/token-source.ts'
import type { ChatEvent, ChatEventBatch } from '../core/chat-event.ts'
import type { ChatRequest } from '../core/chat-request.ts'
import { ServiceError, UpstreamError } from '../core/errors.ts'
import type { Metrics } from '../core/metrics.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { judgeAccount } from './next-move.ts'

export interface AttemptRooms {
  readonly upstream: Pick<Upstream, 'generation' | 'ask'>
  readonly tokens: Pick<TokenSource, 'token'>
  readonly metrics: Pick<Metrics, 'attempts' | 'tokenlessAsks'>
  /** `false`: ask without a token when none can be had (TOKEN_REQUIRED). */
  readonly tokenRequired: boolean
}

export interface AttemptInput {
  readonly lease: Lease
  readonly request: ChatRequest
  readonly signal: AbortSignal
  /** Ask in a new chat, whatever the account's binding says. */
  readonly unbound: boolean
}

/** One attempt with one leased account: token, ask, events, release. The lease always ends here, once.
 *  @returns at the commit point, when the first delta is there; the iteration then begins with it
 *  @throws {UpstreamError} before it; the account has been judged and the lease is free */
export async function runAttempt(
  rooms: AttemptRooms,
  input: AttemptInput,
): Promise<AsyncIterable<ChatEventBatch>> {
  const { lease, request } = input
  const generation = rooms.upstream.generation()
  const signal = AbortSignal.any([input.signal, lease.lost])
  let projectId: string | undefined
  let ended: Promise<void> | undefined

  // A client may leave between the commit point and the first pull, when no generator would notice.
  const abandon = () => void end({ type: 'abandoned' }, 'aborted')
  signal.addEventListener('abort', abandon, { once: true })

  try {
    signal.throwIfAborted()
    const token = await takeToken(rooms, { account: lease.account, generation, signal })
    const chatId = input.unbound ? undefined : chatToContinue(lease, generation)
    const batches = rooms.upstream
      .ask({
        generation,
        account: lease.account,
        request,
        signal,
        ...(token !== undefined && { token }),
        ...(chatId !== undefined && { chatId }),
      })
      [Symbol.asyncIterator]()
    const first = await readToFirstDelta(batches)
    return readOn(first, batches)
  } catch (error) {
    throw await fail(error)
  }

  async function readToFirstDelta(batches: AsyncIterator<ChatEventBatch>): Promise<ChatEventBatch> {
    const held: ChatEvent[] = []
    for (;;) {
      const { value, done } = await batches.next()
      if (done) throw new UpstreamError('empty')
      note(value)
      held.push(...value)
      if (value.some(isDelta)) return held
    }
  }

  async function* readOn(first: ChatEventBatch, batches: AsyncIterator<ChatEventBatch>) {
    try {
      yield first
      for (;;) {
        const { value, done } = await batches.next()
        if (done) break
        note(value)
        yield value
      }
      const bound = generation === 'copilot' ? projectId : undefined
      await end({ type: 'succeeded', ...(bound !== undefined && { chatId: bound }) }, 'ok')
    } catch (error) {
      throw await fail(error)
    } finally {
      await end({ type: 'abandoned' }, 'aborted')
      await batches.return?.()
    }
  }

  function note(batch: ChatEventBatch): void {
    for (const event of batch) if (event.type === 'project-started') projectId = event.projectId
  }

  /** Ends the lease by what went wrong and says what to throw. */
  async function fail(error: unknown): Promise<unknown> {
    if (signal.aborted) {
      await end({ type: 'abandoned' }, 'aborted')
      return signal.reason
    }
    if (!(error instanceof UpstreamError)) {
      await end({ type: 'abandoned' }, error instanceof ServiceError ? error.code : 'internal_error')
      return error
    }
    const dropBinding = error.kind === 'binding-stale'
    await end(
      { type: 'failed', verdict: judgeAccount(error), ...(dropBinding && { dropBinding }) },
      error.kind,
    )
    return error
  }

  function end(outcome: LeaseOutcome, label: string): Promise<void> {
    if (ended) return ended
    signal.removeEventListener('abort', abandon)
    rooms.metrics.attempts.inc({ generation, outcome: label })
    ended = lease.release(outcome)
    return ended
  }
}

async function takeToken(
  rooms: AttemptRooms,
  request: Parameters<TokenSource['token']>[0],
): Promise<string | undefined> {
  try {
    return await rooms.tokens.token(request)
  } catch (error) {
    if (rooms.tokenRequired || request.signal.aborted) throw error
    rooms.metrics.tokenlessAsks.inc()
    return undefined
  }
}

/** Gen 2 answers a bound project that is sent the whole history with duplicates or nothing (UPSTREAM 5.3), and the whole
 *  history is a promise (DESIGN 3): there only a chat that the operator pinned is continued. */
function chatToContinue(lease: Lease, generation: WireGeneration): string | undefined {
  return generation === 'copilot' || lease.chatPinned ? lease.chatId : undefined
}

const isDelta = (event: ChatEvent): boolean => event.type === 'text-delta' || event.type === 'reasoning-delta'
