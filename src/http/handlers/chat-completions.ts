import type { Config } from '../../config.ts'
import type { ReasoningFormat } from '../../dialects/openai-chat/choice-format.ts'
import { createChoiceMeters, mergeChoices } from '../../dialects/openai-chat/choices.ts'
import { encodeResponse } from '../../dialects/openai-chat/encode-response.ts'
import {
  createChatStreamEncoder,
  createChoicesStreamEncoder,
} from '../../dialects/openai-chat/encode-stream.ts'
import { type ParsedChatRequest, parseRequest } from '../../dialects/openai-chat/parse-request.ts'
import type { StreamEncoder } from '../../dialects/stream-encoder.ts'
import { createAnswerChat } from '../answer-chat.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import { readJson } from '../read-json.ts'
import type { RequestContext } from '../request-state.ts'
import { encodeAll, sendEvents } from '../send-events.ts'
import { toServiceError } from '../to-service-error.ts'

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
        const options = { ...answerOptions, choices, usage, streamErrorText }
        const send = <Batch>(
          answer: Promise<{ readonly events: AsyncIterable<Batch> }>,
          encoder: StreamEncoder<Batch>,
        ) =>
          sendEvents(context, encodeAll(answer, encoder), {
            holdMs: config.headerHoldMs,
            pingMs: config.streamPingMs,
            encodeError: (error) => encoder.encodeError(toServiceError(context, error, logger)),
          })
        if (choices === 1) await send(answerChoice(), createChatStreamEncoder(options))
        else
          await send(
            mergeChoices(Array.from({ length: choices }, answerChoice)),
            createChoicesStreamEncoder(options),
          )
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
