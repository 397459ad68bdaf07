import { isUtf8 } from 'node:buffer'
import type { ContentPart, FilePart, ImagePart } from '../core/chat-request.ts'
import type { InvalidRequestError } from '../core/errors.ts'
import { sniffImage, sniffMime } from '../core/sniff-mime.ts'
import { invalidValue } from './check-shape.ts'

/** A picture as a client gives it: its bytes, or where they are. */
export type GivenImage = ImagePart | Extract<ContentPart, { type: 'image-url' }>

/** Reads a URL, a data URL or, where `bare` is set, base64 without a head. A URL is not judged here: its fetcher does that.
 *  @param at  its place in the client's notation
 *  @throws {InvalidRequestError} `invalid_value` for anything that is not a picture by its own bytes, whatever its type says */
export async function parseImage(source: string, at: string, { bare = false } = {}): Promise<GivenImage> {
  if (isAddress(source)) {
    if (source.length > maxUrlLength || !URL.canParse(source)) throw invalidValue(at, 'this URL is not valid')
    return { type: 'image-url', url: source, param: at }
  }
  const data = readDataUrl(source)
  if (!data && !bare) throw invalidValue(at, 'expected an http(s) URL or data:image/...;base64,...')
  const base64 = canonicalBase64(data?.base64 ?? source, at)
  return imagePart(await sniffImage(base64), base64, at)
}

/** An uploaded picture. @throws {InvalidRequestError} `invalid_value` */
export async function parseImageBytes(bytes: Uint8Array, at: string): Promise<ImagePart> {
  const { buffer, byteOffset, byteLength } = bytes
  return imagePart(
    await sniffImage(bytes),
    Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
    at,
  )
}

/** A part that is said to be a picture; its bytes decide what it is. Clients that can send nothing but pictures send their files
 *  in this way.
 *  @param named  what the client calls it, where the format has a place for that
 *  @throws {InvalidRequestError} `invalid_value` for what is neither a picture nor a file of a known type nor text */
export async function parseAttachment(
  source: string,
  at: string,
  { name, mimeType }: { readonly name?: string | undefined; readonly mimeType?: string | undefined } = {},
): Promise<GivenImage | FilePart> {
  if (isAddress(source)) return parseImage(source, at)
  if (source.trim() === '') throw invalidValue(at, 'this is empty')
  const data = readDataUrl(source)
  if (data?.base64 === '') throw invalidValue(at, 'there is nothing in this data URL')
  const base64 = canonicalBase64(data?.base64 ?? source, at)
  const imageType = await sniffImage(base64)
  if (imageType) return { type: 'image', mimeType: imageType, base64 }
  const bytes = Buffer.from(base64, 'base64')
  const own = await sniffMime(bytes)
  const said = data?.mimeType ?? mimeType
  const type = own ?? (isText(bytes) ? textTypeOf(said) : undefined)
  if (type === undefined)
    throw invalidValue(at, 'this is neither a picture nor a file of a type that is known here')
  return { type: 'file', name: cleanName(name ?? `file.${extensionOf(type)}`), mimeType: type, base64 }
}

const isAddress = (source: string): boolean => /^(?!data:)[a-z][\w+.-]*:/i.test(source)

/** Words in UTF-8: no control characters but those of a text. */
function isText(bytes: Buffer): boolean {
  if (bytes.length === 0) return false
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no text has
  return isUtf8(bytes) && !/[\x00-\x08\x0e-\x1a]/.test(bytes.toString('utf8', 0, 64 * 1024))
}

