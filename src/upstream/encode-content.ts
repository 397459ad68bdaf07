import type { ContentPart } from '../core/chat-request.ts'
import type { StoredFiles } from './upload-files.ts'

export type WireContent = string | readonly WirePart[]

type WirePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } }
  | { readonly type: 'private_file'; readonly private_file: object }

/** The parts of a message in the form that both generations take: a string, or parts with images as data URLs and files by
 *  where they were uploaded to. Source: UPSTREAM 4.5, 5.2 */
export function encodeContent(parts: readonly ContentPart[], files?: StoredFiles): WireContent {
  const [first] = parts
  if (first === undefined) return ''
  if (parts.length === 1 && first.type === 'text') return first.text
  return parts.map((part) => encodePart(part, files))
}

export function encodePart(part: ContentPart, files?: StoredFiles): WirePart {
  switch (part.type) {
    case 'text':
      return part
    case 'image':
      return { type: 'image_url', image_url: { url: `data:${part.mimeType};base64,${part.base64}` } }
    case 'file':
      return { type: 'private_file', private_file: files?.get(part) ?? notReady(part.type) }
    case 'image-url':
      return notReady(part.type)
    default:
      return part satisfies never
  }
}

function notReady(type: ContentPart['type']): never {
  throw new Error(`a part of type ${type} came to the wire as it was`)
}
