import type { ChatMessage, ContentPart } from '../core/chat-request.ts'
import type { MediaRequest } from '../core/media-request.ts'
import type { StoredFiles } from './upload-files.ts'

/** What goes into an ask's body besides its request. */
export interface EncodeOptions {
  readonly chatId?: string | undefined
  readonly token?: string | undefined
  readonly files?: StoredFiles | undefined
}

export type WireContent = string | readonly WirePart[]

type WirePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } }
  | { readonly type: 'private_file'; readonly private_file: object }

/** The parts of a message in the form that both generations take: a string, or parts with images as data URLs and files by
 *  where they were uploaded to. Source: WIRE 4.5, 5.2 */
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

/** The one message of an image or video ask: the prompt, after the pictures that it is about. Source: WIRE 4.3, 5.2 */
export function mediaMessage({ prompt, images }: MediaRequest): ChatMessage {
  return { role: 'user', parts: [...images, { type: 'text', text: prompt }] }
}

/** The ratio nearest to the wanted one among those that a generation knows.
 *  @param wanted  e.g. `16:9`  @returns undefined for anything that is no ratio, e.g. `auto` */
export function nearestAspectRatio(wanted: string | undefined, known: readonly string[]): string | undefined {
  const logarithm = logarithmOf(wanted ?? '')
  if (Number.isNaN(logarithm)) return undefined
  const distance = (ratio: string) => Math.abs(logarithmOf(ratio) - logarithm)
  return known.toSorted((one, other) => distance(one) - distance(other))[0]
}

/** Makes 2:1 as far from 1:1 as 1:2 is. */
function logarithmOf(ratio: string): number {
  const [width, height] = ratio.split(':').map(Number)
  return Number(width) > 0 && Number(height) > 0 ? Math.log(Number(width) / Number(height)) : Number.NaN
}
