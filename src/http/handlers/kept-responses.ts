import type { RouterContext } from '@koa/router'
import { InvalidRequestError, ServiceError } from '../../core/errors.ts'
import { invalidValue } from '../../dialects/check-shape.ts'
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
import { maxBackgroundMs } from '../../gateway/background-work.ts'
import type { AppServices } from '../app-services.ts'
import { callerOf } from '../keys.ts'
import type { RequestContext, RequestState } from '../request-state.ts'

type Context = RouterContext<RequestState>

/** Responses that were made before, for the key that asked for them alone. */
export function createKeptResponseHandlers({ keptResponses, backgroundWork, processes, clock }: AppServices) {
  async function find(context: Context): Promise<KeptResponse> {
    const text = await keptResponses.find(idOf(context), callerOf(context))
    if (text === undefined) throw notFound(context)
    const { response, input, process } = decodeKept(text)
    const isGone = isUnfinished(response) && ((await processes?.isGone(process)) ?? false)
    const times = { now: clock.now() / 1000, maxAge: maxBackgroundMs / 1000, isGone }
    return { response: failIfLost(response, times), input }
  }

  return {
    async retrieve(context: Context): Promise<void> {
      if (context.query.stream === 'true')
        throw invalidValue('stream', 'a response that was made before is not streamed here')
      context.body = (await find(context)).response
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
