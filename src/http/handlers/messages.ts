import type { Config } from '../../config.ts'
import { encodeResponse } from '../../dialects/anthropic-messages/encode-message.ts'
import { createMessageStreamEncoder } from '../../dialects/anthropic-messages/encode-stream.ts'
import { parseRequest } from '../../dialects/anthropic-messages/parse-request.ts'
import { countInput, countPrompt, createUsageMeter } from '../../dialects/measure-usage.ts'
import { createAnswerChat, noting } from '../answer-chat.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import { parseBody, readJson } from '../read-body.ts'
import type { RequestContext } from '../request-state.ts'
import { sendEvents } from '../send-events.ts'
import { sendJson } from '../send-json.ts'
import { warn, warnOfStandIn } from '../warn.ts'

export function createMessagesHandler(config: Config, services: AppServices, links: FileLinks) {
  const { catalogue, countTokens, logger } = services
  const answerChat = createAnswerChat(services, links)
  const sendOptions = { ...config, logger }

  return async (context: RequestContext): Promise<void> => {
    const { requestId, signal } = context.state
    const parse = (body: unknown) => parseRequest(body, catalogue.resolve)
    const { chat, stream, showThinking, warnings } = await parseBody(context, config.maxBodyBytes, parse)
    warn(context, warnings)
    warnOfStandIn(context, chat.model)
    const answer = answerChat(context, chat)
    const input = countInput(chat, { countTokens, signal })
    const options = {
      requestId,
      id: `msg_${requestId.replaceAll('-', '')}`,
      model: chat.model.id,
      showThinking: showThinking && !config.reasoningHidden,
      input,
      usage: noting(context, createUsageMeter(chat, countTokens, input.exact)),
    }
    if (!stream) {
      sendJson(context, await encodeResponse(answer, options))
      return
    }
    await sendEvents(context, answer, createMessageStreamEncoder(options), sendOptions)
  }
}

/** `POST /v1/messages/count_tokens`: of a request that is not asked. */
export function createCountMessageTokensHandler(
  { maxBodyBytes }: Pick<Config, 'maxBodyBytes'>,
  { catalogue, countTokens }: Pick<AppServices, 'catalogue' | 'countTokens'>,
) {
  return async (context: RequestContext): Promise<void> => {
    const { chat } = await parseRequest(await readJson(context, maxBodyBytes), catalogue.resolve)
    sendJson(context, { input_tokens: await countPrompt(chat, countTokens) })
  }
}
