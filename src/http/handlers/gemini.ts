import type { RouterContext } from '@koa/router'
import type { Config } from '../../config.ts'
import { InvalidRequestError, ServiceError } from '../../core/errors.ts'
import {
  createGenerateStreamEncoder,
  encodeModel,
  encodeModelList,
  encodeResponse,
} from '../../dialects/gemini/encode-answer.ts'
import { parseRequest } from '../../dialects/gemini/parse-request.ts'
import { countPrompt, createUsageMeter } from '../../dialects/measure-usage.ts'
import { createAnswerChat, noting } from '../answer-chat.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import { parseBody } from '../read-body.ts'
import type { RequestContext, RequestState } from '../request-state.ts'
import { sendEvents } from '../send-events.ts'
import { sendJson } from '../send-json.ts'
import { warn, warnOfStandIn } from '../warn.ts'

type Context = RouterContext<RequestState> & RequestContext

/** Google's routes: `models`, and what is asked of one after a colon. */
export function createGeminiHandlers(config: Config, services: AppServices, links: FileLinks) {
  const { catalogue, countTokens, logger } = services
  const answerChat = createAnswerChat(services, links)
  const sendOptions = { ...config, logger }

  return {
    list(context: Context): void {
      sendJson(context, encodeModelList(catalogue.list()))
    },

    retrieve(context: Context): void {
      const entry = catalogue.find(context.params.id ?? '')
      if (!entry) throw new ServiceError('model_not_found')
      sendJson(context, encodeModel(entry))
    },

    /** `models/NAME:generateContent`, `:streamGenerateContent`, `:countTokens`. Without `alt=sse` a stream is a list of chunks: one
     *  that is whole is such a list. */
    async call(context: Context): Promise<void> {
      const { model, method } = readCall(context.params.call ?? '')
      const parse = (body: unknown) => parseRequest(body, model, catalogue.resolve)
      const { chat, showThinking, warnings } = await parseBody(context, config.maxBodyBytes, parse)
      if (method === 'countTokens') {
        sendJson(context, { totalTokens: await countPrompt(chat, countTokens) })
        return
      }
      warn(context, warnings)
      warnOfStandIn(context, chat.model)
      const options = {
        id: context.state.requestId.replaceAll('-', ''),
        model,
        showThinking: showThinking && !config.reasoningHidden,
        usage: noting(context, createUsageMeter(chat, countTokens)),
      }
      const answer = answerChat(context, chat)
      if (method === 'streamGenerateContent' && context.query.alt === 'sse') {
        await sendEvents(context, answer, createGenerateStreamEncoder(options), sendOptions)
        return
      }
      const whole = await encodeResponse(answer, options)
      sendJson(context, method === 'generateContent' ? whole : [whole])
    },
  }
}

const methods = ['generateContent', 'streamGenerateContent', 'countTokens'] as const

function readCall(call: string): { readonly model: string; readonly method: (typeof methods)[number] } {
  const colon = call.lastIndexOf(':')
  const given = call.slice(colon + 1)
  const method = methods.find((each) => each === given)
  if (colon > 0 && method) return { model: call.slice(0, colon), method }
  throw new InvalidRequestError('not_found', {
    message: `There is no such method. Use models/NAME with one of ${methods.join(', ')}.`,
  })
}
