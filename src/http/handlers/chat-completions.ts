import type { Config } from '../../config.ts'
import { encodeResponse } from '../../dialects/openai-chat/encode-response.ts'
import { createChatStreamEncoder } from '../../dialects/openai-chat/encode-stream.ts'
import { createChoiceMeters } from '../../dialects/openai-chat/measure-choices.ts'
import { type ParsedChatRequest, parseRequest } from '../../dialects/openai-chat/parse-request.ts'
import type { ReasoningFormat } from '../../dialects/openai-chat/present-reasoning.ts'
import { createAnswerChat } from '../answer-chat.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import { readJson } from '../read-body.ts'
import { toServiceError } from '../render-error.ts'
import type { RequestContext } from '../request-state.ts'
import { sendEvents } from '../send-events.ts'

export function createChatCompletionsHandler(config: Config, services: AppServices, links: FileLinks) {
  const { catalogue, countTokens, clock, logger } = services
  const answerChat = createAnswerChat(services, links)

  return async (context: RequestContext): Promise<void> => {
    const body = await readJson(context, config.maxBodyBytes)
    const asked = await parseRequest(body, catalogue.resolve)
    const { chat, choices, callStyle, stream, includeUsage } = asked
    const answerOptions = {
      id: `chatcmpl-${context.state.requestId}`,
      created: Math.floor(clock.now() / 1000),
      model: chat.model.id,
      reasoning: chooseReasoning(asked, config),
      callStyle,
    }
    const createMeters = () => createChoiceMeters(choices, chat, countTokens)
    const over = new AbortController()
    const signal = AbortSignal.any([context.state.signal, over.signal])
    const answerChoice = () => answerChat(context, chat, signal)

    try {
      if (stream) {
        const usage = includeUsage ? createMeters() : undefined
        const { streamErrorText } = config
        const encoder = createChatStreamEncoder({ ...answerOptions, choices, usage, streamErrorText })
        await sendEvents(context, encoder.encode(answerChoice), {
          holdMs: config.headerHoldMs,
          pingMs: config.streamPingMs,
          encodeError: (error) => encoder.encodeError(toServiceError(context, error, logger)),
        })
      } else {
        context.body = await encodeResponse(answerChoice, { ...answerOptions, usage: createMeters() })
      }
    } finally {
      // When one of several choices fails, nobody waits for the others.
      over.abort()
    }
  }
}

function chooseReasoning({ chat, reasoningFormat }: ParsedChatRequest, config: Config): ReasoningFormat {
  if (config.reasoningHidden) return 'hidden'
  const format = reasoningFormat ?? config.reasoningFormat
  // Tags would stand in front of the JSON that the content has to be.
  return format === 'think-tags' && chat.output ? 'reasoning-content' : format
}
