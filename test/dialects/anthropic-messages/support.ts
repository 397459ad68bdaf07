import type { ChatEvent, ChatEventBatch } from '../../../src/core/chat-event.ts'
import type { MessageOptions } from '../../../src/dialects/anthropic-messages/encode-message.ts'
import { createUsageMeter } from '../../../src/dialects/measure-usage.ts'

export const text = (words: string): ChatEvent => ({ type: 'text-delta', text: words })
export const thought = (words: string): ChatEvent => ({ type: 'reasoning-delta', text: words })
export const call = (id: string, name: string): ChatEvent => ({ type: 'tool-call-started', id, name })
export const args = (argumentsText: string): ChatEvent => ({ type: 'tool-call-delta', argumentsText })
export const finished: ChatEvent = { type: 'finished', reason: 'stop' }

/** A token a character. */
export const countLetters = (words: string): Promise<number> => Promise.resolve(words.length)
/** At first it seems to have three. */
const input = { soFar: () => 3 }

export function messageOptions(changes: Partial<MessageOptions> = {}): MessageOptions {
  return {
    id: 'msg_1',
    model: 'claude-sonnet-5',
    showThinking: true,
    input,
    usage: createUsageMeter({ messages: [] }, countLetters, () => Promise.resolve(4)),
    ...changes,
  }
}

export function answerOf(batches: readonly ChatEventBatch[], failure?: Error) {
  async function* events() {
    yield* batches
    if (failure) throw failure
  }
  return Promise.resolve({ events: events() })
}
