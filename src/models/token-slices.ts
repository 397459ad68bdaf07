/** Words like `<|endoftext|>` are text like any other. */
export const asPlainText = { disallowedSpecial: new Set<string>() }

/** In UTF-16 units: at most 10 ms of work. */
const sliceLength = 2048

/** Cuts a text where a cut costs no token: at white space, and never within a surrogate pair. */
export function* slices(text: string): Generator<string> {
  let start = 0
  while (start < text.length) {
    const end = cutBefore(text, start, Math.min(start + sliceLength, text.length))
    yield text.slice(start, end)
    start = end
  }
}

function cutBefore(text: string, start: number, end: number): number {
  if (end === text.length) return end
  for (let cut = end; cut > end - longRunLength; cut -= 1) {
    if (isSpace(text.charCodeAt(cut)) && !isSpace(text.charCodeAt(cut - 1))) return cut
  }
  const cutsPair = (text.charCodeAt(end) & 0xfc00) === 0xdc00
  return cutsPair && end - 1 > start ? end - 1 : end
}

const isSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d)

const longRunLength = 128
const longRun = new RegExp(`\\S{${longRunLength + 1}}|\\s{${longRunLength + 1}}`)
const piece = new RegExp(`[\\s\\S]{1,${longRunLength}}`, 'gu')

/** The tokenizer takes time by the square of a run without breaks: such a slice is counted in short pieces, which may cost
 *  a token each. */
export function pieces(slice: string): readonly string[] {
  return longRun.test(slice) ? (slice.match(piece) ?? []) : [slice]
}
