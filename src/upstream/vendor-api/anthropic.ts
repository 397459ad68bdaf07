import type { TokenUsage } from '../../core/chat-event.ts'
import type {
  ChatRequest,
  ChatRole,
  ChatTurn,
  ContentPart,
  OutputFormat,
  Sampling,
  Thought,
  ToolUse,
} from '../../core/chat-request.ts'
import type { KeyModel } from '../../core/key-model.ts'
import type { Answer, DecodeEvent } from '../answer.ts'
import { isCount, isRecord, parseEvent } from '../decode-parts.ts'
import { nearestLevel } from './reasoning-levels.ts'
import { recogniseStreamError, recogniseWallMark } from './vendor-failures.ts'

/** The style demands a limit, thinking included, and refuses one above the model's own; every Claude since 4 takes this one. */
const maxTokens = 32_000

interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: (object | undefined)[]
}

/** The body of a chat in Anthropic's style, always with the whole history and in the style's own fields: the system's words apart,
 *  the others' in turns.
 *  @returns undefined where the style has no form for it: JSON without a schema, files other than PDF, pictures that are not the
 *  user's, turns that do not begin and end with the user's. Source: WIRE 11, platform.claude.com/docs/en/api/messages */
export function encodeAnthropicChat(request: ChatRequest, keyModel?: KeyModel) {
  const { messages, tools, output, stop, sampling = {} } = request
  const model = request.model.upstreamIds.agent[0] ?? request.model.id
  const system = messages.filter(isOfSystem).flatMap(({ parts }) => encodeParts(parts, 'system'))
  const turns = encodeTurns(messages)
  const blocks = [...system, ...turns.flatMap(({ content }) => content)]
  if (blocks.includes(undefined) || output?.type === 'json-object') return undefined
  if (turns.at(0)?.role !== 'user' || turns.at(-1)?.role !== 'user') return undefined
  const { maxOutputTokens = Number.POSITIVE_INFINITY, efforts } = keyModel ?? {}
  const limit = Math.min(request.maxTokens ?? maxTokens, maxOutputTokens)
  const thinking = losesThoughts(messages) ? {} : encodeThinking(model, sampling, { limit, tools, efforts })
  const config = { ...thinking.output_config, ...(output && { format: formatOf(output) }) }
  const { temperature, topP } = sampling
  // Thinking goes with neither, and newer models take one of the two at most.
  const isFree = thinking.thinking === undefined
  return {
    model,
    max_tokens: limit,
    ...(system.length > 0 && { system }),
    messages: turns,
    ...(tools && encodeTools(tools)),
    ...(stop?.length && { stop_sequences: stop }),
    ...(isFree && temperature !== undefined && { temperature: Math.min(temperature, 1) }),
    ...(isFree && temperature === undefined && topP !== undefined && { top_p: topP }),
    ...(thinking.thinking && { thinking: thinking.thinking }),
    ...(Object.keys(config).length > 0 && { output_config: config }),
    stream: true,
  }
}

const formatOf = (output: Extract<OutputFormat, { type: 'json-schema' }>) => ({
  type: 'json_schema',
  schema: output.schema,
})

/** The least budget that the style takes. */
const minThinkingTokens = 1024

/** Calls that were thought over are refused without their thoughts, which not every client keeps: it is not thought on then. */
function losesThoughts(messages: readonly ChatTurn[]): boolean {
  const last = messages.findLast(({ role }) => role === 'assistant')
  if (!last || !('toolCalls' in last) || last.toolCalls.length === 0) return false
  return !last.thoughts?.some(({ signature, redacted }) => signature ?? redacted)
}

/** A call that is forced rules thinking out. */
function encodeThinking(
  model: string,
  { effort, thinkingTokens }: Sampling,
  {
    limit,
    tools,
    efforts,
  }: {
    readonly limit: number
    readonly tools: ToolUse | undefined
    readonly efforts: readonly string[] | undefined
  },
): { readonly thinking?: object; readonly output_config?: object } {
  const isForced = tools !== undefined && tools.choice.type !== 'auto'
  if (isForced || (effort === undefined && thinkingTokens === undefined) || effort === 'none') return {}
  const adapts = isAdaptive(model)
  const level =
    effort === undefined
      ? undefined
      : nearestLevel(model, effort, efforts ?? (adapts ? adaptiveLevels : undefined))
  if (adapts) {
    return {
      thinking: { type: 'adaptive' },
      ...(level !== undefined && { output_config: { effort: level } }),
    }
  }
  const wanted = thinkingTokens || (level === 'low' ? 4_096 : level === 'high' ? 24_576 : 10_240)
  const budget = Math.min(Math.max(wanted, minThinkingTokens), limit - 1)
  return budget < minThinkingTokens ? {} : { thinking: { type: 'enabled', budget_tokens: budget } }
}

