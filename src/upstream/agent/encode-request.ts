import { randomUUID } from 'node:crypto'
import type { ChatMessage, ChatRequest } from '../../core/chat-request.ts'
import { encodeContent } from '../encode-content.ts'

/** The body of a gen-2 chat ask, in the form of the web page, always with the whole history. Its `session_state`, a second
 *  copy of all messages, is left out: clients do without, and it would double every image. Source: UPSTREAM 5.1, 5.2 */
export function encodeAgentRequest(
  { model, messages }: ChatRequest,
  { chatId, token }: { readonly chatId?: string | undefined; readonly token?: string | undefined },
) {
  const newest = messages.findLastIndex((message) => message.role === 'user')
  const wireMessages = messages.map((message, index) => encodeMessage(message, index === newest))
  const [leadModel] = model.upstreamIds.agent
  return {
    type: 'ai_chat',
    ai_chat_model: leadModel,
    ai_chat_enable_search: model.search,
    ai_chat_disable_personalization: false,
    use_moa_proxy: model.mixture,
    moa_models: model.mixture ? model.upstreamIds.agent : [],
    writingContent: null,
    sas_ask_origin: 'typed',
    project_id: chatId ?? null,
    messages: wireMessages,
    user_s_input: newest === -1 ? '' : textOf(messages[newest]),
    ...(newest !== -1 && { client_message_id: wireMessages[newest]?.id }),
    ...(token !== undefined && { g_recaptcha_token: token }),
    is_private: true,
    push_token: '',
    last_seen_event_index: -1,
    chat_session_id: null,
  }
}

function encodeMessage(message: ChatMessage, isNewest: boolean) {
  return {
    role: message.role,
    id: randomUUID(),
    content: encodeContent(message),
    ...(isNewest && { pending: true, sendStatus: 'sending', _deepDiveStateNegContent: textOf(message) }),
  }
}

function textOf(message: ChatMessage | undefined): string {
  const texts = message?.parts.map((part) => (part.type === 'text' ? part.text : '')) ?? []
  return texts.filter((text) => text !== '').join('\n')
}
