import { z } from 'zod'
import type { ChatMessage, ChatRole, ContentPart } from '../../core/chat-request.ts'
import { checkShape } from '../check-shape.ts'
import { parseContent } from './parse-content.ts'

/** Folds the roles of the format into the three that the site knows. It refuses tool-shaped messages, so calls and results
 *  become text that a model can read.
 *  @param at  the place of the message, e.g. `messages[2]`
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseMessage(value: unknown, at: string): Promise<ChatMessage> {
  const message = checkShape(messageSchema, value, at)
  const content = await parseContent(message.content, `${at}.content`, message.role === 'assistant')
  return { role: siteRoles[message.role], parts: foldParts(message, content) }
}

const siteRoles = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'user',
  function: 'user',
} as const satisfies Record<string, ChatRole>

const roles = [
  'system',
  'developer',
  'user',
  'assistant',
  'tool',
  'function',
] as const satisfies readonly (keyof typeof siteRoles)[]

const callSchema = z.object({ name: z.string(), arguments: z.string().nullish() })

const messageSchema = z.object({
  role: z.enum(roles),
  content: z.unknown().optional(),
  name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
  tool_calls: z
    .array(z.object({ function: callSchema.nullish() }))
    .max(1000)
    .nullish(),
  function_call: callSchema.nullish(),
})

type Message = z.infer<typeof messageSchema>

function foldParts(message: Message, content: readonly ContentPart[]): readonly ContentPart[] {
  switch (message.role) {
    case 'tool':
    case 'function':
      return [textPart(resultHead(message)), ...content]
    case 'assistant': {
      const parts = [...content, ...describeCalls(message)]
      return parts.length > 0 ? parts : [textPart('')]
    }
    default:
      return content
  }
}

function resultHead({ name, tool_call_id }: Message): string {
  const source = name || tool_call_id
  return source ? `Tool result (${source}):` : 'Tool result:'
}

function describeCalls({ tool_calls, function_call }: Message): ContentPart[] {
  const calls = [...(tool_calls ?? []).map((call) => call.function), function_call]
  return calls.flatMap((call) =>
    call ? [textPart(`Tool call (${call.name}): ${call.arguments ?? ''}`)] : [],
  )
}

const textPart = (text: string): ContentPart => ({ type: 'text', text })
