import { z } from 'zod'
import type { AskShape } from '../ask-shape.ts'

type AskType = 'COPILOT_MOA_CHAT' | 'COPILOT_MOA_IMAGE' | 'COPILOT_MOA_VIDEO'

/** What the bodies of all gen-1 asks have in common (WIRE 4.1). */
export const frame = <T extends AskType>(type: T) => ({
  type: z.literal(type),
  current_query_string: z.string().regex(new RegExp(`^(?:id=${uuid}&)?type=${type}$`)),
  action_params: z.strictObject({}),
  g_recaptcha_token: z.string().min(1).optional(),
})

const uuid = String.raw`[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}`

export function frameShape(body: {
  readonly current_query_string: string
  readonly g_recaptcha_token?: string | undefined
}): Pick<AskShape, 'projectId' | 'token'> {
  return {
    projectId: new URLSearchParams(body.current_query_string).get('id') ?? undefined,
    token: body.g_recaptcha_token,
  }
}
