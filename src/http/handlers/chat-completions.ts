import type { Config } from '../../config.ts'
import { createChoiceMeters, mergeChoices } from '../../dialects/openai-chat/choices.ts'
import { encodeResponse } from '../../dialects/openai-chat/encode-response.ts'
import type { ReasoningFormat } from '../../dialects/openai-chat/encode-stream.ts'
import {
  createChatStreamEncoder,
  createChoicesStreamEncoder,
} from '../../dialects/openai-chat/encode-stream.ts'
import { type ParsedChatRequest, parseRequest } from '../../dialects/openai-chat/parse-request.ts'
import { createAnswerChat, noting } from '../answer-chat.ts'
import { createAnswerChoices } from '../answer-choices.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import { countAsks } from '../limit-rate.ts'
import { parseBody } from '../read-body.ts'
import type { Middleware, RequestContext } from '../request-state.ts'
import { sendEvents } from '../send-events.ts'
import { sendJson } from '../send-json.ts'
import { warn, warnOfStandIn } from '../warn.ts'

/** @param limit  counts a choice beyond the first, each an ask of its own, as though it were a request */
export function createChatCompletionsHandler(
  config: Config,
  services: AppServices,
  links: FileLinks,
  limit: Middleware,
) {
  const { catalogue, countTokens, clock, logger } = services
  const answerChat = createAnswerChat(services, links)
  const sendOptions = { ...config, logger }

  return async (context: RequestContext): Promise<void> => {
    const parse = (body: unknown) => parseRequest(body, catalogue.resolve)
    const asked = await parseBody(context, config.maxBodyBytes, parse)
    const { chat, choices, callStyle, toolForms, stream, includeUsage } = asked
    warn(context, asked.warnings)
    warnOfStandIn(context, chat.model)
    if (choices > 1) await countAsks(limit, context, choices - 1)
    const options = {
      id: `chatcmpl-${context.state.requestId}`,
      created: Math.floor(clock.now() / 1000),
      model: chat.model.id,
      reasoning: chooseReasoning(asked, config),
      callStyle,
      toolForms,
      choices,
      // A request with tools comes from a program, which reads the error and would take the words for the model's.
      streamErrorText: config.streamErrorText && !chat.tools,
    }
    const createMeters = () =>
      createChoiceMeters(choices, chat, countTokens).map((meter) => noting(context, meter))
    const createStreamMeters = () => (includeUsage ? createMeters() : undefined)

    if (choices === 1) {
      const answer = answerChat(context, chat)
      if (!stream)
        sendJson(context, await encodeResponse(() => answer, { ...options, usage: createMeters() }))
      else {
        const encoder = createChatStreamEncoder({ ...options, usage: createStreamMeters() })
        await sendEvents(context, answer, encoder, sendOptions)
      }
      return
    }

    const over = new AbortController()
    const signal = AbortSignal.any([context.state.signal, over.signal])
    const answerChoice = createAnswerChoices(() => answerChat(context, chat, signal), signal)
    try {
      if (!stream)
        sendJson(context, await encodeResponse(answerChoice, { ...options, usage: createMeters() }))
      else {
        const answers = mergeChoices(Array.from({ length: choices }, answerChoice))
        const encoder = createChoicesStreamEncoder({ ...options, usage: createStreamMeters() })
        await sendEvents(context, answers, encoder, sendOptions)
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
