import { z } from 'zod'
import { type AskShape, parseBody } from '../ask-shape.ts'
import { checkFrame, frame, frameShape } from './frame.ts'

/** Reads a chat ask, from the smallest known body to that of the page (WIRE 5.1). @throws {RefusedBody} */
export function parseChatBody(body: unknown): AskShape {
  const parsed = parseBody(chatBody, body)
  const { ai_chat_model, use_moa_proxy, moa_models } = parsed
  return {
    ...frameShape(parsed),
    kind: 'chat',
    models: use_moa_proxy ? moa_models : ai_chat_model.split(','),
    wanted: [],
    search: parsed.ai_chat_enable_search,
  }
}

const chatBody = z
  .strictObject({
    ...frame,
    type: z.literal('ai_chat'),
    ai_chat_model: z.string().min(1),
    ai_chat_enable_search: z.boolean(),
    ai_chat_disable_personalization: z.boolean(),
    use_moa_proxy: z.boolean(),
    moa_models: z.array(z.string().min(1)),
    writingContent: z.null(),
    is_private: z.boolean(),
    models: z.array(z.string()).optional(),
    tools: z.array(z.unknown()).optional(),
  })
  .refine((body) => body.moa_models.length > 0 || !body.use_moa_proxy, {
    path: ['moa_models'],
    error: 'use_moa_proxy needs moa_models',
  })
  .check(checkFrame)
