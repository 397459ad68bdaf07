/** In UTF-16 units. One becomes 6 bytes at most, so with its head a line stays under 16 KiB (CLIENTS rule 7). */
const maxDeltaLength = 2048

/** Splits at `maxDeltaLength`, never inside a surrogate pair. */
export function splitText(text: string): readonly string[] {
  if (text.length <= maxDeltaLength) return [text]
  const parts: string[] = []
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + maxDeltaLength, text.length)
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1
    parts.push(text.slice(start, end))
    start = end
  }
  return parts
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

/** JSON without the line breaks that it leaves bare: some clients cut lines at them. */
export function toLine(value: unknown): string {
  return JSON.stringify(value).replace(/[\u0085\u2028\u2029]/g, escapeUnit)
}

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
