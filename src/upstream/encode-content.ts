import type { ChatMessage } from '../core/chat-request.ts'

export type WireContent = string | readonly WirePart[]

type WirePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } }

/** A message's content in the form that both generations take: a string, or parts with images as data URLs.
 *  @param imageType  the label of every image, where it must be one  Source: UPSTREAM 4.5, 5.2 */
export function encodeContent({ parts }: ChatMessage, imageType?: string): WireContent {
  const [first] = parts
  if (first === undefined) return ''
  if (parts.length === 1 && first.type === 'text') return first.text
  return parts.map((part) =>
    part.type === 'text'
      ? part
      : { type: 'image_url', image_url: { url: `data:${imageType ?? part.mimeType};base64,${part.base64}` } },
  )
}
