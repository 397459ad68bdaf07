import type { Config } from '../../config.ts'
import { countPrompt, createUsageMeter } from '../../dialects/measure-usage.ts'
import {
  createResponseStreamEncoder,
  type EncodeResponseOptions,
  encodeResponse,
} from '../../dialects/openai-responses/encode-response.ts'
import { encodeKept } from '../../dialects/openai-responses/kept-response.ts'
import { type ParsedResponseRequest, parseRequest } from '../../dialects/openai-responses/parse-request.ts'
import {
  createResponse,
  createResponseId,
  type ResponseObject,
} from '../../dialects/openai-responses/response-object.ts'
import { createAnswerChat, noting } from '../answer-chat.ts'
import type { AppServices } from '../app-services.ts'
import { makeInBackground } from '../background-response.ts'
import type { FileLinks } from '../file-links.ts'
import { callerOf } from '../keys.ts'
import { parseBody, readJson } from '../read-body.ts'
import type { RequestContext } from '../request-state.ts'
import type { ResponseTapes } from '../response-tapes.ts'
import { sendEvents } from '../send-events.ts'
import { sendJson } from '../send-json.ts'
import { warn, warnOfStandIn } from '../warn.ts'

export function createResponsesHandlers(
  config: Config,
  services: AppServices,
  links: FileLinks,
  tapes: ResponseTapes,
) {
  const { catalogue, countTokens, keptResponses, clock, logger } = services
  const answerChat = createAnswerChat(services, links)
  const sendOptions = { ...config, logger }
  const now = () => Math.floor(clock.now() / 1000)

  /** The answer is good without being kept: an unreachable store costs only that. */
  async function keep(
    context: RequestContext,
    request: ParsedResponseRequest,
    response: ResponseObject,
    encoded: () => string,
    continued: Iterable<string>,
  ) {
    if (!request.store) return
    const text = encodeKept({ response, input: request.input }, encoded())
    try {
      await keptResponses.keep({ id: response.id, owner: callerOf(context), text }, continued)
    } catch (error) {
      logger.warn({ requestId: context.state.requestId, err: error }, 'a response could not be kept')
    }
  }

  const handle = async (context: RequestContext, alwaysCompacts: boolean): Promise<void> => {
    const owner = callerOf(context)
    const id = createResponseId(context.state.requestId)
    const continued = new Set<string>()
    const parseOptions = {
      id,
      resolve: catalogue.resolve,
      storedByDefault: config.responsesStored && !alwaysCompacts,
      compacts: alwaysCompacts,
      async readKept(keptId: string) {
        const text = await keptResponses.find(keptId, owner)
        if (text !== undefined) continued.add(keptId)
        return text
      },
    }
    const parse = (body: unknown) => parseRequest(body, parseOptions)
    const request = await parseBody(context, config.maxBodyBytes, parse)
    const { chat, stream, background, toolForms, compacts, echo } = request
    warn(context, request.warnings)
    warnOfStandIn(context, chat.model)
    const identity = { id, created: now(), model: chat.model, echo }
    const options: EncodeResponseOptions = {
      response: createResponse(identity, 'in_progress'),
      toolForms,
      compacts,
      reasoningHidden: config.reasoningHidden,
      usage: noting(context, createUsageMeter(chat, countTokens)),
      now,
      keep: (response, encoded) => keep(context, request, response, encoded, continued),
    }
    if (background) {
      const queued = createResponse(identity, 'queued')
      const answer = (signal: AbortSignal) => answerChat(context, chat, signal)
      if (!stream) {
        context.body = await makeInBackground(context, services, { queued, request, answer, options })
        return
      }
      const tape = tapes.begin(id, owner, () => ({
        ...options,
        usage: createUsageMeter(chat, countTokens),
        keep: async () => {},
      }))
      try {
        await makeInBackground(context, services, { queued, request, answer, options, tape })
      } catch (error) {
        tapes.remove(id)
        throw error
      }
      const following = Promise.resolve({ events: tape.follow(context.state.signal) })
      await sendEvents(context, following, createResponseStreamEncoder(tape.encodeOptions()), sendOptions)
      return
    }
    const answer = answerChat(context, chat)
    if (alwaysCompacts) {
      const { created_at, output, usage } = await encodeResponse(answer, options)
      sendJson(context, { id, object: 'response.compaction', created_at, output, usage })
    } else if (!stream) sendJson(context, await encodeResponse(answer, options))
    else await sendEvents(context, answer, createResponseStreamEncoder(options), sendOptions)
  }

  return {
    create: (context: RequestContext) => handle(context, false),

    /** `POST /v1/responses/compact`: the conversation in short, as one item. */
    compact: (context: RequestContext) => handle(context, true),

    /** `POST /v1/responses/input_tokens`: of a request that is not asked. */
    async countInput(context: RequestContext): Promise<void> {
      const { chat } = await parseRequest(await readJson(context, config.maxBodyBytes), {
        id: createResponseId(context.state.requestId),
        resolve: catalogue.resolve,
        readKept: (keptId) => keptResponses.find(keptId, callerOf(context)),
      })
      sendJson(context, {
        object: 'response.input_tokens',
        input_tokens: await countPrompt(chat, countTokens),
      })
    },
  }
}
