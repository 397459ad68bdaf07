import { z } from 'zod'
import type { ContentPart } from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { parseFile, parseImage } from '../parse-attachment.ts'

/** The content of a message, or what a tool gave back: a string or a list of parts.
 *  @param at  its place, e.g. `input[2].content`
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseContent(content: unknown, at: string): Promise<readonly ContentPart[]> {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw invalidValue(at, 'expected a string or a list of parts')
  const parts: ContentPart[] = []
  for (const [index, value] of content.entries()) parts.push(await parsePart(value, `${at}[${index}]`))
  return parts
}

function parsePart(value: unknown, at: string): ContentPart | Promise<ContentPart> {
  const part = checkShape(partSchema, value, at)
  switch (part.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: part.text }
    case 'refusal':
      return { type: 'text', text: part.refusal }
    case 'input_image':
      if (part.image_url) return parseImage(part.image_url, `${at}.image_url`)
      throw noFiles(`${at}.${part.file_id ? 'file_id' : 'image_url'}`, 'the picture itself as image_url')
    case 'input_file':
      if (part.file_data) return parseFile(part.filename ?? undefined, part.file_data, `${at}.file_data`)
      throw noFiles(`${at}.${whereFileIs(part)}`, 'the file itself as file_data')
    case 'input_audio':
      throw invalidValue(at, 'the site does not take audio; send its transcript as text')
  }
}

const noFiles = (at: string, instead: string) =>
  invalidValue(at, `no files are kept or fetched here; send ${instead}`)

const whereFileIs = ({ file_id, file_url }: { file_id?: unknown; file_url?: unknown }): string =>
  file_id ? 'file_id' : file_url ? 'file_url' : 'file_data'

const partSchema = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal(['input_text', 'output_text', 'text']), text: z.string() }),
    z.object({ type: z.literal('refusal'), refusal: z.string() }),
    z.object({
      type: z.literal('input_image'),
      image_url: z.string().nullish(),
      file_id: z.string().nullish(),
    }),
    z.object({
      type: z.literal('input_file'),
      filename: z.string().nullish(),
      file_data: z.string().nullish(),
      file_id: z.string().nullish(),
      file_url: z.string().nullish(),
    }),
    z.object({ type: z.literal('input_audio') }),
  ],
  {
    error:
      'this service takes parts of type input_text, output_text, refusal, input_image and input_file only',
  },
)

const partTypes: ReadonlySet<unknown> = new Set(
  partSchema.options.flatMap(({ shape }): unknown[] => [...shape.type.values]),
)

/** Whether this says of itself that it is a part, right or wrong. */
export const isPart = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'type' in value && partTypes.has(value.type)
