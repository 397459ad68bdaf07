import { z } from 'zod'
import type { ChatRole, ChatTurn, ContentPart, Thought, ToolCall } from '../core/chat-request.ts'
import { checkShape, invalidValue } from './check-shape.ts'
import { readCompaction } from './compaction.ts'
import { isPartType, isSilentType, parsePart } from './parts.ts'
import { parseToolOutput } from './tool-output.ts'

/** What the dialects do differently with what all of them accept. */
export interface TurnRules {
  /** Texts that stand side by side become one, each on a line of its own: clients of Anthropic's format cut a text into blocks
   *  mostly to have it cached. */
  readonly joinTexts: boolean
  /** A message that says nothing is left out; else it stays a turn. */
  readonly dropEmpty: boolean
  /** What becomes of a part of an unknown type: `refuse` names it, `tell` leaves it out and says so. */
  readonly unknownParts: 'refuse' | 'tell'
}

/** Makes the one list of turns out of a conversation in any spelling of any dialect: chat messages, Anthropic's messages with their
 *  blocks, items of Responses, and mixtures, as clients send them that keep one history for several vendors. */
export interface TurnReader {
  /** @param at  its place in the client's notation  @throws {InvalidRequestError} `invalid_value` with the first fault */
  add(entry: unknown, at: string): Promise<void>
  readonly turns: readonly ChatTurn[]
  /** Lists of tools that stand among the entries (Codex), each with its place. */
  readonly tools: readonly { readonly list: unknown; readonly at: string }[]
  /** The client asks for the conversation in short, in the place of an answer. */
  readonly compacts: boolean
  /** What was left out, in words for the client. */
  readonly warnings: readonly string[]
}

