import { z } from 'zod'
import type { ToolChoice, ToolDefinition, ToolUse } from '../../core/chat-request.ts'
import { checkShape } from '../check-shape.ts'
import { createToolUse } from '../tools.ts'

/** The tools that the client runs, and the choice among them. Tools of the vendor's servers (`web_search_20250305`: a type and no
 *  schema) are ignored; when one of them is chosen, the choice is left to the model.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseTools(request: {
  readonly tools?: readonly unknown[] | null | undefined
  readonly tool_choice?: unknown
}): ToolUse | undefined {
  const definitions: ToolDefinition[] = []
  const ignored = new Set<string | undefined>()
  for (const [index, value] of (request.tools ?? []).entries()) {
    const vendorTool = vendorToolSchema.safeParse(value)
    if (vendorTool.success) ignored.add(vendorTool.data.name)
    else definitions.push(parseDefinition(value, `tools[${index}]`))
  }
  const choice = checkShape(choiceSchema, request.tool_choice ?? { type: 'auto' }, 'tool_choice')
  return createToolUse(definitions, toToolChoice(choice, ignored), !choice.disable_parallel_tool_use, 'tools')
}

function parseDefinition(value: unknown, at: string): ToolDefinition {
  const { name, description, input_schema, strict } = checkShape(toolSchema, value, at)
  return {
    name,
    description: description ?? undefined,
    parameters: input_schema,
    strict: strict ?? false,
  }
}

function toToolChoice(choice: Choice, ignored: ReadonlySet<string | undefined>): 'none' | ToolChoice {
  switch (choice.type) {
    case 'none':
      return 'none'
    case 'auto':
      return { type: 'auto' }
    case 'any':
      return { type: 'required' }
    case 'tool':
      return ignored.has(choice.name) ? { type: 'auto' } : { type: 'named', name: choice.name }
  }
}

const vendorToolSchema = z.object({
  type: z.string().refine((type) => type !== 'custom'),
  name: z.string().optional(),
  input_schema: z.undefined().optional(),
})

const toolSchema = z.object({
  name: z.string(),
  description: z.string().nullish(),
  input_schema: z.record(z.string(), z.unknown()),
  strict: z.boolean().nullish(),
})

const disable_parallel_tool_use = z.boolean().nullish()

const choiceSchema = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('auto'), disable_parallel_tool_use }),
    z.object({ type: z.literal('any'), disable_parallel_tool_use }),
    z.object({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use }),
    z.object({ type: z.literal('none'), disable_parallel_tool_use }),
  ],
  { error: 'expected a choice of type auto, any, tool or none' },
)

type Choice = z.infer<typeof choiceSchema>
