import type { Config } from '../../config.ts'
import { encodeResponse } from '../../dialects/openai-chat/encode-response.ts'
import { createChatStreamEncoder } from '../../dialects/openai-chat/encode-stream.ts'
import { createUsageMeter } from '../../dialects/openai-chat/measure-usage.ts'
import { parseRequest } from '../../dialects/openai-chat/parse-request.ts'
import { answerWithMedia } from '../answer-with-media.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import { readJson } from '../read-json.ts'
import type { RequestContext } from '../request-state.ts'
import { sendEvents } from '../send-events.ts'
import { toServiceError } from '../to-service-error.ts'

export function createChatCompletionsHandler(config: Config, services: AppServices, links: FileLinks) {
  const { runChat, catalogue, countTokens, clock, logger } = services
  const mediaModel = (name: string) => {
    const kind = catalogue.kindOf(name)
    return kind === 'text' ? undefined : catalogue.resolveMedia(name, kind)
  }

  return async (context: RequestContext): Promise<void> => {
    const { requestId, signal } = context.state
    const body = await readJson(context, config.maxBodyBytes)
    const { chat, stream, includeUsage, reasoningFormat } = await parseRequest(body, catalogue.resolve)
    const answerOptions = {
      id: `chatcmpl-${requestId}`,
      created: Math.floor(clock.now() / 1000),
      model: chat.model.id,
      reasoning: config.reasoningHidden ? 'hidden' : (reasoningFormat ?? config.reasoningFormat),
    } as const
    const meterUsage = () => createUsageMeter(chat.messages, countTokens)

    const model = mediaModel(chat.model.id)
    const answer = model
      ? answerWithMedia(context, services, links, { model, chat })
      : runChat(chat, { requestId, signal })
    if (!stream) {
      context.body = await encodeResponse(answer, { ...answerOptions, usage: meterUsage() })
      return
    }
    const encoder = createChatStreamEncoder({
      ...answerOptions,
      usage: includeUsage ? meterUsage() : undefined,
      streamErrorText: config.streamErrorText,
    })
    await sendEvents(context, encoder.encode(answer), {
      holdMs: config.headerHoldMs,
      pingMs: config.streamPingMs,
      encodeError: (error) => encoder.encodeError(toServiceError(context, error, logger)),
    })
  }
}
