import { mendJson } from './read-object.ts'

export interface JsonText {
  /** As the model wrote it, or mended. */
  readonly text: string
  readonly value: unknown
}

/** Finds the JSON in what a model said: all of it, without a code fence around it, or else the objects and arrays between its
 *  words, the longest first. Slips that can be mended are. */
export function findJson(said: string): readonly JsonText[] {
  const whole = parse(withoutFence(said.trim()))
  if (whole) return [whole]
  const found = [...spansIn(said)]
    .toSorted((one, other) => other.length - one.length)
    .slice(0, maxParsed)
    .flatMap((span) => parse(span) ?? mend(span) ?? [])
  if (found.length > 0) return found
  // A quote without its escape hides where a value ends.
  const begin = nextBracket(said, 0)
  const mended = begin >= 0 ? mend(said.slice(begin)) : undefined
  return mended ? [mended] : []
}

/** The text may be a megabyte of anything: these bound the work. */
const maxParsed = 4
const maxSpans = 256
const maxUnclosed = 4

function parse(text: string): JsonText | undefined {
  try {
    return { text, value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function mend(text: string): JsonText | undefined {
  const mended = mendJson(text)
  return mended === undefined ? undefined : parse(mended)
}

const withoutFence = (text: string): string => /^```\w*\s([\s\S]*)```$/.exec(text)?.[1]?.trim() ?? text

/** Pieces of text from an opening bracket to the one that closes it. Most of the time they are JSON. */
function* spansIn(text: string): Generator<string> {
  let unclosed = 0
  let from = nextBracket(text, 0)
  for (let count = 0; count < maxSpans && from >= 0; count += 1) {
    const to = closeOf(text, from)
    if (to >= 0) yield text.slice(from, to)
    else if (++unclosed === maxUnclosed) return
    from = nextBracket(text, to >= 0 ? to : from + 1)
  }
}

function nextBracket(text: string, from: number): number {
  const found = text.slice(from).search(/[[{]/)
  return found >= 0 ? from + found : -1
}

/** @returns the place behind the closing bracket, -1 when there is none */
function closeOf(text: string, from: number): number {
  let depth = 0
  let inString = false
  for (let index = from; index < text.length; index += 1) {
    const unit = text[index]
    if (inString) {
      if (unit === '\\') index += 1
      else if (unit === '"') inString = false
    } else if (unit === '"') inString = true
    else if (unit === '{' || unit === '[') depth += 1
    else if (unit === '}' || unit === ']') depth -= 1
    if (depth === 0) return index + 1
  }
  return -1
}
