import { ratioOf, readPixels, readRatio } from '../aspect-ratio.ts'
import { invalidValue } from '../check-shape.ts'

/** In the site's words; undefined leaves it to the model. */
export interface ImageShape {
  readonly aspectRatio: string | undefined
  readonly imageSize: string | undefined
}

/** Reads `size`: pixels as OpenAI's, a ratio, one of the site's sizes (`2k`) or `auto`.
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
