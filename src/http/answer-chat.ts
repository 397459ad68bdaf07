import type { ChatAnswer } from '../core/chat-event.ts'
import type { ChatRequest } from '../core/chat-request.ts'
import type { MediaModel, MediaRequest } from '../core/media-request.ts'
import { tellUnusedSampling } from '../dialects/lenient-fields.ts'
import type { UsageMeter } from '../dialects/measure-usage.ts'
import { readMediaTurn, toChatEvents } from '../dialects/media-in-chat.ts'
import type { GatewayCall } from '../gateway/attempt.ts'
import { tellUncheckedPatterns } from '../gateway/stages/unchecked-patterns.ts'
import { effortVariant } from '../models/effort-variant.ts'
import { noteCounted } from '../records/record.ts'
import type { AppServices } from './app-services.ts'
import type { FileLinks } from './file-links.ts'
import { callerOf } from './keys.ts'
import type { RequestContext } from './request-state.ts'
import { setRecordHeaders } from './send-json.ts'
import { warn } from './warn.ts'

/** @param signal  ends the answer; by default the request's own */
export type AnswerChat = (
  context: RequestContext,
  chat: ChatRequest,
  signal?: AbortSignal,
) => Promise<ChatAnswer>

/** How every chat dialect gets its answer: from the chat that it asks for, or from the picture or video model that it names. */
export function createAnswerChat(services: AppServices, links: FileLinks): AnswerChat {
  const { runChat, catalogue } = services
  return (context, chat, signal = context.state.signal) => {
    const kind = catalogue.kindOf(chat.model.id)
    const model = kind === 'text' ? undefined : catalogue.resolveMedia(chat.model.id, kind)
    const answer = model
      ? answerWithMedia(context, services, links, { model, chat, signal })
      : runChat(chat, gatewayCall(context, signal))
    const told = tellUnused(context, chat, answer)
    return context.state.debugHeaders ? withHeaders(context, told) : told
  }
}

/** Only the answer shows whether an account that makes use of them was found. */
async function tellUnused(
  context: RequestContext,
  chat: ChatRequest,
  answer: Promise<ChatAnswer>,
): Promise<ChatAnswer> {
  const begun = await answer
  if (begun.warnings) warn(context, begun.warnings)
  if (begun.isNative) return begun
  if (chat.sampling) {
    const { effort, ...sampling } = chat.sampling
    const isUnused = effort !== undefined && !effortVariant(chat.model, effort)
    warn(context, tellUnusedSampling(isUnused ? chat.sampling : sampling))
  }
  warn(context, tellUncheckedPatterns(chat))
  return begun
}

/** The headers of a stream leave once its answer has begun. */
async function withHeaders(context: RequestContext, answer: Promise<ChatAnswer>): Promise<ChatAnswer> {
  const begun = await answer
  if (!context.res.headersSent) setRecordHeaders(context)
  return begun
}

/** Answers a chat that was begun with an image or video model: its files, as links in a text.
 *  @throws {ServiceError} */
async function answerWithMedia(
  context: RequestContext,
  services: Pick<AppServices, 'runMedia' | 'fetchAttachments'>,
  links: FileLinks,
  {
    model,
    chat,
    signal,
  }: { readonly model: MediaModel; readonly chat: ChatRequest; readonly signal: AbortSignal },
): Promise<ChatAnswer> {
  const call = beginMediaCall(context, signal)
  const { prompt, images: given } = readMediaTurn(chat.messages)
  const images = await services.fetchAttachments(given, call)
  const { account, events } = await services.runMedia(requestFor(model, { prompt, images }), call)
  const { kind } = model
  return { events: toChatEvents(events, kind, (file) => links.link(context, file, account.key, kind)) }
}

/** A chat says only what to make; everything else is left to the model's defaults. */
function requestFor(model: MediaModel, asked: Pick<MediaRequest, 'prompt' | 'images'>): MediaRequest {
  const { kind } = model
  if (kind === 'video')
    return { ...asked, kind, model, aspectRatio: undefined, durationS: undefined, autoPrompt: true }
  const own = { aspectRatio: undefined, imageSize: undefined, quality: undefined, style: undefined }
  return { ...asked, ...own, kind, model, count: 1 }
}

/** What the gateway has to know of the request that it works for.
 *  @param signal  ends the work; by default the request's own */
export function gatewayCall(
  context: RequestContext,
  signal: AbortSignal = context.state.signal,
): GatewayCall {
  const { requestId, record } = context.state
  const { bodyBudget } = context
  return {
    requestId,
    caller: callerOf(context),
    signal,
    ...(record && { record }),
    ...(bodyBudget && { takeMemory: (bytes: number) => bodyBudget.take(context, bytes) }),
  }
}

/** A meter whose total stands in the record as well. */
export function noting({ state: { record } }: RequestContext, meter: UsageMeter): UsageMeter {
  if (!record) return meter
  return {
    add: meter.add,
    async total() {
      const tokens = await meter.total()
      noteCounted(record, tokens)
      return tokens
    },
  }
}

/** The same for a client that waits for files. Nothing is written until they are there, so TCP keepalive has to show the
 *  proxies in between that the connection lives. */
export function beginMediaCall(context: RequestContext, signal?: AbortSignal): GatewayCall {
  context.req.socket.setKeepAlive(true, keepAliveMs)
  return gatewayCall(context, signal)
}

const keepAliveMs = 30_000
