import type { Config } from '../../config.ts'
import { createUsageMeter } from '../../dialects/measure-usage.ts'
import {
  createCompletionStreamEncoder,
  encodeCompletion,
  parseCompletionRequest,
} from '../../dialects/openai-completions.ts'
import { createAnswerChat, noting } from '../answer-chat.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import { parseBody } from '../read-body.ts'
import type { RequestContext } from '../request-state.ts'
import { sendEvents } from '../send-events.ts'
import { sendJson } from '../send-json.ts'
import { warn, warnOfStandIn } from '../warn.ts'

/** `POST /v1/completions`, which editors still ask for the rest of a line. */
export function createCompletionsHandler(config: Config, services: AppServices, links: FileLinks) {
  const { catalogue, countTokens, clock, logger } = services
  const answerChat = createAnswerChat(services, links)

  return async (context: RequestContext): Promise<void> => {
    const parse = (body: unknown) => parseCompletionRequest(body, catalogue.resolve)
    const asked = await parseBody(context, config.maxBodyBytes, parse)
    const { chat, stream, includeUsage, prefix } = asked
    warn(context, asked.warnings)
    warnOfStandIn(context, chat.model)
    const options = {
      id: `cmpl-${context.state.requestId}`,
      created: Math.floor(clock.now() / 1000),
      model: chat.model.id,
      prefix,
      usage: noting(context, createUsageMeter(chat, countTokens)),
    }
    const answer = answerChat(context, chat)
    if (!stream) sendJson(context, await encodeCompletion(answer, options))
    else {
      const encoder = createCompletionStreamEncoder({ ...options, includeUsage })
      await sendEvents(context, answer, encoder, { ...config, logger })
    }
  }
}
