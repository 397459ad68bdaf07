import { z } from 'zod'
import type { ChatMessage, ChatTurn, ContentPart, ToolCall, ToolResultTurn } from '../../core/chat-request.ts'
import { audioRefused, parseFile, parseImage } from '../attachments.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { toolOutputContent } from '../tools.ts'
import { itemId } from './response-object.ts'

/** An item of an input, of any type, and where the client gave it; a fault names that place. */
export interface LocatedItem {
  readonly item: InputItem
  readonly at: string
}

export interface InputItem {
  readonly type: string
  readonly id?: string
  readonly [field: string]: unknown
}

/** @returns one item for a string  @throws {InvalidRequestError} `invalid_value` */
export function parseInput(input: unknown): readonly LocatedItem[] {
  if (typeof input === 'string') return [{ item: userMessage(input), at: 'input' }]
  if (!Array.isArray(input)) throw invalidValue('input', 'expected a string or a list of items')
  return input.map((value, index) => {
    const at = `input[${index}]`
    return { item: parseItem(value, at), at }
  })
}

/** An item as it is kept and listed: with an id, and a message with a list of parts. */
export function toKeptItem(item: InputItem, responseId: string, index: number): InputItem {
  const kept = { id: itemId('in', responseId, index), ...item }
  if (item.type !== 'message') return kept
  const type = item.role === 'assistant' ? 'output_text' : 'input_text'
  const content = typeof item.content === 'string' ? [{ type, text: item.content }] : item.content
  return { status: 'completed', ...kept, content }
}

const userMessage = (text: string): InputItem => ({ type: 'message', role: 'user', content: text })

/** A message may leave its type out, and so may a reference. */
function parseItem(value: unknown, at: string): InputItem {
  const { type, id, ...fields } = checkShape(itemSchema, value, at)
  const known = { ...fields, ...(id ? { id } : {}) }
  if (type) return { ...known, type }
  if ('role' in fields) return { ...known, type: 'message' }
  if (id) return { ...known, type: 'item_reference' }
  throw invalidValue(`${at}.type`, 'expected the type of an item')
}

const itemSchema = z.looseObject({ type: z.string().nullish(), id: z.string().nullish() })

/** Makes the turns of the conversation from its items. Left out are the items of the vendor's own tools and reasoning, which
 *  nobody can read back.
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseItems(items: readonly LocatedItem[]): Promise<readonly ChatTurn[]> {
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

/** Consecutive calls and the text before them become one turn. */
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
  const parts = await parseContent(toolOutputContent(output, partTypes), `${at}.output`)
  return { role: 'tool', callId, parts, failed: false }
}

const messageSchema = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.unknown().optional(),
})

const functionCallSchema = z.object({ call_id: z.string(), name: z.string(), arguments: z.string() })

const customCallSchema = z.object({ call_id: z.string(), name: z.string(), input: z.string() })

const outputSchema = z.object({ call_id: z.string(), output: z.unknown().optional() })

/** The content of a message, or what a tool gave back: a string or a list of parts.
 *  @param at  its place, e.g. `input[2].content`
 *  @throws {InvalidRequestError} `invalid_value` */
async function parseContent(content: unknown, at: string): Promise<readonly ContentPart[]> {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw invalidValue(at, 'expected a string or a list of parts')
  const parts: ContentPart[] = []
  for (const [index, value] of content.entries()) parts.push(await parsePart(value, `${at}[${index}]`))
  return parts
}

function parsePart(value: unknown, at: string): ContentPart | Promise<ContentPart> {
  const part = checkShape(partSchema, value, at)
  switch (part.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: part.text }
    case 'refusal':
      return { type: 'text', text: part.refusal }
    case 'input_image':
      if (part.image_url) return parseImage(part.image_url, `${at}.image_url`)
      throw noFiles(`${at}.${part.file_id ? 'file_id' : 'image_url'}`, 'the picture itself as image_url')
    case 'input_file':
      if (part.file_data) return parseFile(part.filename ?? undefined, part.file_data, `${at}.file_data`)
      throw noFiles(`${at}.${whereFileIs(part)}`, 'the file itself as file_data')
    case 'input_audio':
      throw audioRefused(at)
  }
}

const noFiles = (at: string, instead: string) =>
  invalidValue(at, `no files are kept or fetched here; send ${instead}`)

const whereFileIs = ({ file_id, file_url }: { file_id?: unknown; file_url?: unknown }): string =>
  file_id ? 'file_id' : file_url ? 'file_url' : 'file_data'

const partSchema = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal(['input_text', 'output_text', 'text']), text: z.string() }),
    z.object({ type: z.literal('refusal'), refusal: z.string() }),
    z.object({
      type: z.literal('input_image'),
      image_url: z.string().nullish(),
      file_id: z.string().nullish(),
    }),
    z.object({
      type: z.literal('input_file'),
      filename: z.string().nullish(),
      file_data: z.string().nullish(),
      file_id: z.string().nullish(),
      file_url: z.string().nullish(),
    }),
    z.object({ type: z.literal('input_audio') }),
  ],
  {
    error:
      'this service takes parts of type input_text, output_text, refusal, input_image and input_file only',
  },
)

const partTypes: ReadonlySet<unknown> = new Set(
  partSchema.options.flatMap(({ shape }): unknown[] => [...shape.type.values]),
)