export function createTurnReader(rules: TurnRules): TurnReader {
  const turns: ChatTurn[] = []
  const tools: { list: unknown; at: string }[] = []
  const warnings: string[] = []
  /** Without a result so far, oldest first. */
  let open: ToolCall[] = []
  let latest: ToolCall | undefined
  /** The calls of the last turn, while more may follow: each is an item of its own in Responses. */
  let growing: ToolCall[] | undefined
  let entries = 0
  let compacts = false

  async function add(value: unknown, at: string): Promise<void> {
    const entry = checkShape(entrySchema, value, at)
    const index = entries
    entries += 1
    switch (entry.type) {
      case 'function_call':
        return addCall(checkShape(callItem, entry, at), index)
      case 'custom_tool_call':
        return addCustomCall(checkShape(customCallItem, entry, at), index)
      case 'tool_search_call':
        return addCall({ name: 'tool_search', ...checkShape(searchCallItem, entry, at) }, index)
      case 'function_call_output':
      case 'custom_tool_call_output':
        return await addOutput(checkShape(outputItem, entry, at), `${at}.output`)
      case 'tool_search_output': {
        const { call_id, tools: found } = checkShape(searchOutputItem, entry, at)
        tools.push({ list: found ?? [], at: `${at}.tools` })
        return await addOutput({ call_id, output: describeFound(found ?? []) }, `${at}.tools`)
      }
      case 'additional_tools':
        tools.push({ list: checkShape(toolsItem, entry, at).tools ?? [], at: `${at}.tools` })
        return
      case 'compaction':
      case 'compaction_summary': {
        const text = readCompaction(checkShape(compactionItem, entry, at).encrypted_content, at)
        return addMessage('user', [{ type: 'text', text }])
      }
      case 'compaction_trigger':
        compacts = true
        return
      case 'message':
      case undefined:
      case null:
        return await addRoleMessage(entry, at, index)
    }
    if (entry.role !== undefined && entry.role !== null) return await addRoleMessage(entry, at, index)
    if (isPartType(entry.type)) return addMessage('user', await parsePart(entry, at))
    if (!silentItems.has(entry.type) && !isSilentType(entry.type))
      warnings.push(`${at} was left out: items of type ${shorten(entry.type)} have no effect`)
  }

  async function addRoleMessage(entry: unknown, at: string, index: number): Promise<void> {
    const message = checkShape(messageSchema, entry, at)
    const contentAt = `${at}.content`
    if (message.role === 'tool' || message.role === 'function') {
      const { tool_call_id, call_id, tool_use_id, name, is_error } = message
      const answered = { call_id: tool_call_id || call_id || tool_use_id || undefined, name, is_error }
      return await addOutput({ ...answered, output: message.content }, contentAt)
    }
    const role = roles[message.role]
    const given = role === 'assistant' ? (message.content ?? message.refusal ?? []) : message.content
    const calls = role === 'assistant' ? callsOf(message, index) : []
    const { parts, blockCalls, thoughts } = await readContent(given, role, contentAt, index)
    if (message.reasoning_content) thoughts.push({ text: message.reasoning_content })
    if (role === 'assistant') addAssistant(parts, [...blockCalls, ...calls], thoughts)
    else addMessage(role, parts)
  }

  /** A string or a list of parts. Results of tools in it become turns of their own, in their place. */
  async function readContent(content: unknown, role: ChatRole, at: string, index: number) {
    const blockCalls: ToolCall[] = []
    const thoughts: Thought[] = []
    let parts: ContentPart[] = []
    if (typeof content === 'string')
      return { parts: [{ type: 'text', text: content } as const], blockCalls, thoughts }
    const isNothing = content === null || content === undefined
    if (isNothing && rules.dropEmpty) return { parts, blockCalls, thoughts }
    if (!Array.isArray(content)) throw invalidValue(at, 'expected a string or a list of parts')
    for (const [position, value] of content.entries()) {
      const place = `${at}[${position}]`
      const { type } = checkShape(partSchema, value, place)
      if (type === 'tool_use' || type === 'tool-call') {
        if (role !== 'assistant')
          throw invalidValue(place, 'only an assistant message has blocks of type tool_use')
        const { id, toolCallId, name, toolName, input, args } = checkShape(toolUseBlock, value, place)
        const given = { id: id ?? toolCallId, name: name ?? toolName ?? '', arguments: input ?? args }
        blockCalls.push(noted(given, `call_${index}_${position}`))
      } else if (type === 'tool_result' || type === 'tool-result') {
        if (role === 'assistant')
          throw invalidValue(place, 'only a user message has blocks of type tool_result')
        const { tool_use_id, content: output, is_error } = checkShape(toolResultBlock, value, place)
        if (parts.length > 0) addMessage(role, parts)
        parts = []
        await addOutput({ call_id: tool_use_id, output, is_error }, `${place}.content`)
      } else if (role === 'assistant' && (type === 'thinking' || type === 'redacted_thinking'))
        thoughts.push(readThought(value, place))
      else if (isPartType(type)) parts.push(...(await parsePart(value, place)))
      else if (!isSilentType(type)) leaveOut(type, place)
    }
    return { parts, blockCalls, thoughts }
  }

  function leaveOut(type: string, at: string): void {
    if (rules.unknownParts === 'refuse' && !isVendorsOwn(type))
      throw invalidValue(`${at}.type`, `parts of type ${shorten(type)} are not supported; ${takenTypes}`)
    warnings.push(`${at} was left out: blocks of type ${shorten(type)} have no effect`)
  }

  function addMessage(
    role: ChatRole,
    given: readonly ContentPart[],
    thoughts: readonly Thought[] = [],
  ): void {
    growing = undefined
    const parts = rules.joinTexts ? joinTextLines(given) : given
    if (parts.length > 0 || !rules.dropEmpty)
      turns.push({ role, parts, ...(thoughts.length > 0 && { thoughts }) })
  }

  function addAssistant(
    given: readonly ContentPart[],
    calls: readonly ToolCall[],
    thoughts: readonly Thought[],
  ): void {
    const isEmpty = given.length === 0
    if (calls.length === 0) {
      if (isEmpty && rules.dropEmpty) return
      addMessage('assistant', isEmpty ? [{ type: 'text', text: '' }] : given, thoughts)
      return
    }
    growing = [...calls]
    turns.push({
      role: 'assistant',
      parts: rules.joinTexts ? joinTextLines(given) : given,
      toolCalls: growing,
      ...(thoughts.length > 0 && { thoughts }),
    })
  }

  /** Consecutive calls and the text before them become one turn. */
  function addCall(given: GivenCall, index: number): void {
    const call = noted(given, `call_${index}_0`)
    if (growing) {
      growing.push(call)
      return
    }
    const last = turns.at(-1)
    const said = last?.role === 'assistant' && !('toolCalls' in last) ? last.parts : []
    if (last?.role === 'assistant' && !('toolCalls' in last)) turns.pop()
    growing = [call]
    turns.push({ role: 'assistant', parts: said, toolCalls: growing })
  }

  function addCustomCall({ input, ...call }: z.infer<typeof customCallItem>, index: number): void {
    addCall({ ...call, arguments: { input } }, index)
  }

  function callsOf({ tool_calls, function_call }: Message, index: number): readonly ToolCall[] {
    const given = [...(tool_calls ?? []), { id: undefined, custom: undefined, function: function_call }]
    return given.flatMap(({ id, function: call, custom }, position) => {
      const spare = `call_${index}_${position}`
      if (call) return [noted({ ...call, id }, spare)]
      return custom ? [noted({ id, name: custom.name, arguments: { input: custom.input } }, spare)] : []
    })
  }

  function noted(given: GivenCall, spareId: string): ToolCall {
    const { name, namespace } = given
    const call = {
      id: given.call_id || given.id || spareId,
      name: namespace ? nameInNamespace(namespace, name) : name,
      argumentsText: argumentsOf(given.arguments),
    }
    open.push(call)
    latest = call
    return call
  }

  async function addOutput(given: GivenOutput, at: string): Promise<void> {
    const parts = await parseToolOutput(given.output, at)
    growing = undefined
    turns.push({
      role: 'tool',
      callId: answeredCall(given),
      parts: rules.joinTexts ? joinTextLines(parts) : parts,
      failed: given.is_error ?? false,
    })
  }

  /** A result that names no call answers the first open one of its name, and without a name the first of all. */
  function answeredCall({ call_id, name }: GivenOutput): string {
    const id =
      call_id ||
      open.find((call) => !name || call.name === name)?.id ||
      (name && latest?.name !== name ? name : latest?.id) ||
      'call_unknown'
    open = open.filter((call) => call.id !== id)
    return id
  }

  return {
    add,
    turns,
    tools,
    warnings,
    get compacts() {
      return compacts
    },
  }
}

