import { z } from 'zod'

/** A message with role "tool" or with tool_calls somewhere in the body. */
export const toolShaped = z.object({
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

/** Keys that the page writes beside those of the part's own type, all empty (WIRE 5.2). */
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

/** WIRE 5.2 */
export const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  id: z.string().min(1).optional(),
  content: z.union([z.string(), z.array(part).min(1)]),
  thinking: z.boolean().optional(),
  pending: z.boolean().optional(),
  sendStatus: z.literal('sending').optional(),
  _deepDiveStateNegContent: z.string().optional(),
})
