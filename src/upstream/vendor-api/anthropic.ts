import type { ChatMessage, ChatPrompt, ChatRole, ContentPart } from '../../core/chat-request.ts'
import type { Answer, DecodeEvent } from '../answer.ts'
import { isCount, isRecord } from '../decode-parts.ts'
import { recogniseStreamError, recogniseWallMark } from './vendor-failures.ts'

/** The style demands a limit, thinking included, and refuses one above the model's own; every Claude since 4 takes this one. */
const maxTokens = 32_000

interface Turn {
  readonly role: ChatRole
  readonly content: (object | undefined)[]
}

/** The body of a chat in Anthropic's style, always with the whole history: the system's words apart, the others' in turns.
 *  @returns undefined where the style has no form for it: files other than PDF, pictures that are not the user's, turns that
 *  do not begin and end with the user's. Source: WIRE 11, platform.claude.com/docs/en/api/messages */
export function encodeAnthropicChat({ model, messages }: ChatPrompt) {
  const system = messages.filter(isOfSystem).flatMap(encodeParts)
  const turns = encodeTurns(messages)
  const blocks = [...system, ...turns.flatMap(({ content }) => content)]
  if (blocks.includes(undefined)) return undefined
  if (turns.at(0)?.role !== 'user' || turns.at(-1)?.role !== 'user') return undefined
  return {
    model: model.upstreamIds.agent[0],
    max_tokens: maxTokens,
    ...(system.length > 0 && { system }),
    messages: turns,
    stream: true,
  }
}

/** Turns must alternate, so messages of one role in a row are merged. */
function encodeTurns(messages: readonly ChatMessage[]): Turn[] {
  const turns: Turn[] = []
  for (const message of messages) {
    const content = encodeParts(message)
    if (isOfSystem(message) || content.length === 0) continue
    const last = turns.at(-1)
    if (last?.role === message.role) for (const block of content) last.content.push(block)
    else turns.push({ role: message.role, content })
  }
  return turns
}

const isOfSystem = ({ role }: ChatMessage): boolean => role === 'system'

/** Blank text is refused and says nothing. */
const encodeParts = ({ role, parts }: ChatMessage): (object | undefined)[] =>
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
  let promptTokens: number | undefined

  return (event, answer) => {
    const failure = recogniseWallMark(event) ?? recogniseStreamError(event)
    if (failure) throw failure
    switch (event.type) {
      case 'content_block_delta':
        return addDelta(event, answer)
      case 'message_start':
        if (isRecord(event.message)) {
          if (typeof event.message.model === 'string') answer.servedModel = event.message.model
          promptTokens = promptTokensOf(event.message.usage)
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
    if (promptTokens !== undefined && isCount(completion))
      answer.usage = { prompt: promptTokens, completion, reasoning: 0 }
  }
}

/** Prompt tokens written to or read from the cache are counted apart. */
function promptTokensOf(usage: unknown): number | undefined {
  if (!isRecord(usage) || !isCount(usage.input_tokens)) return undefined
  const cached = [usage.cache_creation_input_tokens, usage.cache_read_input_tokens].filter(isCount)
  return cached.reduce((sum, count) => sum + count, usage.input_tokens)
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
      return true
    default:
      return answer.unknown(event)
  }
}

/** With its stop reason the message is whole. */
function noteStop({ delta }: Event, answer: Answer): void {
  if (!isRecord(delta) || typeof delta.stop_reason !== 'string') return
  if (lengthReasons.has(delta.stop_reason)) answer.finishReason = 'length'
  answer.complete = true
}

const lengthReasons: ReadonlySet<string> = new Set(['max_tokens', 'model_context_window_exceeded'])
