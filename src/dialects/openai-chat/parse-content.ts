import { z } from 'zod'
import type { ContentPart } from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { parseFile, parseImage } from '../parse-attachment.ts'

/** The content of a message: a string or a list of parts.
 *  @param at  its place, e.g. `messages[2].content`
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseContent(content: unknown, at: string): Promise<readonly ContentPart[]> {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (Array.isArray(content)) return await parseParts(content, at)
  throw invalidValue(at, 'expected a string or a list of parts')
}

/** One by one, so that the first fault is the first in the list and nothing behind it is looked at. */
async function parseParts(values: readonly unknown[], at: string): Promise<readonly ContentPart[]> {
  const parts: ContentPart[] = []
  for (const [index, value] of values.entries()) parts.push(await parsePart(value, `${at}[${index}]`))
  return parts
}

function parsePart(value: unknown, at: string): ContentPart | Promise<ContentPart> {
  const part = checkShape(partSchema, value, at)
  switch (part.type) {
    case 'text':
      return part
    case 'refusal':
      return { type: 'text', text: part.refusal }
    case 'image_url':
      return typeof part.image_url === 'string'
        ? parseImage(part.image_url, `${at}.image_url`)
        : parseImage(part.image_url.url, `${at}.image_url.url`)
    case 'file':
      return parseFilePart(part.file, `${at}.file`)
    case 'input_audio':
      throw invalidValue(at, 'the site does not take audio; send its transcript as text')
  }
}

function parseFilePart({ filename, file_data, file_id }: GivenFile, at: string): Promise<ContentPart> {
  if (typeof file_data === 'string') return parseFile(filename ?? undefined, file_data, `${at}.file_data`)
  if (file_id)
    throw invalidValue(`${at}.file_id`, 'no files are kept here; send the file itself as file_data')
  throw invalidValue(`${at}.file_data`, 'expected data:...;base64,... or base64')
}

const fileSchema = z.object({
  filename: z.string().nullish(),
  file_data: z.string().nullish(),
  file_id: z.string().nullish(),
})

type GivenFile = z.infer<typeof fileSchema>

const partSchema = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text'), text: z.string() }),
    z.object({ type: z.literal('refusal'), refusal: z.string() }),
    z.object({
      type: z.literal('image_url'),
      image_url: z.union([z.string(), z.object({ url: z.string() })]),
    }),
    z.object({ type: z.literal('file'), file: fileSchema }),
    z.object({ type: z.literal('input_audio') }),
  ],
  { error: 'this service takes parts of type text, image_url and file only' },
)

const partTypes: ReadonlySet<unknown> = new Set(partSchema.options.map(({ shape }) => shape.type.value))

/** Whether this says of itself that it is a part, right or wrong. */
export const isPart = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'type' in value && partTypes.has(value.type)
