import { z } from 'zod'
import type { ContentPart } from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'

/** The content of a message: a string, a list of parts or, where `mayBeEmpty`, nothing.
 *  @param at  its place, e.g. `messages[2].content`
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseContent(content: unknown, at: string, mayBeEmpty: boolean): ContentPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (Array.isArray(content)) return content.map((part, index) => parsePart(part, `${at}[${index}]`))
  if (mayBeEmpty && (content === null || content === undefined)) return []
  throw invalidValue(at, 'expected a string or a list of parts')
}

function parsePart(value: unknown, at: string): ContentPart {
  const part = checkShape(partSchema, value, at)
  switch (part.type) {
    case 'text':
      return part
    case 'refusal':
      return { type: 'text', text: part.refusal }
    case 'image_url':
      return typeof part.image_url === 'string'
        ? parseDataUrl(part.image_url, `${at}.image_url`)
        : parseDataUrl(part.image_url.url, `${at}.image_url.url`)
  }
}

const partSchema = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text'), text: z.string() }),
    z.object({ type: z.literal('refusal'), refusal: z.string() }),
    z.object({
      type: z.literal('image_url'),
      image_url: z.union([z.string(), z.object({ url: z.string() })]),
    }),
  ],
  { error: 'this service takes parts of type text and image_url only' },
)

/** The head of a data URL is short; what has no comma in so many characters is none. */
const maxHeadLength = 256

function parseDataUrl(url: string, at: string): ContentPart {
  if (!/^data:/i.test(url)) throw invalidValue(at, 'only data: URLs are taken, not links')
  const comma = url.slice(0, maxHeadLength).indexOf(',')
  const head = /^data:(image\/[\w.+-]+)(?:;[^;,]+)*;base64$/i.exec(url.slice(0, Math.max(comma, 0)))
  if (!head?.[1]) throw invalidValue(at, 'expected data:image/...;base64,...')
  const base64 = url.slice(comma + 1)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw invalidValue(at, 'the image is not valid base64')
  return { type: 'image', mimeType: head[1].toLowerCase(), base64 }
}
