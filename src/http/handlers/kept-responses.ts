import type { RouterContext } from '@koa/router'
import type { Config } from '../../config.ts'
import { InvalidRequestError, ServiceError } from '../../core/errors.ts'
import { invalidValue } from '../../dialects/check-shape.ts'
import { createResponseStreamEncoder } from '../../dialects/openai-responses/encode-response.ts'
import {
  cancelledResponse,
  decodeKept,
  encodeDeleted,
  encodeInputItems,
  encodeKept,
  failIfLost,
  isUnfinished,
  type KeptResponse,
} from '../../dialects/openai-responses/kept-response.ts'
import {
  eventsAfter,
  replayResponse,
  startingAfter,
} from '../../dialects/openai-responses/replay-response.ts'
import type { ResponseObject } from '../../dialects/openai-responses/response-object.ts'
import { maxBackgroundMs } from '../../gateway/background-work.ts'
import type { AppServices } from '../app-services.ts'
import { callerOf } from '../keys.ts'
import type { RequestContext, RequestState } from '../request-state.ts'
import type { ResponseTapes } from '../response-tapes.ts'
import { sendEvents } from '../send-events.ts'

type Context = RouterContext<RequestState>

/** Responses that were made before, for the key that asked for them alone. */
export function createKeptResponseHandlers(config: Config, services: AppServices, tapes: ResponseTapes) {
  const { keptResponses, backgroundWork, processes, clock, logger } = services
  async function find(context: Context): Promise<KeptResponse> {
    const text = await keptResponses.find(idOf(context), callerOf(context))
    if (text === undefined) throw notFound(context)
    const { response, input, process } = decodeKept(text)
    const isGone = isUnfinished(response) && ((await processes?.isGone(process)) ?? false)
    const times = { now: clock.now() / 1000, maxAge: maxBackgroundMs / 1000, isGone }
    return { response: failIfLost(response, times), input }
  }

  /** From the beginning, or behind the event that the client has seen last. */
  async function stream(context: Context, response: ResponseObject): Promise<void> {
    const after = Number(context.query.starting_after ?? -1)
    if (!Number.isSafeInteger(after)) throw invalidValue('starting_after', 'expected a whole number')
    const tape = tapes.find(response.id, callerOf(context))
    if (tape) {
      const events = tape.follow(context.state.signal)
      const encoder = startingAfter(createResponseStreamEncoder(tape.encodeOptions()), after)
      await sendEvents(context, Promise.resolve({ events }), encoder, { ...config, logger })
      return
    }
    if (isUnfinished(response))
      throw invalidValue(
        'stream',
        'this response is not made as a stream; ask for it by its id until it is there',
      )
    context.type = 'text/event-stream'
    context.body = eventsAfter(replayResponse(response), after)
  }

  return {
    async retrieve(context: Context): Promise<void> {
      const { response } = await find(context)
      if (context.query.stream === 'true') await stream(context, response)
      else context.body = response
    },

    async remove(context: Context): Promise<void> {
      const id = idOf(context)
      if (!(await keptResponses.remove(id, callerOf(context)))) throw notFound(context)
      await backgroundWork.cancel(id)
      context.body = encodeDeleted(id)
    },

    /** A response that has ended stays as it is. */
    async cancel(context: Context): Promise<void> {
      const before = await find(context)
      if (!before.response.background)
        throw invalidValue('response_id', 'only a response that is made in the background can be cancelled')
      await backgroundWork.cancel(idOf(context))
      const { response, input } = await find(context)
      context.body = isUnfinished(response) ? cancelledResponse(response) : response
      if (isUnfinished(response))
        await keptResponses.replace(response.id, encodeKept({ response: cancelledResponse(response), input }))
    },

    async inputItems(context: Context): Promise<void> {
      context.body = encodeInputItems((await find(context)).input, context.query)
    },
  }
}

const idOf = (context: Context): string => context.params.id ?? ''

const notFound = (context: Context): InvalidRequestError =>
  new InvalidRequestError('not_found', {
    message: `Response with id '${idOf(context).slice(0, 64)}' not found: it was not stored, or it has expired.`,
  })

/** Codex tries a WebSocket first and falls back to POST at once on 426, but on nothing else.
 *  @throws {ServiceError} `upgrade_not_supported`, or `not_found` for a plain GET */
export function refuseWebSocket(context: RequestContext): void {
  const wantsWebSocket = /\bwebsocket\b/i.test(context.get('upgrade'))
  throw new ServiceError(wantsWebSocket ? 'upgrade_not_supported' : 'not_found')
}
