import { z } from 'zod'
import { type AskShape, RefusedBody } from '../ask-shape.ts'

/** Reads a gen-1 chat ask (UPSTREAM 4.1, 4.2, 4.5). @throws {RefusedBody} */
export function parseCopilotAsk(body: unknown): AskShape {
  const parsed = askBody.safeParse(body)
  if (!parsed.success) throw new RefusedBody(400, z.prettifyError(parsed.error))
  const { current_query_string, extra_data, messages, g_recaptcha_token } = parsed.data
  return {
    messages,
    models: extra_data.models,
    search: extra_data.request_web_knowledge === true,
    projectId: queryString.exec(current_query_string)?.groups?.id,
    token: g_recaptcha_token,
  }
}

const queryString =
  /^(?:id=(?<id>[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})&)?type=COPILOT_MOA_CHAT$/

const modelIds = z.array(z.string().min(1)).min(1)

const part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: z.string().startsWith('data:image/jpeg;base64,') }),
  }),
  z.strictObject({
    type: z.literal('private_file'),
    private_file: z.strictObject({
      name: z.string(),
      type: z.string(),
      size: z.int(),
      ext: z.string(),
      private_storage_url: z.string(),
    }),
  }),
])

const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.union([z.string(), z.array(part).min(1)]),
  is_prompt: z.boolean().optional(),
  session_state: z
    .strictObject({
      models: modelIds,
      layers: z.int(),
      answer: z.string(),
      answer_is_finished: z.boolean(),
    })
    .nullish(),
})

const askBody = z.strictObject({
  type: z.literal('COPILOT_MOA_CHAT'),
  current_query_string: z.string().regex(queryString),
  messages: z.array(message).min(1),
  action_params: z.strictObject({}),
  user_s_input: z.string().optional(),
  extra_data: z.strictObject({
    models: modelIds,
    run_with_another_model: z.boolean(),
    writingContent: z.null(),
    request_web_knowledge: z.boolean().optional(),
  }),
  g_recaptcha_token: z.string().min(1).optional(),
})
