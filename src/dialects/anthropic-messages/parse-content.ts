import { z } from 'zod'
import type { ContentPart } from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { parseImage } from '../parse-attachment.ts'
import { joinTexts } from './join-texts.ts'
import { parseDocument } from './parse-document.ts'

/** Content without calls: a string, blocks or nothing.
 *  @param at  its place, e.g. `messages[2].content`
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseContent(content: unknown, at: string): Promise<readonly ContentPart[]> {
  if (content === null || content === undefined) return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw invalidValue(at, 'expected a string or a list of blocks')
  const parts: ContentPart[] = []
  for (const [index, block] of content.entries()) parts.push(...(await parseBlock(block, `${at}[${index}]`)))
  return joinTexts(parts)
}

/** What a block says to the model. Thinking was the model's own; the blocks of server tools tell of work that this service does
 *  not do, and the words of the answer around them hold what came of it.
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseBlock(value: unknown, at: string): Promise<readonly ContentPart[]> {
  const { type } = checkShape(typedSchema, value, at)
  switch (type) {
    case 'text':
      return [checkShape(textSchema, value, at)]
    case 'image':
      return [await parseImageBlock(value, at)]
    case 'document':
      return await parseDocument(value, at, parseContent)
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

const searchResultSchema = z.object({
  title: z.string(),
  source: z.string(),
  content: z.unknown().optional(),
})

const toolReferenceSchema = z.object({ tool_name: z.string() })
