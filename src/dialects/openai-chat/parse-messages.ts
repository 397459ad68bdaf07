import { z } from 'zod'
import type { AssistantTurn, ChatMessage, ChatTurn, ContentPart, ToolCall } from '../../core/chat-request.ts'
import { audioRefused, parseFile, parseImage } from '../attachments.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { toolOutputContent } from '../tools.ts'

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
      const thoughts = message.reasoning_content ? [{ text: message.reasoning_content }] : undefined
      return { ...assistantTurn(content, calls), ...(thoughts && { thoughts }) }
    }
    case 'tool':
    case 'function': {
      const parts = await parseContent(toolOutputContent(message.content, partTypes), contentAt)
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
  reasoning_content: z.string().nullish(),
  name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
  tool_calls: z
    .array(z.object({ id: z.string().nullish(), function: callSchema.nullish() }))
    .max(1000)
    .nullish(),
  function_call: callSchema.nullish(),
})

type Message = z.infer<typeof messageSchema>

function assistantTurn(
  parts: readonly ContentPart[],
  toolCalls: readonly ToolCall[],
): ChatMessage | AssistantTurn {
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

/** The content of a message: a string or a list of parts.
 *  @param at  its place, e.g. `messages[2].content`
 *  @throws {InvalidRequestError} `invalid_value` */
async function parseContent(content: unknown, at: string): Promise<readonly ContentPart[]> {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (Array.isArray(content)) return await parseParts(content, at)
  throw invalidValue(at, 'expected a string or a list of parts')
}

/** One by one, so that the first fault is the first in the list and nothing behind it is looked at. */
async function parseParts(values: readonly unknown[], at: string): Promise<readonly ContentPart[]> {
  const parts: ContentPart[] = []
  for (const [index, value] of values.entries()) parts.push(await parsePart(value, `${at}[${index}]`))
  return parts
}

function parsePart(value: unknown, at: string): ContentPart | Promise<ContentPart> {
  const part = checkShape(partSchema, value, at)
  switch (part.type) {
    case 'text':
      return part
    case 'refusal':
      return { type: 'text', text: part.refusal }
    case 'image_url':
      return typeof part.image_url === 'string'
        ? parseImage(part.image_url, `${at}.image_url`)
        : parseImage(part.image_url.url, `${at}.image_url.url`)
    case 'file':
      return parseFilePart(part.file, `${at}.file`)
    case 'input_audio':
      throw audioRefused(at)
  }
}

function parseFilePart({ filename, file_data, file_id }: GivenFile, at: string): Promise<ContentPart> {
  if (typeof file_data === 'string') return parseFile(filename ?? undefined, file_data, `${at}.file_data`)
  if (file_id)
    throw invalidValue(`${at}.file_id`, 'no files are kept here; send the file itself as file_data')
  throw invalidValue(`${at}.file_data`, 'expected data:...;base64,... or base64')
}

const fileSchema = z.object({
  filename: z.string().nullish(),
  file_data: z.string().nullish(),
  file_id: z.string().nullish(),
})

type GivenFile = z.infer<typeof fileSchema>

const partSchema = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text'), text: z.string() }),
    z.object({ type: z.literal('refusal'), refusal: z.string() }),
    z.object({
      type: z.literal('image_url'),
      image_url: z.union([z.string(), z.object({ url: z.string() })]),
    }),
    z.object({ type: z.literal('file'), file: fileSchema }),
    z.object({ type: z.literal('input_audio') }),
  ],
  { error: 'this service takes parts of type text, image_url and file only' },
)

const partTypes: ReadonlySet<unknown> = new Set(partSchema.options.map(({ shape }) => shape.type.value))
