import type { Lease } from '../accounts/lease.ts'
import type { TokenRequest, TokenSource } from '../browser/token-source.ts'
import type { ChatEvent, ChatEventBatch } from '../core/chat-event.ts'
import type { ChatRequest } from '../core/chat-request.ts'
import { UpstreamError } from '../core/errors.ts'
import type { Metrics } from '../core/metrics.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { createSettlement, type Settlement } from './settle-lease.ts'

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
 *  @returns at the commit point, when the first delta is there; the iteration begins with it
 *  @throws {UpstreamError} before it; the account has been judged and the lease is free */
export async function runAttempt(
  rooms: AttemptRooms,
  { lease, request, signal: callSignal, unbound }: AttemptInput,
): Promise<AsyncIterable<ChatEventBatch>> {
  const generation = rooms.upstream.generation()
  const { account } = lease
  const signal = AbortSignal.any([callSignal, lease.lost])
  const settlement = createSettlement({
    lease,
    signal,
    countOutcome: (outcome) => rooms.metrics.attempts.inc({ generation, outcome }),
  })
  try {
    signal.throwIfAborted()
    const token = await takeToken(rooms, { account, generation, signal })
    const chatId = unbound ? undefined : chatToContinue(lease, generation)
    const asked = rooms.upstream.ask({
      generation,
      account,
      request,
      signal,
      ...(token !== undefined && { token }),
      ...(chatId !== undefined && { chatId }),
    })
    const batches = asked[Symbol.asyncIterator]()
    const first = await readToFirstDelta(batches)
    return readOn({ first, batches, settlement, bindsChats: generation === 'copilot' })
  } catch (error) {
    throw await settlement.failed(error)
  }
}

async function takeToken(rooms: AttemptRooms, request: TokenRequest): Promise<string | undefined> {
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

async function readToFirstDelta(batches: AsyncIterator<ChatEventBatch>): Promise<ChatEventBatch> {
  const held: ChatEvent[] = []
  for (;;) {
    const { value, done } = await batches.next()
    if (done) throw new UpstreamError('empty')
    held.push(...value)
    if (value.some(isDelta)) return held
  }
}

const isDelta = (event: ChatEvent): boolean => event.type === 'text-delta' || event.type === 'reasoning-delta'

interface BegunAnswer {
  readonly first: ChatEventBatch
  readonly batches: AsyncIterator<ChatEventBatch>
  readonly settlement: Settlement
  readonly bindsChats: boolean
}

async function* readOn({
  first,
  batches,
  settlement,
  bindsChats,
}: BegunAnswer): AsyncGenerator<ChatEventBatch> {
  let chatId: string | undefined
  try {
    let batch = first
    for (;;) {
      if (bindsChats) chatId = projectIn(batch) ?? chatId
      yield batch
      const { value, done } = await batches.next()
      if (done) break
      batch = value
    }
    await settlement.succeeded(chatId)
  } catch (error) {
    throw await settlement.failed(error)
  } finally {
    await settlement.abandoned()
    await batches.return?.()
  }
}

function projectIn(batch: ChatEventBatch): string | undefined {
  for (const event of batch) if (event.type === 'project-started') return event.projectId
  return undefined
}
