// Module `gateway`: serves one request from the pool of accounts until an answer has begun; then it never starts over.
// Touches `accounts`, `browser`, `upstream`, `core`; knows neither HTTP nor a dialect.

import { randomUUID } from 'node:crypto'
import type { ChatAnswer, ChatEvent, ChatEventBatch } from '../core/chat-event.ts'
import type { ChatPrompt, ChatRequest, ChatTurn, ContentPart } from '../core/chat-request.ts'
import type { Clock } from '../core/clock.ts'
import type { Metrics } from '../core/metrics.ts'
import type { CutToTokens } from '../models/tokens.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type Ask, type AttemptDependencies, attemptUntilBegun, type GatewayCall } from './attempt.ts'
import type { FetchAttachments } from './fetch-attachments.ts'
import { fulfilRequest } from './fulfil-request.ts'
import { type PreMessage, prependMessages } from './stages/render-prompt.ts'

/** Resolves at the commit point of a chat: its first delta is there. Contract: `attemptUntilBegun`. */
export type RunChat = (request: ChatRequest, call: GatewayCall) => Promise<ChatAnswer>

export interface ChatDependencies extends AttemptDependencies {
  readonly upstream: Pick<Upstream, 'generation' | 'ask'>
  readonly metrics: Metrics
  readonly clock: Clock
  readonly fetchAttachments: FetchAttachments
  /** In front of every chat (PRE_MESSAGES_JSON). */
  readonly preMessages: readonly PreMessage[]
  readonly cutToTokens: CutToTokens
}

export function createRunChat(dependencies: ChatDependencies): RunChat {
  const { upstream, metrics, clock, fetchAttachments, preMessages, cutToTokens } = dependencies
  const fulfilOptions = { cutToTokens, createCallId }
  return async function runChat(asked, call) {
    const startedMs = clock.now()
    let request = asked.messages.some(namesPictures) ? await withPictures(asked, call.signal) : asked
    if (preMessages.length > 0) request = prependMessages(request, preMessages)
    const answer = await fulfilRequest(request, (prompt) => askPlain(prompt, call), fulfilOptions)
    metrics.firstEventSeconds.observe((clock.now() - startedMs) / 1000)
    return answer
  }

  async function withPictures(request: ChatRequest, signal: AbortSignal): Promise<ChatRequest> {
    const parts = request.messages.flatMap((message) => message.parts)
    return withParts(request, await fetchAttachments(parts, signal))
  }

  async function askPlain(prompt: ChatPrompt, call: GatewayCall): Promise<ChatAnswer> {
    const ask: Ask<ChatEventBatch> = {
      send: (input) => upstream.ask({ ...input, request: prompt }),
      hasBegun: (batch) => batch.some(isDelta),
      projectIn,
    }
    const { pieces } = await attemptUntilBegun(
      dependencies,
      { model: prompt.model.id, use: 'chat' },
      ask,
      call,
    )
    return { events: pieces }
  }
}

const namesPictures = ({ parts }: ChatTurn): boolean => parts.some(({ type }) => type === 'image-url')

const createCallId = (): string => `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`

/** The same messages with other parts, as many of them. */
function withParts(request: ChatRequest, parts: readonly ContentPart[]): ChatRequest {
  let from = 0
  const messages = request.messages.map((message) => {
    const to = from + message.parts.length
    const own = parts.slice(from, to)
    from = to
    return { ...message, parts: own }
  })
  return { ...request, messages }
}

const isDelta = (event: ChatEvent): boolean => event.type === 'text-delta' || event.type === 'reasoning-delta'

function projectIn(batch: ChatEventBatch): string | undefined {
  for (const event of batch) if (event.type === 'project-started') return event.projectId
  return undefined
}
