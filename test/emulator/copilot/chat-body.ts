import { z } from 'zod'
import { type AskShape, parseBody } from '../ask-shape.ts'
import { frame, frameShape } from './frame.ts'
import { filePart, imagePart, messageFields, modelIds, textPart } from './message-schema.ts'

/** Reads a chat ask (WIRE 4.2, 4.5). @throws {RefusedBody} */
export function parseChatBody(body: unknown): AskShape {
  const parsed = parseBody(chatBody, body)
  return {
    ...frameShape(parsed),
    kind: 'chat',
    messages: parsed.messages,
    models: parsed.extra_data.models,
    wanted: [],
    search: parsed.extra_data.request_web_knowledge === true,
  }
}

const message = z.strictObject({
  ...messageFields,
  role: z.enum(['system', 'user', 'assistant']),
  content: z.union([
    z.string(),
    z.array(z.discriminatedUnion('type', [textPart, imagePart, filePart])).min(1),
  ]),
})

const chatBody = z.strictObject({
  ...frame('COPILOT_MOA_CHAT'),
  messages: z.array(message).min(1),
  user_s_input: z.string().optional(),
  extra_data: z.strictObject({
    models: modelIds,
    run_with_another_model: z.boolean(),
    writingContent: z.null(),
    request_web_knowledge: z.boolean().optional(),
  }),
})
