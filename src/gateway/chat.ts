// Room `gateway`: serves one request from the pool of accounts until an answer has begun; then it never starts over.
// Touches `accounts`, `browser`, `upstream`, `core`; knows neither HTTP nor a dialect.

import type { ChatAnswer, ChatEvent, ChatEventBatch } from '../core/chat-event.ts'
import type { ChatRequest } from '../core/chat-request.ts'
import type { Clock } from '../core/clock.ts'
import type { Metrics } from '../core/metrics.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Ask } from './attempt.ts'
import { type AttemptLoopRooms, attemptUntilBegun, type GatewayCall } from './attempt-loop.ts'
import { type PreMessage, prependMessages } from './prepend-messages.ts'
import type { ResolveAttachments } from './resolve-attachments.ts'

/** Resolves at the commit point of a chat: its first delta is there. Contract: `attemptUntilBegun`. */
export type RunChat = (request: ChatRequest, call: GatewayCall) => Promise<ChatAnswer>

export interface ChatRooms extends AttemptLoopRooms {
  readonly upstream: Pick<Upstream, 'generation' | 'ask'>
  readonly metrics: Metrics
  readonly clock: Clock
  readonly resolveAttachments: ResolveAttachments
  /** In front of every chat (PRE_MESSAGES_JSON). */
  readonly preMessages: readonly PreMessage[]
}

export function createRunChat(rooms: ChatRooms): RunChat {
  const { upstream, metrics, clock, resolveAttachments, preMessages } = rooms
  return async function runChat(asked, call) {
    const startedMs = clock.now()
    const request = await resolveAttachments(prependMessages(asked, preMessages), call.signal)
    const ask: Ask<ChatEventBatch> = {
      send: (input) => upstream.ask({ ...input, request }),
      hasBegun: (batch) => batch.some(isDelta),
      projectIn,
    }
    const { pieces } = await attemptUntilBegun(rooms, { model: request.model.id, use: 'chat' }, ask, call)
    metrics.firstEventSeconds.observe((clock.now() - startedMs) / 1000)
    return { events: pieces }
  }
}

const isDelta = (event: ChatEvent): boolean => event.type === 'text-delta' || event.type === 'reasoning-delta'

function projectIn(batch: ChatEventBatch): string | undefined {
  for (const event of batch) if (event.type === 'project-started') return event.projectId
  return undefined
}