/** Seals what nobody sealed: clients of Anthropic's format send no thinking back without a seal. */
export const thinkingSignature = Buffer.from('unsigned').toString('base64')

function readThought(block: unknown, at: string): Thought {
  const { thinking, signature, data } = checkShape(thoughtBlock, block, at)
  return {
    text: thinking ?? '',
    ...(signature && signature !== thinkingSignature && { signature }),
    ...(data && { redacted: data }),
  }
}

const thoughtBlock = z.object({
  thinking: z.string().nullish(),
  signature: z.string().nullish(),
  data: z.string().nullish(),
})

/** How a tool of a group is shown to the model. */
export const nameInNamespace = (namespace: string, name: string): string => `${namespace}__${name}`

/** Joins neighbouring texts: a message of a single text stays a string on the wire. */
export function joinTextLines(parts: readonly ContentPart[]): readonly ContentPart[] {
  const joined: ContentPart[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (part.type === 'text' && last?.type === 'text')
      joined[joined.length - 1] = { type: 'text', text: `${last.text}\n${part.text}` }
    else joined.push(part)
  }
  return joined
}

const takenTypes = 'send text, image_url, input_image, image, file, input_file or document'

/** What a client keeps of the vendor's own work, and nobody but the vendor can read. */
const silentItems: ReadonlySet<string> = new Set([
  'reasoning',
  'item_reference',
  'web_search_call',
  'file_search_call',
  'code_interpreter_call',
  'image_generation_call',
  'computer_call',
  'mcp_list_tools',
])

const shorten = (type: string): string => JSON.stringify(type.slice(0, 64))

/** The tools that a search of the client's own found: the model may call them from now on. */
function describeFound(found: readonly unknown[]): string {
  const names = found.flatMap((tool) => {
    const { name, tools } = foundSchema.safeParse(tool).data ?? {}
    return tools ? tools.map((each) => `${name}.${each.name}`) : [name]
  })
  return names.length > 0 ? `Found tools: ${names.join(', ')}` : 'No tools were found.'
}

const foundSchema = z.object({
  name: z.string(),
  tools: z.array(z.object({ name: z.string() })).nullish(),
})

interface GivenCall {
  readonly id?: string | null | undefined
  readonly call_id?: string | null | undefined
  readonly name: string
  readonly namespace?: string | null | undefined
  readonly arguments?: unknown
}

interface GivenOutput {
  readonly call_id?: string | null | undefined
  readonly name?: string | null | undefined
  readonly output?: unknown
  readonly is_error?: boolean | null | undefined
}

/** JSON text; some clients send the object itself. */
const argumentsOf = (given: unknown): string =>
  typeof given === 'string' ? given.trim() || '{}' : JSON.stringify(given ?? {})

const roles = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  model: 'assistant',
} as const

const entrySchema = z.looseObject({ type: z.string().nullish(), role: z.unknown().optional() })

const partSchema = z.object({ type: z.string() })

const callArguments = z.union([z.string(), z.record(z.string(), z.unknown())]).nullish()

