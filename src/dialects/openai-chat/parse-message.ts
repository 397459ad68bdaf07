import { z } from 'zod'
import type { ChatTurn, ContentPart, ToolCall } from '../../core/chat-request.ts'
import { checkShape } from '../check-shape.ts'
import { toContent } from '../tool-result.ts'
import { isPart, parseContent } from './parse-content.ts'

/** Folds the roles of the format into those of a turn.
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault, e.g. `messages[2].content` */
export async function parseMessages(values: readonly unknown[]): Promise<readonly ChatTurn[]> {
  const turns: ChatTurn[] = []
  const lastCalls: LastCalls = new Map()
  for (const [index, value] of values.entries()) turns.push(await parseMessage(value, index, lastCalls))
  return turns
}

/** The id of the last call of each name, and under `undefined` of the last of all. */
type LastCalls = Map<string | undefined, string>

async function parseMessage(value: unknown, index: number, lastCalls: LastCalls): Promise<ChatTurn> {
  const message = checkShape(messageSchema, value, `messages[${index}]`)
  const contentAt = `messages[${index}].content`
  switch (message.role) {
    case 'assistant': {
      const content = await parseContent(message.content ?? message.refusal ?? [], contentAt)
      const calls = callsOf(message, index)
      for (const { id, name } of calls) lastCalls.set(name, id).set(undefined, id)
      return assistantTurn(content, calls)
    }
    case 'tool':
    case 'function': {
      const parts = await parseContent(toContent(message.content, isPart), contentAt)
      return { role: 'tool', callId: callIdOf(message, lastCalls), parts, failed: false }
    }
    default:
      return { role: siteRoles[message.role], parts: await parseContent(message.content, contentAt) }
  }
}

const siteRoles = { system: 'system', developer: 'system', user: 'user' } as const

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const

const callSchema = z.object({
  name: z.string(),
  /** JSON text; some clients send the object itself. */
  arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
})

const messageSchema = z.object({
  role: z.enum(roles),
  content: z.unknown().optional(),
  refusal: z.string().nullish(),
  name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
  tool_calls: z
    .array(z.object({ id: z.string().nullish(), function: callSchema.nullish() }))
    .max(1000)
    .nullish(),
  function_call: callSchema.nullish(),
})

type Message = z.infer<typeof messageSchema>

function assistantTurn(parts: readonly ContentPart[], toolCalls: readonly ToolCall[]): ChatTurn {
  if (toolCalls.length > 0) return { role: 'assistant', parts, toolCalls }
  return { role: 'assistant', parts: parts.length > 0 ? parts : [{ type: 'text', text: '' }] }
}

/** A call without an id, as every `function_call` is, gets one of its place. */
function callsOf({ tool_calls, function_call }: Message, index: number): readonly ToolCall[] {
  const given = [...(tool_calls ?? []), { id: undefined, function: function_call }]
  return given.flatMap(({ id, function: call }, position) =>
    call
      ? [{ id: id || `call_${index}_${position}`, name: call.name, argumentsText: argumentsOf(call) }]
      : [],
  )
}

const argumentsOf = ({ arguments: given }: z.infer<typeof callSchema>): string =>
  typeof given === 'string' ? given || '{}' : JSON.stringify(given ?? {})

/** A result that names no call answers the last one of its name; of no name, the last of all. */
const callIdOf = ({ tool_call_id, name }: Message, lastCalls: LastCalls): string =>
  tool_call_id || lastCalls.get(name || undefined) || name || 'call_unknown'
