import { z } from 'zod'
import type { ToolChoice, ToolDefinition, ToolUse } from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { createToolUse, parseFunction } from '../tools.ts'
import type { CallStyle } from './encode-stream.ts'

/** The fields of a request that speak of tools. */
export const toolFields = {
  tools: z.array(z.unknown()).nullish(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: z.boolean().nullish(),
  functions: z.array(z.unknown()).nullish(),
  function_call: z.unknown().optional(),
}

type ToolFields = z.infer<z.ZodObject<typeof toolFields>>

/** Ignores tools of other types than `function`: they run at OpenAI.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseTools(fields: ToolFields): {
  readonly tools: ToolUse | undefined
  readonly callStyle: CallStyle
} {
  const { tools, functions, parallel_tool_calls } = fields
  if (functions?.length && !tools?.length) {
    const definitions = functions.map((value, index) => parseFunction(value, `functions[${index}]`))
    const choice = parseFunctionCall(fields.function_call)
    const use = createToolUse(definitions, choice, false, 'functions', 'function_call')
    return { tools: use, callStyle: 'function-call' }
  }
  const definitions = (tools ?? []).flatMap((value, index) => parseTool(value, `tools[${index}]`))
  const { choice, allowed } = parseToolChoice(fields.tool_choice)
  const usable = allowed ? definitions.filter(({ name }) => allowed.has(name)) : definitions
  const use = createToolUse(usable, choice, parallel_tool_calls ?? true, 'tools')
  return { tools: use, callStyle: 'tool-calls' }
}

function parseTool(value: unknown, at: string): readonly ToolDefinition[] {
  const tool = checkShape(toolSchema, value, at)
  return tool.type === 'function' ? [parseFunction(tool.function, `${at}.function`)] : []
}

const toolSchema = z.object({ type: z.string().default('function'), function: z.unknown().optional() })

/** `function_call` of a request. */
function parseFunctionCall(value: unknown): 'none' | ToolChoice {
  if (value === 'none') return 'none'
  if (value === 'auto' || value === undefined || value === null) return { type: 'auto' }
  return { type: 'named', name: checkShape(nameSchema, value, 'function_call').name }
}

const nameSchema = z.object({ name: z.string() })

interface ParsedChoice {
  readonly choice: 'none' | ToolChoice
  /** Names; undefined allows every tool. */
  readonly allowed?: ReadonlySet<string>
}

function parseToolChoice(value: unknown): ParsedChoice {
  switch (value) {
    case undefined:
    case null:
    case 'auto':
      return { choice: { type: 'auto' } }
    case 'none':
      return { choice: 'none' }
    case 'required':
      return { choice: { type: 'required' } }
  }
  if (typeof value === 'string') throw invalidValue('tool_choice', 'expected none, auto, required or a tool')
  switch (checkShape(typedSchema, value, 'tool_choice').type) {
    case 'function': {
      const { name } = checkShape(choiceSchema, value, 'tool_choice').function
      return { choice: { type: 'named', name } }
    }
    case 'allowed_tools': {
      const { mode, tools } = checkShape(allowedSchema, value, 'tool_choice').allowed_tools
      return { choice: { type: mode }, allowed: new Set(tools.flatMap((tool) => tool.function?.name ?? [])) }
    }
    // Of a tool that is ignored: the model chooses among the others.
    default:
      return { choice: { type: 'auto' } }
  }
}

const typedSchema = z.object({ type: z.string() })

const choiceSchema = z.object({ function: nameSchema })

const allowedSchema = z.object({
  allowed_tools: z.object({
    mode: z.enum(['auto', 'required']),
    tools: z.array(z.object({ function: nameSchema.nullish() })),
  }),
})
