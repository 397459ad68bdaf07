import { setImmediate as nextTurn } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { createWordSample, loadO200k, maxSliceLength, type O200k, sampledTokens } from './o200k.ts'

/** Counts the tokens of a text in o200k_base, the closest public encoding to what the site's models use. Exact up to `maxExact`;
 *  beyond, a sample is counted, which is off by a few percent at most. Yields to other requests between slices.
 *  @returns 0 for an empty text */
export async function countTokens(text: string): Promise<number> {
  if (text === '') return 0
  if (text.length < minCached || text.length > maxCounted) return await count(text)
  await spend(text.length / hashedPerCounted)
  const hash = hashOf(text)
  const known = counts.get(hash)
  if (known !== undefined) return known
  const tokens = await count(text)
  if (tokenizer) counts.set(hash, tokens)
  return tokens
}

/** The longest beginning of a text that has at most so many tokens and cuts no character in two, and how many it has. */
export type CutToTokens = (
  text: string,
  maxTokens: number,
) => Promise<{ readonly text: string; readonly tokens: number }>

/** Exact, whatever the length. Yields to other requests between slices. */
export const cutToTokens: CutToTokens = async (text, maxTokens) => {
  const { cut } = tokenizer ?? (await load())
  let tokens = 0
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = sliceEnd(text, start)
    await spend(end - start)
    const slice = text.slice(start, end)
    const fitting = cut(slice, maxTokens - tokens)
    tokens += fitting.tokens
    if (fitting.length < slice.length) return { text: text.slice(0, start + fitting.length), tokens }
  }
  return { text, tokens }
}

/** Loads the vocabulary in small steps, and counts until the code is compiled. The first count loads it by itself, and waits. */
export async function warmUpTokens(): Promise<void> {
  const o200k = tokenizer ?? (await load())
  for (let round = 0; round < 50; round += 1) {
    await nextTurn()
    o200k.count(`${round} ${warmUpText}`)
  }
}

/** A little of everything that takes a way of its own. */
const warmUpText =
  `Tokenizers aren't compiled at first: 漢字仮名交じり文、{"a":[1.25,null]}\n\t<|x|> 😀 `.repeat(3)

/** In UTF-16 units. */
const minCached = 128
const maxExact = 1024
const maxCounted = 512 * 1024

/** Of a text beyond `maxCounted` every nth slice, spread evenly, and beyond `maxExact` of the words in them a sample. */
async function count(text: string): Promise<number> {
  const o200k = tokenizer ?? (await load().catch(() => undefined))
  // For want of a file handle, say. An answer that was paid for is not lost for its count.
  if (!o200k) return Math.ceil(text.length / 4)
  const step = Math.ceil(text.length / maxCounted)
  const sample = text.length > maxExact ? createWordSample() : undefined
  let tokens = 0
  let counted = 0
  for (let start = 0, end = 0, index = 0; start < text.length; start = end, index += 1) {
    end = sliceEnd(text, start)
    if (index % step !== 0) continue
    await spend(end - start)
    tokens += o200k.count(text.slice(start, end), sample)
    counted += end - start
  }
  if (sample) tokens += sampledTokens(sample)
  return Math.round((tokens / counted) * text.length)
}

/** One vocabulary for the process, once a count has needed it. */
let tokenizer: O200k | undefined
let loading: Promise<O200k> | undefined

async function load(): Promise<O200k> {
  loading ??= loadO200k()
  try {
    tokenizer = await loading
    return tokenizer
  } finally {
    loading = undefined
  }
}

/** Tokens by the hash of a text: system prompts, tools and old turns come again with each request. */
const counts = new LRUCache<number, number>({ max: 8192 })

/** Of 53 bits, in four lanes, which is twice as quick as in one. */
function hashOf(text: string): number {
  const { length } = text
  let a = length
  let b = 1
  let c = 2
  let d = 3
  let at = 0
  for (; at + 3 < length; at += 4) {
    a = (Math.imul(a, hashFactor) + text.charCodeAt(at)) | 0
    b = (Math.imul(b, hashFactor) + text.charCodeAt(at + 1)) | 0
    c = (Math.imul(c, hashFactor) + text.charCodeAt(at + 2)) | 0
    d = (Math.imul(d, hashFactor) + text.charCodeAt(at + 3)) | 0
  }
  for (; at < length; at += 1) a = (Math.imul(a, hashFactor) + text.charCodeAt(at)) | 0
  const high = Math.imul(a ^ (b >>> 15), 0x2c1b3c6d) ^ c
  const low = Math.imul(c ^ (d >>> 15), 0x297a2d39) ^ b
  return (high >>> 0) * 0x200000 + (low >>> 11)
}

const hashFactor = 0x01000193
const hashedPerCounted = 32

/** What was counted since the last turn of the event loop that a count waited for, in UTF-16 units. */
let spent = 0
let turn: Promise<void> | undefined
/** A fifth of a millisecond of prose; two at most, of the slowest text there is. */
const maxSpent = 8192

/** Resolves when so much may be counted. All counts share one measure: many small texts hold up others as a long one does. */
async function spend(units: number): Promise<void> {
  while (spent > maxSpent) {
    turn ??= nextTurn().then(startTurn)
    await turn
  }
  spent += units
}

function startTurn(): void {
  spent = 0
  turn = undefined
}

/** Cuts a text where a cut costs no token: at white space, and never within a surrogate pair. */
function sliceEnd(text: string, start: number): number {
  const end = start + maxSliceLength
  if (end >= text.length) return text.length
  for (let cut = end; cut > end - maxWordLength; cut -= 1) {
    if (isSpace(text.charCodeAt(cut)) && !isSpace(text.charCodeAt(cut - 1))) return cut
  }
  const cutsPair = (text.charCodeAt(end) & 0xfc00) === 0xdc00
  return cutsPair ? end - 1 : end
}

const maxWordLength = 128
const isSpace = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d)
