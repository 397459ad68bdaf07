import { z } from 'zod'
import type {
  ChatRole,
  ChatTurn,
  ContentPart,
  Thought,
  ToolCall,
  ToolResultTurn,
} from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { toolOutputContent } from '../tools.ts'
import { thinkingSignature } from './encode-message.ts'
import { joinTextLines, parseBlock, parseContent } from './parse-content.ts'

/** One message of the format becomes any number of turns: the results of tools are blocks of a user message there and turns of
 *  their own here, in the same order. A message of which nothing is left (thinking alone) becomes none.
 *  @param at  the place of the message, e.g. `messages[2]`
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseMessage(value: unknown, at: string): Promise<readonly ChatTurn[]> {
  const { role, content } = checkShape(messageSchema, value, at)
  if (!Array.isArray(content)) return turnOf(role, await parseContent(content, `${at}.content`), [])
  const turns: ChatTurn[] = []
  let parts: ContentPart[] = []
  const toolCalls: ToolCall[] = []
  const thoughts: Thought[] = []
  for (const [index, block] of content.entries()) {
    const place = `${at}.content[${index}]`
    const { type } = checkShape(blockSchema, block, place)
    if (type === 'tool_use') {
      toolCalls.push(parseToolUse(role, block, place))
    } else if (type === 'tool_result') {
      const result = await parseToolResult(role, block, place)
      turns.push(...turnOf(role, parts, []), result)
      parts = []
    } else if (type === 'thinking' || type === 'redacted_thinking') {
      const { thinking, signature, data } = checkShape(thoughtSchema, block, place)
      thoughts.push({
        text: thinking ?? '',
        ...(signature && signature !== thinkingSignature && { signature }),
        ...(data && { redacted: data }),
      })
    } else {
      parts.push(...(await parseBlock(block, place)))
    }
  }
  const said = turnOf(role, parts, toolCalls)
  const isThought = role === 'assistant' && thoughts.length > 0
  return [...turns, ...(isThought ? said.map((turn) => ({ ...turn, thoughts })) : said)]
}

function turnOf(
  role: ChatRole,
  content: readonly ContentPart[],
  toolCalls: readonly ToolCall[],
): readonly ChatTurn[] {
  const parts = joinTextLines(content)
  if (role === 'assistant' && toolCalls.length > 0) return [{ role, parts, toolCalls }]
  return parts.length > 0 ? [{ role, parts }] : []
}

function parseToolUse(role: ChatRole, value: unknown, at: string): ToolCall {
  if (role !== 'assistant') throw invalidValue(at, 'only an assistant message has blocks of type tool_use')
  const { id, name, input } = checkShape(toolUseSchema, value, at)
  return { id, name, argumentsText: JSON.stringify(input ?? {}) }
}

async function parseToolResult(role: ChatRole, value: unknown, at: string): Promise<ToolResultTurn> {
  if (role !== 'user') throw invalidValue(at, 'only a user message has blocks of type tool_result')
  const { tool_use_id, content, is_error } = checkShape(toolResultSchema, value, at)
  return {
    role: 'tool',
    callId: tool_use_id,
    parts: await parseContent(toolOutputContent(content), `${at}.content`),
    failed: is_error ?? false,
  }
}

const messageSchema = z.object({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.unknown().optional(),
})

const blockSchema = z.object({ type: z.string() })

const thoughtSchema = z.object({
  thinking: z.string().nullish(),
  signature: z.string().nullish(),
  data: z.string().nullish(),
})

const toolUseSchema = z.object({
  id: z.string().min(1).max(256),
  name: z.string().min(1).max(256),
  input: z.unknown().optional(),
})

const toolResultSchema = z.object({
  tool_use_id: z.string().min(1).max(256),
  content: z.unknown().optional(),
  is_error: z.boolean().nullish(),
})