/** Those that decide by themselves how long to think. Source: platform.claude.com/docs/en/build-with-claude/adaptive-thinking */
const isAdaptive = (model: string): boolean => /^claude-(?:(?:opus|sonnet)-4-[6-9]|[a-z]+-[5-9])/.test(model)

const adaptiveLevels = ['low', 'medium', 'high', 'xhigh']

function encodeTools({ definitions, choice, parallel }: ToolUse) {
  const single = parallel ? undefined : { disable_parallel_tool_use: true }
  const chosen =
    choice.type === 'named'
      ? { type: 'tool', name: choice.name }
      : { type: choice.type === 'required' ? 'any' : 'auto' }
  return {
    tools: definitions.map(({ name, description, parameters, strict }) => ({
      name,
      ...(description && { description }),
      input_schema: parameters,
      ...(strict && { strict }),
    })),
    tool_choice: { ...chosen, ...single },
  }
}

/** Turns must alternate, so messages of one role in a row are merged; results of tools are the user's. */
function encodeTurns(messages: readonly ChatTurn[]): Turn[] {
  const turns: Turn[] = []
  for (const message of messages) {
    if (isOfSystem(message)) continue
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const content = encodeTurn(message)
    if (content.length === 0) continue
    const last = turns.at(-1)
    if (last?.role === role) for (const block of content) last.content.push(block)
    else turns.push({ role, content })
  }
  return turns
}

function encodeTurn(turn: ChatTurn): (object | undefined)[] {
  if (turn.role === 'tool') {
    const content = encodeParts(turn.parts, 'user')
    if (content.includes(undefined)) return [undefined]
    const result = { type: 'tool_result', tool_use_id: callIdOf(turn.callId), content }
    return [turn.failed ? { ...result, is_error: true } : result]
  }
  const calls = 'toolCalls' in turn ? turn.toolCalls : []
  return [
    ...(turn.role === 'assistant' ? (turn.thoughts ?? []).flatMap(encodeThought) : []),
    ...encodeParts(turn.parts, turn.role),
    ...calls.map(({ id, name, argumentsText }) => ({
      type: 'tool_use',
      id: callIdOf(id),
      name,
      input: parseEvent(argumentsText) ?? {},
    })),
  ]
}

/** Thinking without the vendor's seal is refused. */
function encodeThought({ text, signature, redacted }: Thought): object[] {
  if (redacted !== undefined) return [{ type: 'redacted_thinking', data: redacted }]
  return signature === undefined ? [] : [{ type: 'thinking', thinking: text, signature }]
}

/** The style takes no other letters in an id, and other vendors' may have them. */
const callIdOf = (id: string): string => id.replaceAll(/[^\w-]/g, '_')

const isOfSystem = ({ role }: ChatTurn): boolean => role === 'system'

/** Blank text is refused and says nothing. */
const encodeParts = (parts: readonly ContentPart[], role: ChatRole): (object | undefined)[] =>
  parts
    .filter((part) => part.type !== 'text' || part.text.trim() !== '')
    .map((part) => encodePart(part, role))

function encodePart(part: ContentPart, role: ChatRole): object | undefined {
  if (part.type === 'text') return part
  if (part.type === 'image-url' || role !== 'user') return undefined
  const { mimeType, base64 } = part
  const type = blockTypes.get(mimeType)
  if (type === undefined) return undefined
  return { type, source: { type: 'base64', media_type: mimeType, data: base64 } }
}

const blockTypes: ReadonlyMap<string, string> = new Map([
  ['image/png', 'image'],
  ['image/jpeg', 'image'],
  ['image/gif', 'image'],
  ['image/webp', 'image'],
  ['application/pdf', 'document'],
])

type Event = Readonly<Record<string, unknown>>

/** The grammar of Anthropic's events, made anew for each answer.
 *  Source: WIRE 11, platform.claude.com/docs/en/build-with-claude/streaming */
