import type { ChatAnswer } from '../core/chat-event.ts'
import type { ChatRequest } from '../core/chat-request.ts'
import { answerWithMedia } from './answer-with-media.ts'
import type { AppServices } from './app-services.ts'
import type { FileLinks } from './file-links.ts'
import { callerOf } from './keys.ts'
import type { RequestContext } from './request-state.ts'

/** @param signal  ends the answer; by default the request's own */
export type AnswerChat = (
  context: RequestContext,
  chat: ChatRequest,
  signal?: AbortSignal,
) => Promise<ChatAnswer>

/** How every chat dialect gets its answer: from the chat that it asks for, or from the picture or video model that it names. */
export function createAnswerChat(services: AppServices, links: FileLinks): AnswerChat {
  const { runChat, catalogue } = services
  return async function answerChat(context, chat, signal = context.state.signal) {
    const kind = catalogue.kindOf(chat.model.id)
    const model = kind === 'text' ? undefined : catalogue.resolveMedia(chat.model.id, kind)
    if (model) return await answerWithMedia(context, services, links, { model, chat, signal })
    const { requestId } = context.state
    return await runChat(chat, { requestId, caller: callerOf(context), signal })
  }
}
