import { z } from 'zod'
import type { ContentPart } from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { parseFile } from '../parse-attachment.ts'

/** A document: a file, or its words. Title and context go in front of it.
 *  @param parseContent  for a document that is made of blocks itself
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseDocument(
  value: unknown,
  at: string,
  parseContent: (content: unknown, at: string) => Promise<readonly ContentPart[]>,
): Promise<readonly ContentPart[]> {
  const { source, title, context } = checkShape(documentSchema, value, at)
  const place = `${at}.source`
  const head = headOf(title, context)
  switch (source.type) {
    case 'text':
      return [...head, { type: 'text', text: source.data }]
    case 'content':
      return [...head, ...(await parseContent(source.content, `${place}.content`))]
    case 'base64':
      return [...head, await parseFile(fileName(title), dataUrl(source), `${place}.data`)]
    case 'url':
      throw invalidValue(`${place}.url`, 'only pictures are fetched; send the document itself as base64')
    case 'file':
      throw invalidValue(`${place}.file_id`, 'no files are kept here; send the document itself as base64')
  }
}

function headOf(title: string | null | undefined, context: string | null | undefined): ContentPart[] {
  const lines = [title && `Document: ${title}`, context].filter(Boolean)
  return lines.length > 0 ? [{ type: 'text', text: lines.join('\n') }] : []
}

/** The site judges a file by its name too. */
function fileName(title: string | null | undefined): string {
  const name = title?.trim() || 'document'
  return /\.\w{1,5}$/.test(name) ? name : `${name}.pdf`
}

const dataUrl = ({ media_type, data }: { media_type?: string | null | undefined; data: string }): string =>
  media_type ? `data:${media_type};base64,${data}` : data

const documentSchema = z.object({
  title: z.string().nullish(),
  context: z.string().nullish(),
  source: z.discriminatedUnion(
    'type',
    [
      z.object({ type: z.literal('base64'), media_type: z.string().max(128).nullish(), data: z.string() }),
      z.object({ type: z.literal('text'), data: z.string() }),
      z.object({ type: z.literal('content'), content: z.unknown() }),
      z.object({ type: z.literal('url') }),
      z.object({ type: z.literal('file') }),
    ],
    { error: 'expected a source of type base64, text or content' },
  ),
})
