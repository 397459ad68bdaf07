import type { ChatPrompt } from '../../core/chat-request.ts'
import type { EncodeOptions } from '../encode-options.ts'
import { encodeAskFrame } from './ask-frame.ts'

/** The body of a gen-2 chat ask. Source: UPSTREAM 5.1, 7.3 */
export function encodeAgentRequest({ model, messages }: ChatPrompt, options: EncodeOptions) {
  const [leadModel] = model.upstreamIds.agent
  return {
    type: 'ai_chat',
    ai_chat_model: leadModel,
    ai_chat_enable_search: model.search,
    ai_chat_disable_personalization: false,
    use_moa_proxy: model.mixture,
    moa_models: model.mixture ? model.upstreamIds.agent : [],
    ...encodeAskFrame(messages, options),
    chat_session_id: null,
  }
}
