import { z } from 'zod'
import type { ContentPart } from '../core/chat-request.ts'
import { audioRefused, parseAttachment, parseFile } from './attachments.ts'
import { checkShape, invalidValue } from './check-shape.ts'

/** Reads one part of a content in the spelling of any dialect: OpenAI's two, Anthropic's, MCP's. Clients mix them: they keep one
 *  history for several vendors.
 *  @param at  its place in the client's notation
 *  @returns nothing for what says nothing to a model: thinking, and what the tools of a vendor's servers left
 *  @throws {InvalidRequestError} `invalid_value` with the place of the fault */
export async function parsePart(value: unknown, at: string): Promise<readonly ContentPart[]> {
  const part = checkShape(partSchema, value, at)
  switch (part.type) {
    case 'text':
    case 'input_text':
    case 'output_text':
    case 'summary_text':
    case 'reasoning_text':
      return [{ type: 'text', text: checkShape(textSchema, part, at).text }]
    case 'refusal':
      return [{ type: 'text', text: checkShape(refusalSchema, part, at).refusal }]
    case 'image_url':
    case 'input_image':
    case 'image':
      return [await parseImagePart(part, at)]
    case 'file':
    case 'input_file':
      return [await parseFilePart(part, at)]
    case 'document':
      return await parseDocument(part, at)
    case 'resource':
      return await parseResource(part, at)
    case 'resource_link':
      return [{ type: 'text', text: checkShape(linkSchema, part, at).uri }]
    case 'search_result':
      return await parseSearchResult(part, at)
    case 'tool_reference':
      return [{ type: 'text', text: checkShape(toolReferenceSchema, part, at).tool_name }]
    case 'input_audio':
    case 'audio':
      throw audioRefused(at)
    default:
      return []
  }
}

/** Whether `parsePart` reads parts of this type. */
export const isPartType = (type: unknown): boolean => knownTypes.has(type)

/** Whether parts of this type say nothing that is missed: the model's own thinking, and the marks of its steps. */
export const isSilentType = (type: unknown): boolean => silentTypes.has(type)

const knownTypes: ReadonlySet<unknown> = new Set([
  'text',
  'input_text',
  'output_text',
  'summary_text',
  'reasoning_text',
  'refusal',
  'image_url',
  'input_image',
  'image',
  'file',
  'input_file',
  'document',
  'resource',
  'resource_link',
  'search_result',
  'tool_reference',
  'input_audio',
  'audio',
])

const silentTypes: ReadonlySet<unknown> = new Set([
  'thinking',
  'redacted_thinking',
  'reasoning',
  'step-start',
  'step_start',
])

const partSchema = z.looseObject({ type: z.string() })
const textSchema = z.object({ text: z.string() })
const refusalSchema = z.object({ refusal: z.string() })
const linkSchema = z.object({ uri: z.string() })
const toolReferenceSchema = z.object({ tool_name: z.string() })

/** `{image_url}` as a string or an object, `{source}` of Anthropic, `{data, mimeType}` of MCP, `{image}` of the AI SDK. */
async function parseImagePart(part: unknown, at: string): Promise<ContentPart> {
  const { image_url, source, data, image, url, file_id, mimeType, media_type, mediaType } = checkShape(
    imageSchema,
    part,
    at,
  )
  const named = { mimeType: mimeType ?? media_type ?? mediaType ?? undefined }
  if (typeof image_url === 'string' && image_url) return parseAttachment(image_url, `${at}.image_url`, named)
  if (image_url && typeof image_url === 'object')
    return parseAttachment(image_url.url, `${at}.image_url.url`, named)
  if (source) return await parseImageSource(source, `${at}.source`)
  if (data) return await parseAttachment(data, `${at}.data`, named)
  if (image) return await parseAttachment(image, `${at}.image`, named)
  if (url) return await parseAttachment(url, `${at}.url`, named)
  if (file_id) throw notSupported(`${at}.file_id`, 'files by id', 'the image itself')
  throw invalidValue(`${at}.image_url`, 'expected an http(s) URL, data:image/...;base64,... or base64')
}

async function parseImageSource(source: z.infer<typeof imageSource>, at: string): Promise<ContentPart> {
  switch (source.type) {
    case 'base64':
      return await parseAttachment(source.data, `${at}.data`, { mimeType: source.media_type ?? undefined })
    case 'url':
      return await parseAttachment(source.url, `${at}.url`)
    case 'file':
      throw notSupported(`${at}.file_id`, 'files by id', 'the image itself as base64')
  }
}

