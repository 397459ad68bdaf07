import { z } from 'zod'
import type { ToolChoice, ToolDefinition, ToolUse } from '../core/chat-request.ts'
import { checkShape, invalidValue } from './check-shape.ts'

const maxTools = 512

/** Of all vendors together: OpenAI and Anthropic know no `.` and `:`, Google does. */
const namePattern = /^[\w.:-]{1,128}$/

/** Checks the tools of a request of any dialect.
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
  const names = checkNames(definitions, at)
  if (choice === 'none') return undefined
  if (choice.type === 'named' && !names.has(choice.name))
    throw invalidValue(choiceAt, `there is no tool of this name in ${at}`)
  return definitions.length > 0 ? { definitions, choice, parallel } : undefined
}

function checkNames(definitions: readonly ToolDefinition[], at: string): ReadonlySet<string> {
  if (definitions.length > maxTools) throw invalidValue(at, `expected at most ${maxTools} tools`)
  const names = new Set<string>()
  for (const { name } of definitions) {
    if (!namePattern.test(name))
      throw invalidValue(at, 'the name of a tool is 1 to 128 of the characters a-z, A-Z, 0-9, _, -, . and :')
    if (names.has(name)) throw invalidValue(at, `two tools have the name ${name}`)
    names.add(name)
  }
  return names
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
