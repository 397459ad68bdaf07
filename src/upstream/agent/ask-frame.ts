import { randomUUID } from 'node:crypto'
import type { ChatMessage } from '../../core/chat-request.ts'
import { encodeContent } from '../encode-content.ts'
import type { EncodeOptions } from '../encode-options.ts'

/** What a gen-2 ask of any kind has, in the form of the web page, always with the whole history. Its `session_state`, a second
 *  copy of all messages, is left out: clients do without, and it would double every image. Source: UPSTREAM 5.1, 5.2 */
export function encodeAskFrame(messages: readonly ChatMessage[], { chatId, token, files }: EncodeOptions) {
  const newest = messages.findLastIndex((message) => message.role === 'user')
  const wireMessages = messages.map((message, index) => ({
    role: message.role,
    id: randomUUID(),
    content: encodeContent(message.parts, files),
    ...(index === newest && {
      pending: true,
      sendStatus: 'sending',
      _deepDiveStateNegContent: textOf(message),
    }),
  }))
  return {
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
  }
}

function textOf(message: ChatMessage | undefined): string {
  const texts = message?.parts.map((part) => (part.type === 'text' ? part.text : '')) ?? []
  return texts.filter((text) => text !== '').join('\n')
}
