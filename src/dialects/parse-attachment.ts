import type { ContentPart, FilePart, ImagePart } from '../core/chat-request.ts'
import { sniffImage, sniffMime } from '../core/sniff-mime.ts'
import { invalidValue } from './check-shape.ts'

/** A picture as a client gives it: its bytes, or where they are. */
export type GivenImage = ImagePart | Extract<ContentPart, { type: 'image-url' }>

/** Reads a URL, a data URL or, where `bare` is set, base64 without a head. Whether a URL may be fetched is judged by whoever
 *  does it.
 *  @param at  its place in the client's notation
 *  @throws {InvalidRequestError} `invalid_value` for anything that is no picture, whatever it says of itself */
export async function parseImage(source: string, at: string, { bare = false } = {}): Promise<GivenImage> {
  if (/^(?!data:)[a-z][\w+.-]*:/i.test(source)) {
    if (source.length > maxUrlLength || !URL.canParse(source)) throw invalidValue(at, 'this URL is not valid')
    return { type: 'image-url', url: source, param: at }
  }
  const data = readDataUrl(source)
  if (data) return await checkImage(Buffer.from(readBase64(data.base64, at), 'base64'), data.base64, at)
  if (!bare) throw invalidValue(at, 'expected an http(s) URL or data:image/...;base64,...')
  return await checkImage(Buffer.from(readBase64(source, at), 'base64'), source, at)
}

/** An uploaded picture. @throws {InvalidRequestError} `invalid_value` */
export async function parseImageBytes(bytes: Uint8Array, at: string): Promise<ImagePart> {
  return await checkImage(bytes, Buffer.from(bytes).toString('base64'), at)
}

async function checkImage(bytes: Uint8Array, base64: string, at: string): Promise<ImagePart> {
  const mimeType = await sniffImage(bytes)
  if (!mimeType)
    throw invalidValue(at, 'this is not a PNG, JPEG, GIF, WebP or other picture that the site takes')
  return { type: 'image', mimeType, base64 }
}

/** Reads any file, from a data URL or bare base64; a picture becomes an image part. The bytes' own type wins over the one that
 *  the client says, which counts where bytes have no signature (text).
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseFile(
  name: string | undefined,
  source: string,
  at: string,
): Promise<ImagePart | FilePart> {
  const data = readDataUrl(source)
  const base64 = readBase64(data?.base64 ?? source, at)
  const bytes = Buffer.from(base64, 'base64')
  const imageType = await sniffImage(bytes)
  if (imageType) return { type: 'image', mimeType: imageType, base64 }
  const mimeType = (await sniffMime(bytes)) ?? data?.mimeType ?? 'application/octet-stream'
  return { type: 'file', name: cleanName(name), mimeType, base64 }
}

const maxUrlLength = 8192

/** The head of a data URL is short; what has no comma in so many characters is none. */
const maxHeadLength = 256

function readDataUrl(source: string): { mimeType: string | undefined; base64: string } | undefined {
  const comma = source.slice(0, maxHeadLength).indexOf(',')
  const head = /^data:([\w.+-]+\/[\w.+-]+)?(?:;[^;,]+)*;base64$/i.exec(source.slice(0, Math.max(comma, 0)))
  return head ? { mimeType: head[1]?.toLowerCase(), base64: source.slice(comma + 1) } : undefined
}

function readBase64(text: string, at: string): string {
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return text
  throw invalidValue(at, 'this is not valid base64')
}

/** The last part of a path, without what could mean something to a file system. */
function cleanName(name: string | undefined): string {
  const base = name?.split(/[/\\]/).at(-1) ?? ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return base.replace(/[\x00-\x1f\x7f"<>|:*?]/g, '').slice(-255) || 'file'
}
