import { z } from 'zod'
import type { ChatMessage, ChatTurn, ToolCall, ToolResultTurn } from '../../core/chat-request.ts'
import { checkShape } from '../check-shape.ts'
import { toContent } from '../tool-result.ts'
import type { PlacedItem } from './input-item.ts'
import { isPart, parseContent } from './parse-content.ts'

/** Turns of the conversation from its items. What is said about the vendor's own tools, and reasoning, which nobody can read
 *  back, is left out.
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseItems(items: readonly PlacedItem[]): Promise<readonly ChatTurn[]> {
  const turns = new TurnList()
  for (const { item, at } of items) {
    switch (item.type) {
      case 'message': {
        const message = await parseMessage(item, at)
        if (message.parts.length > 0) turns.add(message)
        break
      }
      case 'function_call': {
        const { call_id: id, name, arguments: argumentsText } = checkShape(functionCallSchema, item, at)
        turns.addCall({ id, name, argumentsText })
        break
      }
      case 'custom_tool_call': {
        const { call_id: id, name, input } = checkShape(customCallSchema, item, at)
        turns.addCall({ id, name, argumentsText: JSON.stringify({ input }) })
        break
      }
      case 'function_call_output':
      case 'custom_tool_call_output':
        turns.add(await parseOutput(item, at))
        break
    }
  }
  return turns.list
}

/** Calls that follow one another, and the words before them, are one turn. */
class TurnList {
  readonly list: ChatTurn[] = []
  #calls: ToolCall[] | undefined

  add(turn: ChatTurn): void {
    this.list.push(turn)
    this.#calls = undefined
  }

  addCall(call: ToolCall): void {
    if (this.#calls) {
      this.#calls.push(call)
      return
    }
    const last = this.list.at(-1)
    const said = last?.role === 'assistant' ? last.parts : []
    if (last?.role === 'assistant') this.list.pop()
    this.#calls = [call]
    this.list.push({ role: 'assistant', parts: said, toolCalls: this.#calls })
  }
}

async function parseMessage(item: unknown, at: string): Promise<ChatMessage> {
  const { role, content } = checkShape(messageSchema, item, at)
  return { role: role === 'developer' ? 'system' : role, parts: await parseContent(content, `${at}.content`) }
}

async function parseOutput(item: unknown, at: string): Promise<ToolResultTurn> {
  const { call_id: callId, output } = checkShape(outputSchema, item, at)
  const parts = await parseContent(toContent(output, isPart), `${at}.output`)
  return { role: 'tool', callId, parts, failed: false }
}

const messageSchema = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.unknown().optional(),
})

const functionCallSchema = z.object({ call_id: z.string(), name: z.string(), arguments: z.string() })

const customCallSchema = z.object({ call_id: z.string(), name: z.string(), input: z.string() })

const outputSchema = z.object({ call_id: z.string(), output: z.unknown().optional() })
