import type { ToolUse } from '../../core/chat-request.ts'
import { createJsonCheck } from '../output/check-json.ts'
import { writeCall } from './call-mark.ts'
import type { CallText } from './call-reader.ts'

/** Why an answer cannot be handed on. */
export interface CallFault {
  /** For the model, which is asked to mend it. */
  readonly complaint: string
  /** For people, when it did not. */
  readonly message: string
}

/** @returns undefined for arguments that fit, or that need not */
export async function findFault(
  { name, argumentsText }: CallText,
  { definitions }: ToolUse,
): Promise<CallFault | undefined> {
  const tool = definitions.find((definition) => definition.name === name)
  if (!tool?.strict) return undefined
  const check = await createJsonCheck(tool.parameters)
  const faults = await check(JSON.parse(argumentsText))
  if (faults === undefined) return undefined
  return {
    complaint: `That call of ${name} was not run, for its arguments do not fit the tool's parameters: ${faults}
Write the call again, mended, and any call that was to follow it. ${onlyCalls}`,
    message: `The model called ${name} with arguments that do not fit: ${faults}`,
  }
}

/** The answer had to hold a call and holds none. */
export function missingCall({ choice }: ToolUse): CallFault {
  const wanted = choice.type === 'named' ? `the tool ${choice.name}` : 'one of the tools'
  const name = choice.type === 'named' ? choice.name : 'name_of_the_tool'
  return {
    complaint: `Your answer holds no call of ${wanted}, but it must. ${onlyCalls} This is the form:
${writeCall(name, '{"name_of_a_parameter":"value"}')}`,
    message: `The model did not call ${wanted}.`,
  }
}

const onlyCalls = 'Write nothing but calls.'
