import { z } from 'zod'
import type { ToolChoice, ToolDefinition, ToolUse } from '../../core/chat-request.ts'
import { checkShape } from '../check-shape.ts'
import { createToolUse, parseFunction } from '../tools.ts'

export interface ParsedTools {
  readonly tools: ToolUse | undefined
  /** Names of those that take free text instead of arguments. */
  readonly customTools: ReadonlySet<string>
}

export interface GivenTools {
  readonly tools: readonly GivenTool[]
  readonly choice: string | GivenTool
  readonly parallel: boolean
}

export type GivenTool = { readonly type: string; readonly [field: string]: unknown }

/** Functions, and tools of free text (`custom`). The vendor's own tools (web search, ...) and groups of tools are left
 *  out: Codex sends them with every request, and the model is not shown them.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseTools({ tools, choice: given, parallel }: GivenTools): ParsedTools {
  const customTools = new Set<string>()
  const definitions: ToolDefinition[] = []
  for (const [index, tool] of tools.entries()) {
    const at = `tools[${index}]`
    if (tool.type === 'function') definitions.push(parseFunction(tool, at))
    if (tool.type !== 'custom') continue
    const definition = parseCustom(tool, at)
    customTools.add(definition.name)
    definitions.push(definition)
  }
  const { choice, allowed } = parseChoice(given)
  const offered = allowed ? definitions.filter(({ name }) => allowed.has(name)) : definitions
  return { tools: createToolUse(offered, choice, parallel, 'tools'), customTools }
}

/** Taught as a function with the one argument `input`. */
function parseCustom(tool: GivenTool, at: string): ToolDefinition {
  const { name, description, format } = checkShape(customSchema, tool, at)
  const grammar =
    format?.definition && `The input follows this ${format.syntax ?? ''} grammar:\n${format.definition}`
  return {
    name,
    description: [description, grammar].filter(Boolean).join('\n\n') || undefined,
    parameters: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
    strict: false,
  }
}

const customSchema = z.object({
  name: z.string(),
  description: z.string().nullish(),
  format: z.object({ syntax: z.string().nullish(), definition: z.string().nullish() }).nullish(),
})

interface ParsedChoice {
  readonly choice: 'none' | ToolChoice
  /** Only these are offered; undefined: all. */
  readonly allowed?: ReadonlySet<string>
}

/** A choice of one of the vendor's own tools leaves it to the model. */
function parseChoice(given: string | GivenTool): ParsedChoice {
  if (typeof given === 'string') {
    const choice = checkShape(z.enum(['none', 'auto', 'required']), given, 'tool_choice')
    return { choice: choice === 'none' ? choice : { type: choice } }
  }
  switch (given.type) {
    case 'function':
    case 'custom': {
      const { name } = checkShape(z.object({ name: z.string() }), given, 'tool_choice')
      return { choice: { type: 'named', name } }
    }
    case 'allowed_tools': {
      const { mode, tools } = checkShape(allowedSchema, given, 'tool_choice')
      return { choice: { type: mode }, allowed: new Set(tools.flatMap(({ name }) => name ?? [])) }
    }
    default:
      return { choice: { type: 'auto' } }
  }
}

const allowedSchema = z.object({
  mode: z.enum(['auto', 'required']),
  tools: z.array(z.object({ name: z.string().nullish() })),
})
