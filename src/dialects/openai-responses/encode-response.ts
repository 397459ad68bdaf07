import type { ChatAnswer } from '../../core/chat-event.ts'
import type { ResponseObject } from './response-object.ts'
import { type TellResponseOptions, tellResponse } from './tell-response.ts'

/** The body of a response that is not streamed: the state at the end of the events that a stream has. One that breaks gives none.
 *  @throws whatever the answer breaks with */
export async function encodeResponse(
  answer: Promise<ChatAnswer>,
  options: TellResponseOptions,
): Promise<ResponseObject> {
  const { growing, events } = tellResponse(answer, options)
  for await (const _told of events);
  return growing.response
}
