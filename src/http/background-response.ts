import type { ChatAnswer } from '../core/chat-event.ts'
import { isAbort, ServiceError } from '../core/errors.ts'
import type { EncodeResponseOptions } from '../dialects/openai-responses/encode-response.ts'
import { encodeResponse } from '../dialects/openai-responses/encode-response.ts'
import {
  decodeKept,
  encodeKept,
  failedResponse,
  isUnfinished,
} from '../dialects/openai-responses/kept-response.ts'
import type { ParsedResponseRequest } from '../dialects/openai-responses/parse-request.ts'
import type { ResponseObject } from '../dialects/openai-responses/response-object.ts'
import type { AppServices } from './app-services.ts'
import { callerOf } from './keys.ts'
import { toServiceError } from './render-error.ts'
import type { RequestContext } from './request-state.ts'
import { givenUp, type ResponseTape } from './response-tapes.ts'

export interface BackgroundResponse {
  readonly queued: ResponseObject
  readonly request: ParsedResponseRequest
  readonly answer: (signal: AbortSignal) => Promise<ChatAnswer>
  readonly options: EncodeResponseOptions
  /** For those who want to see it come. */
  readonly tape?: ResponseTape
}

/** Makes a response in the background: its client polls for it by its id.
 *  @returns the response, queued
 *  @throws {UnavailableError} `dependency_unavailable`, `queue_full`, `shutting_down` */
export async function makeInBackground(
  context: RequestContext,
  { keptResponses, backgroundWork, processes, logger }: AppServices,
  { queued, request, answer, options, tape }: BackgroundResponse,
): Promise<ResponseObject> {
  const { id } = queued
  const owner = callerOf(context)
  const maker = processes && { process: processes.own }
  const textOf = (response: ResponseObject) => encodeKept({ response, input: request.input, ...maker })

  /** A response that was cancelled or removed meanwhile stays so. */
  async function enter(response: ResponseObject): Promise<void> {
    const kept = await keptResponses.find(id, owner)
    if (kept && isUnfinished(decodeKept(kept).response)) await keptResponses.replace(id, textOf(response))
  }

  async function make(signal: AbortSignal): Promise<void> {
    try {
      const begun = await answer(signal)
      await enter(options.response)
      const events = tape ? tape.record(begun.events) : begun.events
      await encodeResponse(Promise.resolve({ ...begun, events }), { ...options, keep: enter })
      tape?.end()
    } catch (thrown) {
      const reason: unknown = isAbort(thrown, signal) ? signal.reason : thrown
      const isGivenUp = signal.aborted && !(reason instanceof ServiceError)
      tape?.end(isGivenUp ? givenUp() : reason)
      if (isGivenUp) return
      await enter(failedResponse(options.response, toServiceError(context, reason, logger)))
    }
  }

  // Seen to be at work before there is anything to be seen of it.
  const ended = await processes?.begin()
  const letGoOfBody = context.bodyBudget?.hold(context)
  const letGo = () => {
    letGoOfBody?.()
    ended?.()
  }
  try {
    await keptResponses.keep({ id, owner, text: textOf(queued) })
  } catch (error) {
    letGo()
    throw error
  }
  try {
    backgroundWork.begin(id, (signal) => make(signal).finally(letGo))
  } catch (error) {
    letGo()
    await keptResponses.remove(id, owner)
    throw error
  }
  return queued
}
