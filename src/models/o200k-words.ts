/** Where the word that begins at `start` ends. Words are what o200k_base cuts a text into before it merges bytes to tokens; no
 *  token reaches over the end of one. The vendor's pattern, written by hand because a regular expression would take longer than
 *  the rest of a count:
 *
 *      [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+('s|'t|'re|'ve|'m|'ll|'d)?
 *    | [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*('s|'t|'re|'ve|'m|'ll|'d)?
 *    | \p{N}{1,3} | ?[^\s\p{L}\p{N}]+[\r\n/]* | \s*[\r\n]+ | \s+(?!\S) | \s+
 *
 *  @param bytes  well-formed UTF-8
 *  @param end  of the text in `bytes` */
export function wordEnd(bytes: Uint8Array, start: number, end: number): number {
  const first = characterAt(bytes, start)
  const kind = first & kindMask
  if (isLetter(kind)) return letterEnd(bytes, start, end)
  const next = start + (first >> widthShift)
  if (kind === digit) return digitEnd(bytes, next, end)
  if (kind === lineBreak) return spaceEnd(bytes, start, end)
  // Anything else may stand before a word of letters, and a blank before one of signs as well.
  const nextKind = next < end ? characterAt(bytes, next) & kindMask : lineBreak
  if (isLetter(nextKind)) return letterEnd(bytes, next, end)
  if (kind === other) return otherEnd(bytes, next, end)
  return nextKind === other && bytes[start] === 0x20
    ? otherEnd(bytes, next, end)
    : spaceEnd(bytes, start, end)
}

/** Capitals and then small letters; marks and letters of scripts without case are both. */
function letterEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  let uncasedEnd = -1
  while (at < end) {
    const character = characterAt(bytes, at)
    const kind = character & kindMask
    if (kind === lower) return contractionEnd(bytes, smallEnd(bytes, at, end), end)
    if (!isLetter(kind)) break
    at += character >> widthShift
    if (kind !== upper) uncasedEnd = at
  }
  return contractionEnd(bytes, uncasedEnd < 0 ? at : uncasedEnd, end)
}

function smallEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end) {
    const character = characterAt(bytes, at)
    const kind = character & kindMask
    if (kind === upper || !isLetter(kind)) break
    at += character >> widthShift
  }
  return at
}

function contractionEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start + 1 >= end || bytes[start] !== 0x27) return start
  const one = String.fromCharCode(bytes[start + 1] as number).toLowerCase()
  if ('sdmt'.includes(one)) return start + 2
  const two = start + 2 < end ? one + String.fromCharCode(bytes[start + 2] as number).toLowerCase() : ''
  return two === 'll' || two === 've' || two === 're' ? start + 3 : start
}

/** @param start  behind the first digit */
function digitEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  for (let left = 2; left > 0 && at < end; left -= 1) {
    const character = characterAt(bytes, at)
    if ((character & kindMask) !== digit) break
    at += character >> widthShift
  }
  return at
}

function otherEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end) {
    const character = characterAt(bytes, at)
    const kind = character & kindMask
    if (kind !== other && kind !== mark) break
    at += character >> widthShift
  }
  while (at < end && (bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x2f)) at += 1
  return at
}

/** To the last line break, if there is one; else all but the last blank, which begins the next word. */
function spaceEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  let last = start
  let breakEnd = -1
  while (at < end) {
    const character = characterAt(bytes, at)
    const kind = character & kindMask
    if (kind !== space && kind !== lineBreak) break
    last = at
    at += character >> widthShift
    if (kind === lineBreak) breakEnd = at
  }
  if (breakEnd > 0) return breakEnd
  return at === end || last === start ? at : last
}

// The letters come first.
const upper = 0
const lower = 1
const uncased = 2
const mark = 3
const digit = 4
const lineBreak = 5
const space = 6
const other = 7
const isLetter = (kind: number): boolean => kind <= mark

/** The kind of a character, and above it how many bytes it takes. */
function characterAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at] as number
  return byte < 0x80 ? (ascii[byte] as number) : wideCharacterAt(bytes, at, byte)
}

const kindMask = 7
const widthShift = 3

function wideCharacterAt(bytes: Uint8Array, at: number, first: number): number {
  const second = (bytes[at + 1] as number) & 0x3f
  if (first < 0xe0) return kindOf(((first & 0x1f) << 6) | second) | (2 << widthShift)
  const third = (bytes[at + 2] as number) & 0x3f
  if (first < 0xf0) return kindOf(((first & 0x0f) << 12) | (second << 6) | third) | (3 << widthShift)
  const fourth = (bytes[at + 3] as number) & 0x3f
  return kindOf(((first & 0x07) << 18) | (second << 12) | (third << 6) | fourth) | (4 << widthShift)
}

const kindOf = (code: number): number => (pages[code >> 8] ?? fillPage(code >> 8))[code & 0xff] as number

/** The kinds of 256 characters each, filled when the first of them comes. */
const pages: (Uint8Array | undefined)[] = []

function fillPage(index: number): Uint8Array {
  const page = Uint8Array.from({ length: 256 }, (_, low) =>
    readKind(String.fromCodePoint((index << 8) | low)),
  )
  pages[index] = page
  return page
}

/** Most frequent first: a page of Chinese is to be filled in no time. */
function readKind(character: string): number {
  if (/[\p{Lm}\p{Lo}]/u.test(character)) return uncased
  if (/\p{Ll}/u.test(character)) return lower
  if (/[\p{Lu}\p{Lt}]/u.test(character)) return upper
  if (/\p{M}/u.test(character)) return mark
  if (/\p{N}/u.test(character)) return digit
  if (/[\r\n]/.test(character)) return lineBreak
  return /\s/.test(character) ? space : other
}

const ascii = fillPage(0).map((kind) => kind | (1 << widthShift))
