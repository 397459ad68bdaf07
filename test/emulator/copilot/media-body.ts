import { z } from 'zod'
import { type AskShape, lastPrompt, parseBody, RefusedBody } from '../ask-shape.ts'
import { frame, frameShape } from './frame.ts'
import { filePart, imagePart, messageFields, textPart } from './message-schema.ts'

/** Reads an image ask (WIRE 4.3). @throws {RefusedBody} */
export function parseImageBody(body: unknown): AskShape {
  return { kind: 'image', ...mediaShape(parseBody(imageBody, body)) }
}

/** Reads a video ask (WIRE 4.4). @throws {RefusedBody} */
export function parseVideoBody(body: unknown): AskShape {
  return { kind: 'video', ...mediaShape(parseBody(videoBody, body)) }
}

function mediaShape(body: z.infer<typeof imageBody> | z.infer<typeof videoBody>): Omit<AskShape, 'kind'> {
  const { messages, user_s_input, extra_data } = body
  if (user_s_input !== lastPrompt(messages)) throw new RefusedBody(400, 'user_s_input is not the prompt')
  const wanted = extra_data.model_configs
  return { ...frameShape(body), messages, models: wanted.map(({ model }) => model), wanted, search: false }
}

/** One user message: the prompt, or for image-to-image the pictures and then the prompt. */
const messages = z
  .array(
    z.strictObject({
      ...messageFields,
      role: z.literal('user'),
      content: z.union([
        z.string().min(1),
        z
          .array(z.discriminatedUnion('type', [textPart, imagePart, filePart]))
          .min(2)
          .refine((parts) => parts.findIndex(({ type }) => type === 'text') === parts.length - 1, {
            error: 'the pictures come first, then one text',
          }),
      ]),
    }),
  )
  .length(1)

const imageConfig = z.strictObject({
  model: z
    .string()
    .min(1)
    .refine((model) => model !== 'dall-e-3', { error: 'it is named dalle-3' }),
  aspect_ratio: z.enum(['auto', '9:16', '2:3', '3:4', '1:1', '4:3', '3:2', '16:9']),
  use_personalized_models: z.boolean(),
  fashion_profile_id: z.null(),
  hd: z.boolean(),
  reflection_enabled: z.boolean(),
  style: z.enum([
    ...(['auto', 'realistic_image', 'cartoon', 'watercolor', 'anime', 'oil_painting'] as const),
    ...(['3d', 'minimalist', 'pop_art'] as const),
  ]),
  image_size: z
    .string()
    .regex(/^(?:auto|0\.5k|[1-4]k)$/)
    .optional(),
})

const videoConfig = z.strictObject({
  model: z.string().min(1),
  aspect_ratio: z.enum(['9:16', '16:9', '3:4', '1:1', '4:3']),
  reflection_enabled: z.boolean(),
  duration: z.int().min(1),
})

const imageBody = z.strictObject({
  ...frame('COPILOT_MOA_IMAGE'),
  messages,
  user_s_input: z.string(),
  extra_data: z.strictObject({
    model_configs: z.array(imageConfig).min(1),
    llm_model: z.literal('gpt-4o').optional(),
    imageModelMap: z.strictObject({}),
    writingContent: z.null(),
  }),
})

const videoBody = z.strictObject({
  ...frame('COPILOT_MOA_VIDEO'),
  messages,
  user_s_input: z.string(),
  extra_data: z.strictObject({
    model_configs: z.array(videoConfig).min(1),
    imageModelMap: z.strictObject({}),
  }),
})
