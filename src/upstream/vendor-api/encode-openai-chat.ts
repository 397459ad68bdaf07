import type { ChatMessage, ChatPrompt, ContentPart } from '../../core/chat-request.ts'
import { encodeContent, encodePart } from '../encode-content.ts'

/** The body of a chat in OpenAI's style, always with the whole history. The surface is known to have neither web search nor
 *  mixtures: the first model of a mixture, which leads it, is asked. Source: UPSTREAM 11 */
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
