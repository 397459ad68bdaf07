const fromBase64 = (text: string): Buffer => Buffer.from(text, 'base64')

/** An ISO media file of a brand, as far as its first box. */
const isoMedia = (brand: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from(`ftyp${brand}\0\0\0\0mif1${brand}`)])

/** The smallest pictures that are known for what they are, by their subtype. */
export const pictures = {
  png: fromBase64(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  ),
  gif: fromBase64('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'),
  jpeg: fromBase64('/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAEBAQ=='),
  webp: fromBase64('UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=='),
  avif: isoMedia('avif'),
  heic: isoMedia('heic'),
}
