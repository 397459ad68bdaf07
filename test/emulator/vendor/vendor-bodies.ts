import { z } from 'zod'

const callId = z.string().regex(/^[\w-]+$/)

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
  /** The proxy wants the other name (WIRE 11). */
  max_completion_tokens: z.undefined().optional(),
  tools: z.array(z.looseObject({ type: z.literal('function'), function: z.looseObject({}) })).optional(),
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
                z.looseObject({
                  type: z.literal('tool_use'),
                  id: callId,
                  name: z.string(),
                  input: z.looseObject({}),
                }),
                z.looseObject({ type: z.literal('tool_result'), tool_use_id: callId }),
                z.looseObject({ type: z.literal('thinking'), signature: z.literal('canned') }),
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

export const geminiBody = z.looseObject({
  contents: z
    .array(z.looseObject({ role: z.enum(['user', 'model']), parts: z.array(z.looseObject({})).min(1) }))
    .min(1),
})

/** The fields of a tool are its own. */
export const toolBody = z.record(z.string(), z.unknown())
