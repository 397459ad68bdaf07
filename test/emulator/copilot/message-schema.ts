import { z } from 'zod'

export const modelIds = z.array(z.string().min(1)).min(1)

/** The parts of WIRE 4.5. An image bears its true type, or `jpeg` whatever it is. */
export const textPart = z.strictObject({ type: z.literal('text'), text: z.string() })

export const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({ url: z.string().regex(/^data:image\/[a-z+.-]+;base64,/) }),
})

export const filePart = z.strictObject({
  type: z.literal('private_file'),
  private_file: z.strictObject({
    name: z.string(),
    type: z.string(),
    size: z.int(),
    ext: z.string(),
    private_storage_url: z.string(),
  }),
})

/** What a message of every kind of ask may have beside role and content. */
export const messageFields = {
  is_prompt: z.boolean().optional(),
  session_state: z
    .strictObject({
      models: modelIds,
      layers: z.int(),
      answer: z.string(),
      answer_is_finished: z.boolean(),
    })
    .nullish(),
}
