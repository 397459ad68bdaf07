import type { ChatEventBatch } from '../../core/chat-event.ts'
import type { CutToTokens } from '../../models/tokens.ts'
import { limitTokens } from './limit-tokens.ts'
import { stopAt } from './stop-at.ts'

export interface LimitOptions {
  /** Any of them ends the text and is no part of it. */
  readonly stop: readonly string[]
  /** Of reasoning, text and calls together. */
  readonly maxTokens: number | undefined
  readonly cutToTokens: CutToTokens
}

/** Ends an answer where the client wants it to end; the site is left at once. */
export function limitAnswer(
  events: AsyncIterable<ChatEventBatch>,
  { stop, maxTokens, cutToTokens }: LimitOptions,
): AsyncIterable<ChatEventBatch> {
  const stopped = stop.length > 0 ? stopAt(events, stop) : events
  return maxTokens === undefined ? stopped : limitTokens(stopped, { maxTokens, cutToTokens })
}
