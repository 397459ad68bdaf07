import type { ChatMessage } from '../core/chat-request.ts'
import type { MediaRequest } from '../core/media-request.ts'

/** The one message of an image or video ask: the prompt, after the pictures that it is about. Source: UPSTREAM 4.3, 5.2 */
export function mediaMessage({ prompt, images }: MediaRequest): ChatMessage {
  return { role: 'user', parts: [...images, { type: 'text', text: prompt }] }
}
