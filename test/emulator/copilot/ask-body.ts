import type { AskShape } from '../ask-shape.ts'
import { parseChatBody } from './chat-body.ts'
import { parseImageBody, parseVideoBody } from './media-body.ts'

/** Reads a gen-1 ask (WIRE 4.2 to 4.4). @throws {RefusedBody} */
export function parseCopilotAsk(body: { readonly type?: unknown }): AskShape {
  if (body.type === 'COPILOT_MOA_IMAGE') return parseImageBody(body)
  if (body.type === 'COPILOT_MOA_VIDEO') return parseVideoBody(body)
  return parseChatBody(body)
}
