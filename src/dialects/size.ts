import { invalidValue } from './check-shape.ts'

/** In the site's terms; undefined leaves it to the model. */
export interface ImageShape {
  readonly aspectRatio: string | undefined
  readonly imageSize: string | undefined
}

/** Reads the `size` of an image: pixels as OpenAI has them, a ratio, one of the site's sizes (`2k`) or `auto`.
 *  @throws {InvalidRequestError} `invalid_value` */
export function readSize(size: string | undefined, at: string): ImageShape {
  const given = size?.trim().toLowerCase()
  if (!given || given === 'auto') return { aspectRatio: undefined, imageSize: undefined }
  if (/^(0\.5|[1-4])k$/.test(given)) return { aspectRatio: undefined, imageSize: given }
  if (given.includes(':')) return { aspectRatio: readRatio(given, at), imageSize: undefined }
  const pixels = readPixels(given)
  if (!pixels) throw invalidValue(at, 'expected WIDTHxHEIGHT, e.g. 1024x1024, or auto')
  const { width, height } = pixels
  return {
    aspectRatio: ratioOf(width, height),
    imageSize: sizeOfEdge(Math.max(width, height)),
  }
}

/** @param pixels  of the longer edge: 1792x1024 is a 1k picture, 3840x2160 a 4k one */
function sizeOfEdge(pixels: number): string {
  return edges.find(([atLeast]) => pixels >= atLeast)?.[1] ?? '0.5k'
}

const edges = [
  [3840, '4k'],
  [3000, '3k'],
  [2000, '2k'],
  [768, '1k'],
] as const

/** Reads the `size` of a video: pixels, a ratio or `auto`. @throws {InvalidRequestError} `invalid_value` */
export function readVideoSize(size: string): string | undefined {
  const pixels = readPixels(size)
  if (pixels) return ratioOf(pixels.width, pixels.height)
  if (size === 'auto' || size.includes(':')) return readRatio(size, 'size')
  throw invalidValue('size', 'expected WIDTHxHEIGHT, e.g. 1280x720')
}

/** The resolution of a video by the pixels of its shorter edge: 1280x720 is `720p`. @returns undefined where no pixels are given */
export function videoSizeOf(size: string): string | undefined {
  const pixels = readPixels(size)
  return pixels && `${Math.min(pixels.width, pixels.height)}p`
}

/** Reads a ratio of width to height, e.g. `16:9`. The site takes the nearest that it knows.
 *  @returns undefined for `auto`  @throws {InvalidRequestError} `invalid_value` */
export function readRatio(given: string, at: string): string | undefined {
  if (given === 'auto') return undefined
  if (/^[1-9]\d{0,2}:[1-9]\d{0,2}$/.test(given)) return given
  throw invalidValue(at, 'expected WIDTH:HEIGHT, e.g. 16:9, or auto')
}

/** `1792x1024`. @returns undefined for anything else */
function readPixels(size: string): { readonly width: number; readonly height: number } | undefined {
  const [, width, height] = /^([1-9]\d{1,4})\s*[x×*]\s*([1-9]\d{1,4})$/i.exec(size.trim()) ?? []
  return width && height ? { width: Number(width), height: Number(height) } : undefined
}

/** 1792 by 1024 is `7:4`. */
function ratioOf(width: number, height: number): string {
  const divisor = commonDivisor(width, height)
  return `${width / divisor}:${height / divisor}`
}

const commonDivisor = (one: number, other: number): number =>
  other === 0 ? one : commonDivisor(other, one % other)
