import type { ChatMessage, ChatModel, ChatPrompt } from '../../core/chat-request.ts'
import { encodeContent } from '../encode-content.ts'
import type { EncodeOptions } from '../encode-options.ts'
import type { StoredFiles } from '../upload-files.ts'
import { queryString } from './query-string.ts'

const type = 'COPILOT_MOA_CHAT'

/** The body of a gen-1 chat ask, always with the whole history. Source: UPSTREAM 4.1, 4.2, 4.5 */
export function encodeCopilotRequest(
  { model, messages }: ChatPrompt,
  { chatId, token, files }: EncodeOptions,
) {
  return {
    type,
    current_query_string: queryString(type, chatId),
    messages: messages.map((message) => encodeMessage(message, model, files)),
    action_params: {},
    extra_data: {
      models: model.upstreamIds.copilot,
      run_with_another_model: false,
      writingContent: null,
      request_web_knowledge: model.search,
    },
    ...(token !== undefined && { g_recaptcha_token: token }),
  }
}

function encodeMessage(message: ChatMessage, model: ChatModel, files: StoredFiles | undefined) {
  const models = model.upstreamIds.copilot
  const isR1 = models.includes('deep-seek-r1')
  return {
    role: isR1 && message.role === 'system' ? 'user' : message.role,
    content: encodeContent(message.parts, files),
    is_prompt: false,
    // This one model wants to be told which answers are its own (UPSTREAM 4.5).
    session_state:
      isR1 && message.role === 'assistant'
        ? { models, layers: 0, answer: '', answer_is_finished: false }
        : null,
  }
}
