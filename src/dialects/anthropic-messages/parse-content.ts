import { z } from 'zod'
import type { ContentPart } from '../../core/chat-request.ts'
import { parseFile, parseImage } from '../attachments.ts'
import { checkShape, invalidValue } from '../check-shape.ts'

/** Content without calls: a string, blocks or nothing.
 *  @param at  its place, e.g. `messages[2].content`
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseContent(content: unknown, at: string): Promise<readonly ContentPart[]> {
  if (content === null || content === undefined) return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw invalidValue(at, 'expected a string or a list of blocks')
  const parts: ContentPart[] = []
  for (const [index, block] of content.entries()) parts.push(...(await parseBlock(block, `${at}[${index}]`)))
  return joinTextLines(parts)
}

/** Joins neighbouring texts, each on a line of its own: clients cut a text into blocks mostly to have it cached, and a message of a
 *  single text stays a string on the wire. */
export function joinTextLines(parts: readonly ContentPart[]): readonly ContentPart[] {
  const joined: ContentPart[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (part.type === 'text' && last?.type === 'text')
      joined[joined.length - 1] = { type: 'text', text: `${last.text}\n${part.text}` }
    else joined.push(part)
  }
  return joined
}

/** What a block says to the model. Left out are thinking, which is the model's own, and the blocks of server tools: this service
 *  runs none, and the text around them holds their results.
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseBlock(value: unknown, at: string): Promise<readonly ContentPart[]> {
  const { type } = checkShape(typedSchema, value, at)
  switch (type) {
    case 'text':
      return [checkShape(textSchema, value, at)]
    case 'image':
      return [await parseImageBlock(value, at)]
    case 'document':
      return await parseDocument(value, at)
    case 'search_result':
      return await parseSearchResult(value, at)
    case 'tool_reference':
      return [{ type: 'text', text: checkShape(toolReferenceSchema, value, at).tool_name }]
    default:
      return []
  }
}

async function parseImageBlock(value: unknown, at: string): Promise<ContentPart> {
  const { source } = checkShape(imageSchema, value, at)
  switch (source.type) {
    case 'base64':
      return await parseImage(source.data, `${at}.source.data`, { bare: true })
    case 'url':
      return await parseImage(source.url, `${at}.source.url`)
    case 'file':
      throw invalidValue(`${at}.source.file_id`, 'no files are kept here; send the picture itself as base64')
  }
}

/** A document: a file, or its words. Title and context go in front of it. */
async function parseDocument(value: unknown, at: string): Promise<readonly ContentPart[]> {
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

async function parseSearchResult(value: unknown, at: string): Promise<readonly ContentPart[]> {
  const { title, source, content } = checkShape(searchResultSchema, value, at)
  const head = { type: 'text', text: `Search result: ${title} (${source})` } as const
  return [head, ...(await parseContent(content, `${at}.content`))]
}

const typedSchema = z.object({ type: z.string() })

const textSchema = z.object({ type: z.literal('text'), text: z.string() })

const imageSchema = z.object({
  source: z.discriminatedUnion(
    'type',
    [
      z.object({ type: z.literal('base64'), data: z.string() }),
      z.object({ type: z.literal('url'), url: z.string() }),
      z.object({ type: z.literal('file') }),
    ],
    { error: 'expected a source of type base64 or url' },
  ),
})

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

const searchResultSchema = z.object({
  title: z.string(),
  source: z.string(),
  content: z.unknown().optional(),
})

const toolReferenceSchema = z.object({ tool_name: z.string() })
