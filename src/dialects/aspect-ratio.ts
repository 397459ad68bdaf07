import { invalidValue } from './check-shape.ts'

/** Reads a ratio of width to height, e.g. `16:9`. The site takes the nearest that it knows.
 *  @returns undefined for `auto`  @throws {InvalidRequestError} `invalid_value` */
export function readRatio(given: string, at: string): string | undefined {
  if (given === 'auto') return undefined
  if (/^[1-9]\d{0,2}:[1-9]\d{0,2}$/.test(given)) return given
  throw invalidValue(at, 'expected WIDTH:HEIGHT, e.g. 16:9, or auto')
}

/** `1792x1024`. @returns undefined for anything else */
export function readPixels(size: string): { readonly width: number; readonly height: number } | undefined {
  const [, width, height] = /^([1-9]\d{1,4})\s*[x×*]\s*([1-9]\d{1,4})$/i.exec(size.trim()) ?? []
  return width && height ? { width: Number(width), height: Number(height) } : undefined
}

/** 1792 by 1024 is `7:4`. */
export function ratioOf(width: number, height: number): string {
  const divisor = commonDivisor(width, height)
  return `${width / divisor}:${height / divisor}`
}

const commonDivisor = (one: number, other: number): number =>
  other === 0 ? one : commonDivisor(other, one % other)
