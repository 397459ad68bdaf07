import type { ChatRequest, ChatTurn, ContentPart, OutputFormat, ToolUse } from '../../core/chat-request.ts'
import type { Answer } from '../answer.ts'
import { isRecord, parseUsage } from '../decode-parts.ts'
import { encodeContent, encodePart } from '../encode-parts.ts'
import { nearestLevel, takesTemperature } from './reasoning-levels.ts'
import { recogniseStreamError, recogniseWallMark } from './vendor-failures.ts'

/** The body of a chat in OpenAI's style, always with the whole history and in the style's own fields. The surface is known to
 *  have neither web search nor mixtures: the first model of a mixture, which leads it, is asked. Source: WIRE 11 */
export function encodeOpenAiChat(request: ChatRequest, efforts?: readonly string[]) {
  const { tools, output, stop, maxTokens, sampling = {} } = request
  const model = request.model.upstreamIds.agent[0] ?? request.model.id
  const { temperature, topP, seed, effort } = sampling
  const level = effort === undefined ? undefined : nearestLevel(model, effort, efforts)
  return {
    model,
    messages: request.messages.flatMap((turn) => encodeTurn(turn, model)),
    ...(tools && encodeTools(tools)),
    ...(output && { response_format: encodeFormat(output) }),
    ...(stop?.length && { stop }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(temperature !== undefined && takesTemperature(model) && { temperature }),
    ...(topP !== undefined && takesTemperature(model) && { top_p: topP }),
    ...(seed !== undefined && { seed }),
    ...(level !== undefined && { reasoning_effort: level }),
    stream: true,
    stream_options: { include_usage: true },
  }
}

function encodeTurn(turn: ChatTurn, model: string): object[] {
  if (turn.role === 'tool') return encodeResult(turn)
  const { role, parts, thoughts } = turn
  const calls = 'toolCalls' in turn ? turn.toolCalls : []
  const reasoning = wantsReasoningBack(model) ? (thoughts ?? []).map(({ text }) => text).join('') : ''
  return [
    {
      role,
      content: calls.length > 0 && parts.length === 0 ? null : encodeAnyContent(parts),
      ...(reasoning && { reasoning_content: reasoning }),
      ...(calls.length > 0 && {
        tool_calls: calls.map(({ id, name, argumentsText }) => ({
          id,
          type: 'function',
          function: { name, arguments: argumentsText },
        })),
      }),
    },
  ]
}

/** These models refuse a history without what they thought in it. Source: WIRE 11.2 */
const wantsReasoningBack = (model: string): boolean => /^(?:minimax-m|deep-?seek-v4)/.test(model)

/** A result is words; what else a tool gave follows as the user's. */
function encodeResult({ callId, parts }: Extract<ChatTurn, { role: 'tool' }>): object[] {
  const texts = parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  const others = parts.filter(({ type }) => type !== 'text')
  const result = { role: 'tool', tool_call_id: callId, content: texts.join('\n') }
  return others.length === 0 ? [result] : [result, { role: 'user', content: others.map(encodeAnyPart) }]
}

function encodeAnyContent(parts: readonly ContentPart[]) {
  return parts.some((part) => part.type === 'file') ? parts.map(encodeAnyPart) : encodeContent(parts)
}

/** A file goes within the message, as OpenAI has it: keys have no storage to upload to. */
function encodeAnyPart(part: ContentPart): object {
  if (part.type !== 'file') return encodePart(part)
  const { name, mimeType, base64 } = part
  return { type: 'file', file: { filename: name, file_data: `data:${mimeType};base64,${base64}` } }
}

function encodeTools({ definitions, choice, parallel }: ToolUse) {
  return {
    tools: definitions.map(({ name, description, parameters, strict }) => ({
      type: 'function',
      function: { name, ...(description && { description }), parameters, ...(strict && { strict }) },
    })),
    tool_choice:
      choice.type === 'named' ? { type: 'function', function: { name: choice.name } } : choice.type,
    ...(!parallel && { parallel_tool_calls: false }),
  }
}

function encodeFormat(output: OutputFormat) {
  if (output.type === 'json-object') return { type: 'json_object' }
  const { name, description, schema } = output
  return {
    type: 'json_schema',
    json_schema: { name, ...(description && { description }), schema, strict: true },
  }
}

/** The grammar of OpenAI's chunks; `[DONE]` is none. Contract: `DecodeEvent`. Source: WIRE 11 */
export function decodeOpenAiChunk(event: Readonly<Record<string, unknown>>, answer: Answer): boolean {
  const failure = recogniseWallMark(event) ?? recogniseStreamError(event)
  if (failure) throw failure
  const { choices, model, usage } = event
  if (!Array.isArray(choices)) return answer.unknown(event)
  if (typeof model === 'string') answer.servedModel = model
  answer.usage = parseUsage(usage) ?? answer.usage
  const [choice] = choices
  // The chunk that tells the usage has none.
  if (!isRecord(choice)) return false
  addDelta(isRecord(choice.delta) ? choice.delta : {}, answer)
  noteFinish(choice.finish_reason, answer)
  return true
}

/** A completion in the place of a stream. @returns whether it is one */
export function decodeOpenAiCompletion(reply: unknown, answer: Answer): boolean {
  if (!isRecord(reply) || !Array.isArray(reply.choices)) return false
  const [choice] = reply.choices
  if (!isRecord(choice) || !isRecord(choice.message)) return false
  const failure = recogniseWallMark(reply)
  if (failure) throw failure
  if (typeof reply.model === 'string') answer.servedModel = reply.model
  answer.usage = parseUsage(reply.usage)
  addDelta(choice.message, answer)
  noteFinish(choice.finish_reason, answer)
  answer.closed = true
  return true
}

function addDelta(delta: Readonly<Record<string, unknown>>, answer: Answer): void {
  if (typeof delta.reasoning_content === 'string') answer.reasoning(delta.reasoning_content)
  if (typeof delta.content === 'string') answer.text(delta.content)
  if (!Array.isArray(delta.tool_calls)) return
  for (const [position, call] of delta.tool_calls.entries()) {
    if (!isRecord(call)) continue
    const called = isRecord(call.function) ? call.function : {}
    answer.call(typeof call.index === 'number' ? call.index : position, {
      id: stringOf(call.id),
      name: stringOf(called.name),
      argumentsText: stringOf(called.arguments),
    })
  }
}

const stringOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function noteFinish(reason: unknown, answer: Answer): void {
  if (typeof reason !== 'string') return
  if (reason === 'length') answer.finishReason = 'length'
  if (reason === 'content_filter') answer.finishReason = 'content-filter'
  answer.closed = true
}
