import type { ToolChoice, ToolDefinition, ToolUse } from '../core/chat-request.ts'
import { invalidValue } from './check-shape.ts'

const maxTools = 512

/** Of all vendors together: OpenAI and Anthropic know no `.` and `:`, Google does. */
const namePattern = /^[\w.:-]{1,128}$/

/** Checks the tools of a request, of whatever dialect.
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
