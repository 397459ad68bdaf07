/** What the bytes themselves say they are; what a client or a server calls them counts for nothing. Their whole is best,
 *  a few thousand bytes will do for most. @returns undefined where bytes have no mark of their own, as text has none */
export async function sniffMime(bytes: Uint8Array): Promise<string | undefined> {
  const { fileTypeFromBuffer } = await import('file-type')
  return (await fileTypeFromBuffer(bytes))?.mime
}

/** The true MIME type of a picture that the site takes; undefined for anything else, an SVG too.
 *  @param image  bytes, or base64 without the `data:` head */
export async function sniffImage(image: Uint8Array | string): Promise<string | undefined> {
  const head = typeof image === 'string' ? Buffer.from(image.slice(0, headLength), 'base64') : image
  return imageTypes.get((await sniffMime(head)) ?? '')
}

/** In base64 digits, a whole number of bytes. */
const headLength = 16 * 1024

/** By what they are sniffed as. An animated PNG is a PNG to all who know no better. */
const imageTypes = new Map([
  ['image/png', 'image/png'],
  ['image/apng', 'image/png'],
  ['image/jpeg', 'image/jpeg'],
  ['image/gif', 'image/gif'],
  ['image/webp', 'image/webp'],
  ['image/avif', 'image/avif'],
  ['image/heic', 'image/heic'],
  ['image/heif', 'image/heic'],
])
