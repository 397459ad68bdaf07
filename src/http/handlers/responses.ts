import type { Config } from '../../config.ts'
import { createUsageMeter } from '../../dialects/measure-usage.ts'
import { encodeResponse } from '../../dialects/openai-responses/encode-response.ts'
import { createResponseStreamEncoder } from '../../dialects/openai-responses/encode-stream.ts'
import { createResponseId } from '../../dialects/openai-responses/item-ids.ts'
import { encodeKept } from '../../dialects/openai-responses/kept-response.ts'
import { type ParsedResponseRequest, parseRequest } from '../../dialects/openai-responses/parse-request.ts'
import { createResponse, type ResponseObject } from '../../dialects/openai-responses/response-object.ts'
import type { TellResponseOptions } from '../../dialects/openai-responses/tell-response.ts'
import { createAnswerChat } from '../answer-chat.ts'
import type { AppServices } from '../app-services.ts'
import { makeInBackground } from '../background-response.ts'
import type { FileLinks } from '../file-links.ts'
import { callerOf } from '../keys.ts'
import { readJson } from '../read-body.ts'
import { toServiceError } from '../render-error.ts'
import type { RequestContext } from '../request-state.ts'
import { sendEvents } from '../send-events.ts'

export function createResponsesHandler(config: Config, services: AppServices, links: FileLinks) {
  const { catalogue, countTokens, keptResponses, clock, logger } = services
  const answerChat = createAnswerChat(services, links)
  const now = () => Math.floor(clock.now() / 1000)

  /** The answer is good without being kept: a store that is away costs only that. */
  async function keep(context: RequestContext, request: ParsedResponseRequest, response: ResponseObject) {
    if (!request.store) return
    const text = encodeKept({ response, input: request.input })
    try {
      await keptResponses.keep({ id: response.id, owner: callerOf(context), text })
    } catch (error) {
      logger.warn({ requestId: context.state.requestId, err: error }, 'a response could not be kept')
    }
  }

  return async (context: RequestContext): Promise<void> => {
    const owner = callerOf(context)
    const id = createResponseId(context.state.requestId)
    const body = await readJson(context, config.maxBodyBytes)
    const request = await parseRequest(body, {
      id,
      resolve: catalogue.resolve,
      readKept: (keptId) => keptResponses.find(keptId, owner),
    })
    const { chat, stream, background, customTools, echo } = request
    const identity = { id, created: now(), model: chat.model, echo }
    const options: TellResponseOptions = {
      response: createResponse(identity, 'in_progress'),
      customTools,
      reasoningHidden: config.reasoningHidden,
      usage: createUsageMeter(chat, countTokens),
      now,
      keep: (response) => keep(context, request, response),
    }
    if (background) {
      const queued = createResponse(identity, 'queued')
      const answer = (signal: AbortSignal) => answerChat(context, chat, signal)
      context.body = await makeInBackground(context, services, { queued, request, answer, options })
      return
    }
    const answer = answerChat(context, chat)
    if (!stream) {
      context.body = await encodeResponse(answer, options)
      return
    }
    const encoder = createResponseStreamEncoder(answer, options)
    await sendEvents(context, encoder.events, {
      holdMs: config.headerHoldMs,
      pingMs: config.streamPingMs,
      encodeError: (error) => encoder.encodeError(toServiceError(context, error, logger)),
    })
  }
}
