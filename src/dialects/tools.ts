import { z } from 'zod'
import type { ToolChoice, ToolDefinition, ToolUse } from '../core/chat-request.ts'
import { checkShape, invalidValue } from './check-shape.ts'

const maxTools = 512

/** The model is told the tools in words, so that any name can do (SEP-986 of MCP allows `user-profile/update`). */
const maxNameLength = 256

/** Checks the tools of a request of any dialect.
 *  One that is listed twice counts once, as it stands first.
 *  @param at  the place of the list, e.g. `tools`; `choiceAt` that of the choice
 *  @returns undefined when the model is to know of no tool
 *  @throws {InvalidRequestError} `invalid_value` */
export function createToolUse(
  definitions: readonly ToolDefinition[],
  choice: 'none' | ToolChoice,
  parallel: boolean,
  at: string,
  choiceAt = 'tool_choice',
): ToolUse | undefined {
  if (definitions.length > maxTools) throw invalidValue(at, `expected at most ${maxTools} tools`)
  const unique = new Map<string, ToolDefinition>()
  for (const [index, definition] of definitions.entries()) {
    const { name } = definition
    if (name.trim() === '' || name.length > maxNameLength)
      throw invalidValue(
        at,
        `the name of tool ${index} must have 1 to ${maxNameLength} characters, not ${name.length}`,
      )
    if (!unique.has(name)) unique.set(name, definition)
  }
  if (choice === 'none') return undefined
  if (choice.type === 'named' && !unique.has(choice.name))
    throw invalidValue(
      choiceAt,
      `there is no tool named ${JSON.stringify(choice.name.slice(0, 100))} in ${at}`,
    )
  if (unique.size === 0) return undefined
  return {
    definitions: unique.size === definitions.length ? definitions : [...unique.values()],
    choice,
    parallel,
  }
}

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

/** The output of a tool as content that the dialect can parse: a string and a list of its parts are content already, any other
 *  value becomes JSON.
 *  @param partTypes  the types of the parts that the dialect knows; undefined: any type makes a part */
export function toolOutputContent(given: unknown, partTypes?: ReadonlySet<unknown>): unknown {
  if (given === null || given === undefined) return []
  if (typeof given === 'string') return given
  const isPart = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    (partTypes ? partTypes.has(value.type) : typeof value.type === 'string')
  return Array.isArray(given) && given.every(isPart) ? given : JSON.stringify(given)
}
