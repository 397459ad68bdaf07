import { z } from 'zod'
import type { ToolDefinition } from '../core/chat-request.ts'
import { checkShape } from './check-shape.ts'

/** A function as both formats of OpenAI define it. @throws {InvalidRequestError} `invalid_value` */
export function parseFunction(value: unknown, at: string): ToolDefinition {
  const { name, description, parameters, strict } = checkShape(functionSchema, value, at)
  return {
    name,
    description: description ?? undefined,
    parameters: parameters ?? { type: 'object', properties: {} },
    strict: strict ?? false,
  }
}

const functionSchema = z.object({
  name: z.string(),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
})