/** A text that is said to be a picture is one of SVG at best. */
const textTypeOf = (said: string | undefined): string =>
  said !== undefined && (!/^(?:image|audio|video)\//.test(said) || said === 'image/svg+xml')
    ? said
    : 'text/plain'

/** The site judges a file by its name too. */
const extensionOf = (mimeType: string): string =>
  extensions[mimeType] ?? mimeType.split(/[/+.;]/).findLast((word) => /^\w{2,5}$/.test(word)) ?? 'bin'

const extensions: Readonly<Record<string, string>> = {
  'text/plain': 'txt',
  'text/markdown': 'md',
  'text/javascript': 'js',
  'image/svg+xml': 'svg',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
}

function imagePart(mimeType: string | undefined, base64: string, at: string): ImagePart {
  if (mimeType) return { type: 'image', mimeType, base64 }
  throw invalidValue(at, 'this is not a PNG, JPEG, GIF, WebP or other picture that the site takes')
}

/** Reads any file, from a data URL or bare base64; a picture becomes an image part. The type is read from the bytes; what the
 *  client says counts only where bytes have no signature (text).
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseFile(
  name: string | undefined,
  source: string,
  at: string,
): Promise<ImagePart | FilePart> {
  const data = readDataUrl(source)
  const base64 = canonicalBase64(data?.base64 ?? source, at)
  const imageType = await sniffImage(base64)
  if (imageType) return { type: 'image', mimeType: imageType, base64 }
  const ownType = await sniffMime(Buffer.from(base64, 'base64'))
  const mimeType = ownType ?? data?.mimeType ?? 'application/octet-stream'
  return { type: 'file', name: cleanName(name), mimeType, base64 }
}

/** The fault of a part of type `input_audio`. */
export const audioRefused = (at: string): InvalidRequestError =>
  invalidValue(at, 'Genspark does not accept audio; send its transcript as text')

const maxUrlLength = 8192

/** In UTF-16 units: a data URL has its comma within these. */
const maxHeadLength = 256

/** With base64 or, as RFC 2397 allows, with the bytes themselves, percent-encoded. */
function readDataUrl(source: string): { mimeType: string | undefined; base64: string } | undefined {
  const start = source.slice(0, maxHeadLength)
  const comma = start.indexOf(',')
  const head = /^\s*data:([\w.+-]+\/[\w.+-]+)?((?:;[^;,]+)*)$/i.exec(start.slice(0, Math.max(comma, 0)))
  if (!head) return undefined
  const [, mimeType, parameters = ''] = head
  const rest = source.slice(comma + 1)
  return {
    mimeType: mimeType?.toLowerCase(),
    base64: /;\s*base64\s*$/i.test(parameters) ? rest : fromPercents(rest),
  }
}

/** What cannot be decoded stays as it is, and is refused as base64. */
function fromPercents(text: string): string {
  try {
    return Buffer.from(decodeURIComponent(text)).toString('base64')
  } catch {
    return text
  }
}

/** Takes base64 as encoders write it: with line breaks, in the alphabet for URLs, percent-encoded, with too little or too much
 *  padding. @returns it in the one form that everybody reads */
function canonicalBase64(text: string, at: string): string {
  if (text.length % 4 === 0 && isBase64(text)) return text
  let digits = text.replace(/\s+/g, '')
  if (digits.includes('%')) digits = digits.replace(/%(2B|2F|3D)/gi, (code) => decodeURIComponent(code))
  digits = digits.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')
  if (digits.length % 4 === 1 || !isBase64(digits)) throw invalidValue(at, 'this is not valid base64')
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, '=')
}

/** As `/^[A-Za-z0-9+/]+={0,2}$/`, which takes 60 ms for a picture of 10 MB; this takes 3. The decoder skips what is not a digit, so
 *  every part has to decode to its full length. `-` and `_` are digits to it as well, and in a string of two-byte characters it
 *  looks at one byte of each. */
export function isBase64(text: string): boolean {
  const digits = text.length - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0)
  // A single digit at the end decodes to nothing, so that one skipped would go unseen.
  if (digits < partLength || digits % 4 === 1) return /^[A-Za-z0-9+/]+={0,2}$/.test(text)
  if (Buffer.byteLength(text) !== text.length || text.includes('-') || text.includes('_')) return false
  const decoded = Buffer.allocUnsafe((partLength / 4) * 3)
  for (let start = 0; start < digits; start += partLength) {
    const part = text.slice(start, Math.min(start + partLength, digits))
    if (decoded.write(part, 'base64') !== Math.floor((part.length * 3) / 4)) return false
  }
  return true
}

/** In digits, a multiple of four. */
const partLength = 32 * 1024

/** The last part of a path, without what could mean something to a file system. */
function cleanName(name: string | undefined): string {
  const base = name?.split(/[/\\]/).at(-1) ?? ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return base.replace(/[\x00-\x1f\x7f"<>|:*?]/g, '').slice(-255) || 'file'
}
