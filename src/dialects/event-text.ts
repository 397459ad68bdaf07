import type { ChatEvent } from '../core/chat-event.ts'

/** JSON without the line breaks that it leaves bare: some clients cut lines at them. */
export function toLine(value: unknown): string {
  const json = JSON.stringify(value)
  return breaks.test(json) ? json.replace(allBreaks, escapeUnit) : json
}

const breaks = /[\u0085\u2028\u2029]/
const allBreaks = new RegExp(breaks, 'g')

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/** `toLine` of a string. A short one is looked through first: JSON has nothing to do for most deltas. */
export function toTextLine(text: string): string {
  return text.length <= maxPlainLength && isPlain(text) ? `"${text}"` : toLine(text)
}

/** In UTF-16 units: `JSON.stringify` is quicker than looking through a longer text. */
const maxPlainLength = 48

/** No quote, backslash or control character, no separator that cuts lines, no half of a surrogate pair. */
function isPlain(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c) return false
    if (unit < 0x7f) continue
    if (unit < 0xa0 || unit >= 0xd800 || unit === 0x2028 || unit === 0x2029) return false
  }
  return true
}

/** In UTF-16 units. One becomes 6 bytes at most, so with its head a line stays under 16 KiB; one-api ends a stream at a line of 64 KiB. */
export const maxDeltaLength = 2048

/** One event, or several of a long text: `head`, a part of the text as JSON, `tail`. */
export function encodeDelta(head: string, text: string, tail: string): string {
  if (text.length <= maxDeltaLength) return head + toTextLine(text) + tail
  let events = ''
  for (const part of splitText(text)) events += head + toLine(part) + tail
  return events
}

/** Splits a long text into parts that a line can hold, never inside a surrogate pair. */
export function splitText(text: string): readonly string[] {
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

/** An SSE comment: it keeps the connection alive and never reaches the text. */
export const encodeProgress = ({ done, tasks }: Extract<ChatEvent, { type: 'progress' }>): string =>
  `: progress ${done}/${tasks}\n\n`
