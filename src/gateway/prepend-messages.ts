import type { ChatMessage, ChatRequest, ChatRole } from '../core/chat-request.ts'

export interface PreMessage {
  readonly role: ChatRole
  readonly content: string
}

/** Puts the operator's messages (PRE_MESSAGES_JSON) in front of the client's. Pure. */
export function prependMessages(request: ChatRequest, preMessages: readonly PreMessage[]): ChatRequest {
  if (preMessages.length === 0) return request
  return { ...request, messages: [...preMessages.map(toChatMessage), ...request.messages] }
}

const toChatMessage = ({ role, content }: PreMessage): ChatMessage => ({
  role,
  parts: [{ type: 'text', text: content }],
})
