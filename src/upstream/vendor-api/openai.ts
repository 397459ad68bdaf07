import type { ChatMessage, ChatPrompt, ContentPart } from '../../core/chat-request.ts'
import type { Answer } from '../answer.ts'
import { isRecord, parseUsage } from '../decode-parts.ts'
import { encodeContent, encodePart } from '../encode-parts.ts'
import { recogniseStreamError, recogniseWallMark } from './vendor-failures.ts'

/** The body of a chat in OpenAI's style, always with the whole history. The surface is known to have neither web search nor
 *  mixtures: the first model of a mixture, which leads it, is asked. Source: WIRE 11 */
export function encodeOpenAiChat({ model, messages }: ChatPrompt) {
  return { model: model.upstreamIds.agent[0], messages: messages.map(encodeMessage), stream: true }
}

function encodeMessage({ role, parts }: ChatMessage) {
  const hasFiles = parts.some((part) => part.type === 'file')
  return { role, content: hasFiles ? parts.map(encodeAnyPart) : encodeContent(parts) }
}

/** A file goes within the message, as OpenAI has it: keys have no storage to upload to. */
function encodeAnyPart(part: ContentPart): object {
  if (part.type !== 'file') return encodePart(part)
  const { name, mimeType, base64 } = part
  return { type: 'file', file: { filename: name, file_data: `data:${mimeType};base64,${base64}` } }
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
  const delta = isRecord(choice.delta) ? choice.delta : {}
  if (typeof delta.reasoning_content === 'string') answer.reasoning(delta.reasoning_content)
  if (typeof delta.content === 'string') answer.text(delta.content)
  if (typeof choice.finish_reason === 'string') {
    if (choice.finish_reason === 'length') answer.finishReason = 'length'
    answer.closed = true
  }
  return true
}
