import type { ContentPart } from '../core/chat-request.ts'
import { parseAttachment } from './attachments.ts'
import { isPartType, isSilentType, parsePart } from './parts.ts'

/** What a tool gave back, in any wrapping: words, parts of any dialect, an MCP result, any other value, which becomes JSON. A
 *  picture in it is a picture for the model, however deep it lies and even in a text of JSON: as words its base64 would be a
 *  million tokens.
 *  @param at  its place in the client's notation
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseToolOutput(given: unknown, at: string): Promise<readonly ContentPart[]> {
  if (given === null || given === undefined) return []
  if (typeof given === 'string') return await parseText(given, at)
  const parts = await partsOf(given, at)
  return parts ?? (await jsonWithPictures(given, at)).parts
}

/** A list of parts, one part, or MCP's `{content: [parts]}`. @returns undefined for any other value */
async function partsOf(given: unknown, at: string): Promise<readonly ContentPart[] | undefined> {
  if (isRecord(given) && Array.isArray(given.content) && given.type === undefined)
    return await partsOf(given.content, `${at}.content`)
  if (isRecord(given) && isPicture(given)) return await parsePart(given, at)
  if (!Array.isArray(given) || !given.every(isPart)) return undefined
  const parts: ContentPart[] = []
  for (const [index, value] of given.entries()) {
    if (typeof value.text === 'string' && value.type === 'text')
      parts.push(...(await parseText(value.text, `${at}[${index}]`)))
    else parts.push(...(await parsePart(value, `${at}[${index}]`)))
  }
  return parts
}

/** A text that is a picture: a data URL, or JSON with one in it. Any other text is left as it is. */
async function parseText(text: string, at: string): Promise<readonly ContentPart[]> {
  if (text.length >= minPicture && /^\s*data:[\w.+-]+\/[\w.+-]+;base64,/i.test(text.slice(0, 200))) {
    const part = await attachmentOf(text, at)
    if (part) return [part]
  }
  if (text.length >= minPicture && /^\s*[[{]/.test(text)) {
    const value = parseJson(text)
    const parts = value === undefined ? undefined : await jsonWithPictures(value, at)
    if (parts?.found) return (await partsOf(value, at)) ?? parts.parts
  }
  return [{ type: 'text', text }]
}

/** Takes the pictures out of a value, and a mark in its JSON tells where each was. */
async function jsonWithPictures(
  value: unknown,
  at: string,
): Promise<{ readonly found: boolean; readonly parts: readonly ContentPart[] }> {
  const attachments: ContentPart[] = []

  async function walk(given: unknown): Promise<unknown> {
    if (typeof given === 'string') return given.length < minPicture ? given : await takeOut(given)
    if (Array.isArray(given)) {
      const list: unknown[] = []
      for (const each of given) list.push(await walk(each))
      return list
    }
    if (!isRecord(given)) return given
    const record: Record<string, unknown> = {}
    for (const [key, each] of Object.entries(given)) record[key] = await walk(each)
    return record
  }

  async function takeOut(text: string): Promise<string> {
    if (!looksEncoded(text)) return text
    const part = await attachmentOf(text, at)
    if (!part) return text
    attachments.push(part)
    return `[attachment ${attachments.length}]`
  }

  const text = JSON.stringify(await walk(value))
  return { found: attachments.length > 0, parts: [{ type: 'text', text }, ...attachments] }
}

/** A string that is shorter is cheap as words too. In UTF-16 units. */
const minPicture = 64

/** A long run of base64, or a data URL. */
const looksEncoded = (text: string): boolean =>
  /^\s*data:[\w.+-]+\/[\w.+-]+;base64,/i.test(text.slice(0, 200)) ||
  (/^[A-Za-z0-9+/_\s-]{64}/.test(text) && !/\s\S{1,20}\s/.test(text.slice(0, 200)))

/** @returns undefined for what is no picture and no file of a type with a mark of its own */
async function attachmentOf(text: string, at: string): Promise<ContentPart | undefined> {
  try {
    const part = await parseAttachment(text.trim(), at)
    const isWords = part.type === 'file' && part.mimeType.startsWith('text/')
    return isWords || part.type === 'image-url' ? undefined : part
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isPart = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isRecord(value) && (isPartType(value.type) || isSilentType(value.type))

const isPicture = ({ type }: Readonly<Record<string, unknown>>): boolean =>
  type === 'image' || type === 'image_url' || type === 'input_image'

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
