import { z } from 'zod'

/** The published bodies of both chat styles as far as this surface is known to take them; other fields go unread. */
export const openAiBody = z.looseObject({
  model: z.string().min(1),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
        content: z
          .union([
            z.string(),
            z
              .array(
                z.discriminatedUnion('type', [
                  z.looseObject({ type: z.literal('text'), text: z.string() }),
                  z.looseObject({
                    type: z.literal('image_url'),
                    image_url: z.looseObject({ url: z.string() }),
                  }),
                  z.looseObject({ type: z.literal('file'), file: z.looseObject({}) }),
                ]),
              )
              .min(1),
          ])
          .nullish(),
      }),
    )
    .min(1),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).optional(),
})

export const anthropicBody = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  system: z
    .union([z.string(), z.array(z.looseObject({ type: z.literal('text'), text: z.string() }))])
    .optional(),
  messages: z
    .array(
      z.looseObject({
        role: z.enum(['user', 'assistant']),
        content: z.union([
          z.string(),
          z
            .array(
              z.discriminatedUnion('type', [
                z.looseObject({ type: z.literal('text'), text: z.string() }),
                z.looseObject({ type: z.literal('image'), source: z.looseObject({ type: z.string() }) }),
                z.looseObject({ type: z.literal('document'), source: z.looseObject({ type: z.string() }) }),
              ]),
            )
            .min(1),
        ]),
      }),
    )
    .min(1),
  stream: z.boolean().optional(),
})

/** The fields of a tool are its own. */
export const toolBody = z.record(z.string(), z.unknown())
