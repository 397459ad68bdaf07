import type { ChatAnswer, ChatEventBatch } from '../core/chat-event.ts'
import type { ChatMessage, ChatPrompt, ChatRole } from '../core/chat-request.ts'

/** Asks for an answer in plain text. Resolves at the commit point; contract: `attemptUntilBegun`. */
export type AskPlain = (prompt: ChatPrompt) => Promise<ChatAnswer>

/** One more turn of the same conversation: what the model said, and what is wrong with it.
 *  @returns what it says then; @throws {ServiceError} as the first ask does */
export type AskAgain = (said: string, complaint: string) => Promise<AsyncIterable<ChatEventBatch>>

export function createAskAgain(ask: AskPlain, prompt: ChatPrompt): AskAgain {
  return async (said, complaint) => {
    const answer = said.trim() === '' ? [] : [message('assistant', said)]
    const messages = [...prompt.messages, ...answer, message('user', complaint)]
    return (await ask({ ...prompt, messages })).events
  }
}

const message = (role: ChatRole, text: string): ChatMessage => ({ role, parts: [{ type: 'text', text }] })
