import { z } from 'zod'
import type { OutputFormat } from '../../core/chat-request.ts'

/** `response_format` */
export const outputField = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      json_schema: z.object({
        name: z.string().max(256).nullish(),
        description: z.string().nullish(),
        schema: z.record(z.string(), z.unknown()).nullish(),
      }),
    }),
  ])
  .nullish()

/** @returns undefined for plain text. A `json_schema` without a schema asks for nothing but JSON. */
export function parseOutput(given: z.infer<typeof outputField>): OutputFormat | undefined {
  if (!given || given.type === 'text') return undefined
  if (given.type === 'json_object' || !given.json_schema.schema) return { type: 'json-object' }
  const { name, description, schema } = given.json_schema
  return { type: 'json-schema', name: name || 'response', description: description ?? undefined, schema }
}
