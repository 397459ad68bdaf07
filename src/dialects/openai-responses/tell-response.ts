import type { ChatAnswer } from '../../core/chat-event.ts'
import { UpstreamError } from '../../core/errors.ts'
import { maxAnswerLength } from '../collect-answer.ts'
import type { UsageMeter } from '../measure-usage.ts'
import { GrowingResponse, type GrowingResponseOptions } from './growing-response.ts'
import type { ResponseEvent } from './response-event.ts'
import type { ResponseObject } from './response-object.ts'

export interface TellResponseOptions extends GrowingResponseOptions {
  readonly usage: UsageMeter
  /** Seconds since the epoch. */
  readonly now: () => number
  /** Called with the whole response before anybody is told that it is: who reads of its end can ask for it. */
  readonly keep: (response: ResponseObject) => Promise<void>
}

export interface ToldResponse {
  /** As far as it has grown. */
  readonly growing: GrowingResponse
  /** One list for each upstream read, from `response.created` to the end.
   *  @throws whatever the answer breaks with; `growing.fail` then tells it */
  readonly events: AsyncGenerator<readonly ResponseEvent[]>
}

/** Tells an answer as the events of a response, streamed or not. */
export function tellResponse(answer: Promise<ChatAnswer>, options: TellResponseOptions): ToldResponse {
  const growing = new GrowingResponse(options)
  return { growing, events: grow(growing, answer, options) }
}

async function* grow(
  growing: GrowingResponse,
  answer: Promise<ChatAnswer>,
  { usage, now, keep }: TellResponseOptions,
): AsyncGenerator<readonly ResponseEvent[]> {
  const { events } = await answer
  growing.begin()
  for await (const batch of events) {
    for (const event of batch) {
      growing.add(event)
      usage.add(event)
    }
    if (growing.length > maxAnswerLength) {
      growing.cut()
      break
    }
    yield growing.take()
  }
  if (!growing.reason) throw new UpstreamError('reset')
  await keep(growing.end(await usage.total(), now()))
  growing.tellEnd()
  yield growing.take()
}