export function createAnthropicDecoder(): DecodeEvent {
  let prompt: PromptTokens | undefined

  return (event, answer) => {
    const failure = recogniseWallMark(event) ?? recogniseStreamError(event)
    if (failure) throw failure
    switch (event.type) {
      case 'content_block_delta':
        return addDelta(event, answer)
      case 'message_start':
        if (isRecord(event.message)) {
          if (typeof event.message.model === 'string') answer.servedModel = event.message.model
          prompt = promptTokensOf(event.message.usage)
        }
        return true
      case 'message_delta':
        noteStop(event, answer)
        noteUsage(event, answer)
        return true
      case 'message_stop':
        answer.closed = true
        return true
      case 'content_block_start':
        startBlock(event, answer)
        return true
      case 'content_block_stop':
        return true
      case 'ping':
        return false
      default:
        return answer.unknown(event)
    }
  }

  /** Each event counts the output so far, the last one all of it. */
  function noteUsage({ usage }: Event, answer: Answer): void {
    const completion = isRecord(usage) ? usage.output_tokens : undefined
    if (prompt !== undefined && isCount(completion)) answer.usage = { ...prompt, completion, reasoning: 0 }
  }
}

type PromptTokens = Pick<TokenUsage, 'prompt' | 'cached' | 'cacheWritten'>

/** Prompt tokens written to or read from the cache are counted apart. */
function promptTokensOf(usage: unknown): PromptTokens | undefined {
  if (!isRecord(usage) || !isCount(usage.input_tokens)) return undefined
  const { cache_read_input_tokens: read, cache_creation_input_tokens: written } = usage
  const cached = isCount(read) ? read : 0
  const cacheWritten = isCount(written) ? written : 0
  return {
    prompt: usage.input_tokens + cached + cacheWritten,
    ...(cached > 0 && { cached }),
    ...(cacheWritten > 0 && { cacheWritten }),
  }
}

/** A message in the place of a stream. @returns whether it is one */
export function decodeAnthropicMessage(reply: unknown, answer: Answer): boolean {
  if (!isRecord(reply) || !Array.isArray(reply.content) || reply.type === 'error') return false
  const failure = recogniseWallMark(reply)
  if (failure) throw failure
  if (typeof reply.model === 'string') answer.servedModel = reply.model
  for (const [index, block] of reply.content.entries()) {
    if (!isRecord(block)) continue
    if (typeof block.text === 'string') answer.text(block.text)
    if (typeof block.thinking === 'string') answer.reasoning(block.thinking)
    if (typeof block.signature === 'string' && block.signature !== '') answer.signature(block.signature)
    if (block.type === 'tool_use') startBlock({ index, content_block: block }, answer)
  }
  noteStop({ delta: reply }, answer)
  const prompt = promptTokensOf(reply.usage)
  const completion = isRecord(reply.usage) ? reply.usage.output_tokens : undefined
  if (prompt && isCount(completion)) answer.usage = { ...prompt, completion, reasoning: 0 }
  answer.closed = true
  return true
}

/** A call begins with its name; what it is called with follows, or is there already. */
function startBlock({ index, content_block: block }: Event, answer: Answer): void {
  if (!isRecord(block) || block.type !== 'tool_use') return
  const { id, name, input } = block
  const isWhole = isRecord(input) && Object.keys(input).length > 0
  answer.call(typeof index === 'number' ? index : 0, {
    id: typeof id === 'string' ? id : '',
    name: typeof name === 'string' ? name : '',
    argumentsText: isWhole ? JSON.stringify(input) : '',
  })
}

function addDelta(event: Event, answer: Answer): boolean {
  const delta = isRecord(event.delta) ? event.delta : {}
  switch (delta.type) {
    case 'text_delta':
      if (typeof delta.text === 'string') answer.text(delta.text)
      return true
    case 'thinking_delta':
      if (typeof delta.thinking === 'string') answer.reasoning(delta.thinking)
      return true
    // Needed only to send the thinking back.
    case 'signature_delta':
      if (typeof delta.signature === 'string') answer.signature(delta.signature)
      return true
    case 'input_json_delta':
      if (typeof delta.partial_json === 'string')
        answer.call(typeof event.index === 'number' ? event.index : 0, {
          ...nameless,
          argumentsText: delta.partial_json,
        })
      return true
    default:
      return answer.unknown(event)
  }
}

const nameless = { id: '', name: '' }

/** With its stop reason the message is whole. */
function noteStop({ delta }: Event, answer: Answer): void {
  if (!isRecord(delta) || typeof delta.stop_reason !== 'string') return
  if (lengthReasons.has(delta.stop_reason)) answer.finishReason = 'length'
  if (delta.stop_reason === 'refusal') answer.finishReason = 'content-filter'
  if (typeof delta.stop_sequence === 'string') answer.stopSequence = delta.stop_sequence
  answer.complete = true
}

const lengthReasons: ReadonlySet<string> = new Set(['max_tokens', 'model_context_window_exceeded'])