/** Chat nests what Responses has flat. */
async function parseFilePart(part: unknown, at: string): Promise<ContentPart> {
  const given = checkShape(filePartSchema, part, at)
  const isNested = given.type === 'file' && given.file_data === undefined && given.file_id === undefined
  const { filename, file_data, file_id, file_url } = isNested
    ? checkShape(fileSchema, given.file, `${at}.file`)
    : given
  const place = isNested ? `${at}.file` : at
  if (typeof file_data === 'string' && file_data)
    return parseFile(filename ?? undefined, file_data, `${place}.file_data`)
  if (file_id) throw notSupported(`${place}.file_id`, 'files by id', 'the file itself as file_data')
  if (file_url) throw notSupported(`${place}.file_url`, 'files by URL', 'the file itself as file_data')
  throw invalidValue(`${place}.file_data`, 'expected data:...;base64,... or base64')
}

/** A document: a file, or its words. Title and context go in front of it. */
async function parseDocument(part: unknown, at: string): Promise<readonly ContentPart[]> {
  const { source, title, context } = checkShape(documentSchema, part, at)
  const place = `${at}.source`
  const head = headOf(title, context)
  switch (source.type) {
    case 'text':
      return [...head, { type: 'text', text: source.data }]
    case 'content':
      return [...head, ...(await parseParts(source.content, `${place}.content`))]
    case 'base64':
      return [...head, await parseFile(documentName(title), dataUrl(source), `${place}.data`)]
    case 'url':
      throw notSupported(`${place}.url`, 'documents by URL', 'the document itself as base64')
    case 'file':
      throw notSupported(`${place}.file_id`, 'files by id', 'the document itself as base64')
  }
}

function headOf(title: string | null | undefined, context: string | null | undefined): ContentPart[] {
  const lines = [title && `Document: ${title}`, context].filter(Boolean)
  return lines.length > 0 ? [{ type: 'text', text: lines.join('\n') }] : []
}

/** The site judges a file by its name too. */
function documentName(title: string | null | undefined): string {
  const name = title?.trim() || 'document'
  return /\.\w{1,5}$/.test(name) ? name : `${name}.pdf`
}

const dataUrl = ({ media_type, data }: { media_type?: string | null | undefined; data: string }): string =>
  media_type && !data.startsWith('data:') ? `data:${media_type};base64,${data}` : data

/** MCP's: a text, or bytes. */
async function parseResource(part: unknown, at: string): Promise<readonly ContentPart[]> {
  const { uri, text, blob, mimeType } = checkShape(resourceSchema, part, at).resource
  if (typeof text === 'string') return [{ type: 'text', text }]
  if (typeof blob !== 'string') return []
  const named = { name: uri ?? undefined, mimeType: mimeType ?? undefined }
  return [await parseAttachment(blob, `${at}.resource.blob`, named)]
}

async function parseSearchResult(part: unknown, at: string): Promise<readonly ContentPart[]> {
  const { title, source, content } = checkShape(searchResultSchema, part, at)
  const head = { type: 'text', text: `Search result: ${title} (${source})` } as const
  return [head, ...(await parseParts(content, `${at}.content`))]
}

/** A string, a list of parts or nothing. */
async function parseParts(content: unknown, at: string): Promise<readonly ContentPart[]> {
  if (content === null || content === undefined) return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw invalidValue(at, 'expected a string or a list of parts')
  const parts: ContentPart[] = []
  for (const [index, value] of content.entries()) parts.push(...(await parsePart(value, `${at}[${index}]`)))
  return parts
}

const notSupported = (at: string, what: string, instead: string) =>
  invalidValue(at, `${what} are not supported; send ${instead}`)

const imageSource = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('base64'), data: z.string(), media_type: z.string().max(128).nullish() }),
    z.object({ type: z.literal('url'), url: z.string() }),
    z.object({ type: z.literal('file') }),
  ],
  { error: 'expected a source of type base64 or url' },
)

const imageSchema = z.object({
  image_url: z
    .union([z.string(), z.object({ url: z.string() })], { error: 'expected a URL, or an object with a url' })
    .nullish(),
  source: imageSource.nullish(),
  data: z.string().nullish(),
  image: z.string().nullish(),
  url: z.string().nullish(),
  file_id: z.string().nullish(),
  mimeType: z.string().max(128).nullish(),
  media_type: z.string().max(128).nullish(),
  mediaType: z.string().max(128).nullish(),
})

const fileSchema = z.object({
  filename: z.string().nullish(),
  file_data: z.string().nullish(),
  file_id: z.string().nullish(),
  file_url: z.string().nullish(),
})

const filePartSchema = fileSchema.extend({ type: z.string(), file: z.unknown().optional() })

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

const resourceSchema = z.object({
  resource: z.object({
    uri: z.string().nullish(),
    text: z.string().nullish(),
    blob: z.string().nullish(),
    mimeType: z.string().max(128).nullish(),
  }),
})

const searchResultSchema = z.object({
  title: z.string(),
  source: z.string(),
  content: z.unknown().optional(),
})
