import type { Config } from '../../config.ts'
import { encodeResponse } from '../../dialects/openai-chat/encode-response.ts'
import { createChatStreamEncoder } from '../../dialects/openai-chat/encode-stream.ts'
import { createUsageMeter } from '../../dialects/openai-chat/measure-usage.ts'
import { parseRequest } from '../../dialects/openai-chat/parse-request.ts'
import type { AppServices } from '../app-services.ts'
import { readJson } from '../read-json.ts'
import type { RequestContext } from '../request-state.ts'
import { sendEvents } from '../send-events.ts'
import { toServiceError } from '../to-service-error.ts'

export function createChatCompletionsHandler(config: Config, services: AppServices) {
  const { runChat, catalogue, countTokens, clock, logger } = services
  return async (context: RequestContext): Promise<void> => {
    const { requestId, signal } = context.state
    const body = await readJson(context, config.maxBodyBytes)
    const { chat, stream, includeUsage, reasoningFormat } = parseRequest(body, catalogue.resolve)
    const answerOptions = {
      id: `chatcmpl-${requestId}`,
      created: Math.floor(clock.now() / 1000),
      model: chat.model.id,
      reasoning: config.reasoningHidden ? 'hidden' : (reasoningFormat ?? config.reasoningFormat),
    } as const
    const meterUsage = () => createUsageMeter(chat.messages, countTokens)

    const answer = runChat(chat, { requestId, signal })
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
