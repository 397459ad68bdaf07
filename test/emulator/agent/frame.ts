import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { AskShape } from '../ask-shape.ts'
import { message } from './message-schema.ts'

/** What the bodies of all agents have in common (WIRE 5.1). */
export const frame = {
  sas_ask_origin: z.literal('typed').optional(),
  project_id: z.guid().nullish(),
  messages: z.array(message).min(1),
  user_s_input: z.string().optional(),
  client_message_id: z.guid().optional(),
  g_recaptcha_token: z.string().optional(),
  push_token: z.string().optional(),
  session_state: z.strictObject({ steps: z.array(z.never()), messages: z.array(z.unknown()) }).optional(),
  last_seen_event_index: z.int().min(-1).optional(),
  chat_session_id: z.guid().nullish(),
}

const frameObject = z.object(frame)
type Frame = z.infer<typeof frameObject>

export function frameShape(body: Frame): Pick<AskShape, 'messages' | 'projectId' | 'token'> {
  return {
    messages: body.messages,
    projectId: body.project_id ?? undefined,
    token: body.g_recaptcha_token || undefined,
  }
}

/** Refuses a frame that contradicts itself. */
export function checkFrame({ value, issues }: z.core.ParsePayload<Frame>): void {
  const { client_message_id, session_state, messages } = value
  const refuse = (path: string[], text: string) =>
    issues.push({ code: 'custom', path, message: text, input: value })
  if (client_message_id && !messages.some(({ id }) => id === client_message_id)) {
    refuse(['client_message_id'], 'must be the id of a message')
  }
  if (session_state && !isDeepStrictEqual(session_state.messages, messages)) {
    refuse(['session_state', 'messages'], 'must be the same as messages')
  }
}
