import type { ChatAnswer } from '../core/chat-event.ts'
import type { ChatRequest } from '../core/chat-request.ts'
import type { MediaModel, MediaRequest } from '../core/media-request.ts'
import { readMediaTurn, toChatEvents } from '../dialects/media-in-chat.ts'
import type { AppServices } from './app-services.ts'
import type { FileLinks } from './file-links.ts'
import { beginMediaCall } from './media-call.ts'
import type { RequestContext } from './request-state.ts'

/** Answers a chat that was begun with an image or video model: its files, as links in a text.
 *  @throws {ServiceError} */
export async function answerWithMedia(
  context: RequestContext,
  services: Pick<AppServices, 'runMedia' | 'fetchAttachments'>,
  links: FileLinks,
  {
    model,
    chat,
    signal,
  }: { readonly model: MediaModel; readonly chat: ChatRequest; readonly signal: AbortSignal },
): Promise<ChatAnswer> {
  const call = { ...beginMediaCall(context), signal }
  const { prompt, images: given } = readMediaTurn(chat.messages)
  const images = await services.fetchAttachments(given, call.signal)
  const { account, events } = await services.runMedia(requestFor(model, { prompt, images }), call)
  const { kind } = model
  return { events: toChatEvents(events, kind, (file) => links.link(context, file, account.key, kind)) }
}

/** A chat says nothing but what to make: the rest is the model's own. */
function requestFor(model: MediaModel, asked: Pick<MediaRequest, 'prompt' | 'images'>): MediaRequest {
  const { kind } = model
  if (kind === 'video')
    return { ...asked, kind, model, aspectRatio: undefined, durationS: undefined, autoPrompt: true }
  const own = { aspectRatio: undefined, imageSize: undefined, quality: undefined, style: undefined }
  return { ...asked, ...own, kind, model, count: 1 }
}
