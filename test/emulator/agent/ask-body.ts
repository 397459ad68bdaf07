import { type AskShape, RefusedBody } from '../ask-shape.ts'
import { parseChatBody } from './chat-body.ts'
import { parseImageBody, parseVideoBody } from './media-body.ts'
import { toolShaped } from './message-schema.ts'

/** Reads a gen-2 ask (WIRE 5.1, 5.6, 5.7). @throws {RefusedBody} with status 422 for tool-shaped messages */
export function parseAgentAsk(body: { readonly type?: unknown }): AskShape {
  if (toolShaped.safeParse(body).success) {
    throw new RefusedBody(422, 'a message with role "tool" or with tool_calls')
  }
  if (body.type === 'image_generation_agent') return parseImageBody(body)
  if (body.type === 'video_generation_agent') return parseVideoBody(body)
  return parseChatBody(body)
}
