/** Both ends included, as in HTTP. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Reads a `Range` header. Several ranges, other units and nonsense are ignored, as HTTP allows.
 *  @param length  of the whole in bytes
 *  @returns undefined for the whole */
export function readRange(header: string, length: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim()) ?? []
  if (first === undefined || last === undefined || first + last === '') return undefined
  if (first === '')
    return Number(last) === 0
      ? 'unsatisfiable'
      : { start: Math.max(length - Number(last), 0), end: length - 1 }
  const range = { start: Number(first), end: last === '' ? length - 1 : Math.min(Number(last), length - 1) }
  if (last !== '' && Number(last) < range.start) return undefined
  return range.start < length ? range : 'unsatisfiable'
}

/** The bytes of a range, out of a source that can only be read from its beginning. It is left at the range's end. */
export async function* sliceBytes(
  source: AsyncIterable<Uint8Array>,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array> {
  let offset = 0
  for await (const chunk of source) {
    const wanted = chunk.subarray(Math.max(start - offset, 0), end + 1 - offset)
    offset += chunk.length
    if (wanted.length > 0) yield wanted
    if (offset > end) return
  }
}