const callSchema = z.object({ name: z.string(), arguments: callArguments })

const messageSchema = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'model', 'tool', 'function']),
  content: z.unknown().optional(),
  refusal: z.string().nullish(),
  reasoning_content: z.string().nullish().catch(undefined),
  name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
  call_id: z.string().nullish(),
  tool_use_id: z.string().nullish(),
  is_error: z.boolean().nullish(),
  tool_calls: z
    .array(
      z.object({
        id: z.string().nullish(),
        function: callSchema.nullish(),
        custom: z.object({ name: z.string(), input: z.unknown().optional() }).nullish(),
      }),
    )
    .max(1000)
    .nullish(),
  function_call: callSchema.nullish(),
})

type Message = z.infer<typeof messageSchema>

const callIds = { call_id: z.string().nullish(), id: z.string().nullish() }

const callItem = z.object({
  ...callIds,
  name: z.string(),
  namespace: z.string().nullish(),
  arguments: callArguments,
})

const customCallItem = z.object({
  ...callIds,
  name: z.string(),
  namespace: z.string().nullish(),
  input: z.unknown().optional(),
})

const searchCallItem = z.object({ ...callIds, arguments: callArguments })

const outputItem = z.object({ call_id: z.string(), output: z.unknown().optional() })

const toolsItem = z.object({ tools: z.array(z.unknown()).nullish() })

const searchOutputItem = z.object({ call_id: z.string(), tools: z.array(z.unknown()).nullish() })

const compactionItem = z.object({ encrypted_content: z.string() })

const toolUseBlock = z
  .object({
    id: z.string().min(1).max(256).nullish(),
    toolCallId: z.string().min(1).max(256).nullish(),
    name: z.string().min(1).max(256).nullish(),
    toolName: z.string().min(1).max(256).nullish(),
    input: z.unknown().optional(),
    args: z.unknown().optional(),
  })
  .refine(({ name, toolName }) => name || toolName, { path: ['name'], error: 'expected the name of a tool' })

const toolResultBlock = z.object({
  tool_use_id: z.string().min(1).max(256),
  content: z.unknown().optional(),
  is_error: z.boolean().nullish(),
})

/** Where a request has its conversation: `messages` or `input`, with the system prompt beside it or not. */
export const conversationFields = {
  messages: z.unknown().optional(),
  input: z.unknown().optional(),
  system: z.unknown().optional(),
  instructions: z.unknown().optional(),
}

/** Reads the whole of it. A string is what the user says.
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault */
export async function readConversation(
  request: z.infer<z.ZodObject<typeof conversationFields>>,
  rules: TurnRules,
): Promise<TurnReader> {
  const reader = createTurnReader(rules)
  for (const field of ['system', 'instructions'] as const) await addSystem(reader, request[field], field)
  const at = (request.messages ?? undefined) === undefined && request.input ? 'input' : 'messages'
  const given = request[at]
  if (typeof given === 'string') await reader.add({ role: 'user', content: given }, at)
  else if (!Array.isArray(given) || given.length === 0) throw invalidValue(at, 'expected a list of messages')
  else for (const [index, entry] of given.entries()) await reader.add(entry, `${at}[${index}]`)
  return reader
}

async function addSystem(reader: TurnReader, given: unknown, at: string): Promise<void> {
  if (given === null || given === undefined || given === '') return
  if (typeof given !== 'string' && !Array.isArray(given))
    throw invalidValue(at, 'expected a string or a list of blocks')
  const content = withoutBilling(given)
  if (content.length === 0) return
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  const texts: ContentPart[] = []
  for (const [index, part] of parts.entries()) texts.push(...(await parsePart(part, `${at}[${index}]`)))
  const words = joinTextLines(texts).flatMap((part) => (part.type === 'text' ? [part.text] : []))
  await reader.add({ role: 'system', content: words.join('\n') }, at)
}

/** The first block of Claude Code is for the vendor's billing and differs from turn to turn; no model should read it. */
function withoutBilling(system: string | unknown[]): string | unknown[] {
  if (typeof system === 'string') return system
  const [first] = system
  const text = textSchema.safeParse(first).data?.text
  return text?.startsWith('x-anthropic-billing-header:') ? system.slice(1) : system
}

const textSchema = z.object({ text: z.string() })

/** What a vendor's own server did stands in histories: `server_tool_use`, `web_search_tool_result`. */
const isVendorsOwn = (type: string): boolean => /(?:^server_tool_use|_tool_result)$/.test(type)
