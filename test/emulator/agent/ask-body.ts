import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { type AskShape, RefusedBody } from '../ask-shape.ts'

/** Reads a gen-2 chat ask, from the smallest known body to that of the page (UPSTREAM 5.1, 5.2).
 *  @throws {RefusedBody} with status 422 for tool-shaped messages */
export function parseAgentAsk(body: unknown): AskShape {
  if (toolShaped.safeParse(body).success) {
    throw new RefusedBody(422, 'a message with role "tool" or with tool_calls')
  }
  const parsed = askBody.safeParse(body)
  if (!parsed.success) throw new RefusedBody(400, z.prettifyError(parsed.error))
  const { ai_chat_model, use_moa_proxy, moa_models, g_recaptcha_token, project_id } = parsed.data
  return {
    messages: parsed.data.messages,
    models: use_moa_proxy ? moa_models : ai_chat_model.split(','),
    search: parsed.data.ai_chat_enable_search,
    projectId: project_id ?? undefined,
    token: g_recaptcha_token || undefined,
  }
}

const toolShaped = z.object({
  messages: z
    .array(z.unknown())
    .refine((messages) =>
      messages.some(
        (message) =>
          z.looseObject({ role: z.literal('tool') }).safeParse(message).success ||
          z.looseObject({ tool_calls: z.unknown().nonoptional() }).safeParse(message).success,
      ),
    ),
})

/** Keys that the page writes beside those of the part's own type, all empty (UPSTREAM 5.2). */
const emptyPartFields = {
  text: z.null().optional(),
  image_url: z.null().optional(),
  private_file: z.null().optional(),
  file: z.null().optional(),
  input_audio: z.null().optional(),
  hide_in_ui: z.boolean().optional(),
  render_template: z.null().optional(),
  render_data: z.null().optional(),
}

const part = z.discriminatedUnion('type', [
  z.strictObject({ ...emptyPartFields, type: z.literal('text'), text: z.string() }),
  z.strictObject({
    ...emptyPartFields,
    type: z.literal('image_url'),
    image_url: z.strictObject({
      url: z.string().regex(/^data:image\/[a-z+.-]+;base64,/),
      image_id: z.null().optional(),
      public_url: z.null().optional(),
      mime_type: z.string().optional(),
      detail: z.string().nullish(),
      size_bytes: z.int().optional(),
    }),
  }),
  z.strictObject({
    ...emptyPartFields,
    type: z.literal('private_file'),
    private_file: z.strictObject({ name: z.string(), private_storage_url: z.string() }),
  }),
])

const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  id: z.string().min(1).optional(),
  content: z.union([z.string(), z.array(part).min(1)]),
  thinking: z.boolean().optional(),
  pending: z.boolean().optional(),
  sendStatus: z.literal('sending').optional(),
  _deepDiveStateNegContent: z.string().optional(),
})

const askBody = z
  .strictObject({
    type: z.literal('ai_chat'),
    ai_chat_model: z.string().min(1),
    ai_chat_enable_search: z.boolean(),
    ai_chat_disable_personalization: z.boolean(),
    use_moa_proxy: z.boolean(),
    moa_models: z.array(z.string().min(1)),
    writingContent: z.null(),
    sas_ask_origin: z.literal('typed').optional(),
    project_id: z.guid().nullish(),
    messages: z.array(message).min(1),
    user_s_input: z.string().optional(),
    client_message_id: z.guid().optional(),
    g_recaptcha_token: z.string().optional(),
    is_private: z.boolean(),
    push_token: z.string().optional(),
    session_state: z.strictObject({ steps: z.array(z.never()), messages: z.array(z.unknown()) }).optional(),
    last_seen_event_index: z.int().min(-1).optional(),
    chat_session_id: z.guid().nullish(),
    models: z.array(z.string()).optional(),
    tools: z.array(z.unknown()).optional(),
  })
  .refine((body) => body.moa_models.length > 0 || !body.use_moa_proxy, {
    path: ['moa_models'],
    error: 'use_moa_proxy needs moa_models',
  })
  .refine(
    (body) => !body.client_message_id || body.messages.some(({ id }) => id === body.client_message_id),
    {
      path: ['client_message_id'],
      error: 'must be the id of a message',
    },
  )
  .refine((body) => !body.session_state || isDeepStrictEqual(body.session_state.messages, body.messages), {
    path: ['session_state', 'messages'],
    error: 'must be the same as messages',
  })
