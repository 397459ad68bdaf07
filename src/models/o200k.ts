import { addToHash, loadVocabulary, type Vocabulary } from './o200k-vocabulary.ts'
import { wordEnd } from './o200k-words.ts'

/** The tokenizer of o200k_base. */
export interface O200k {
  /** @param slice  at most `maxSliceLength` long; here and below lone surrogates count as U+FFFD
   *  @param sample  takes up the words that are not tokens themselves: their tokens are `sampledTokens`, and not in the result */
  count(slice: string, sample?: WordSample): number
  /** The longest beginning that has at most so many tokens and cuts no character in two. */
  cut(slice: string, maxTokens: number): { readonly length: number; readonly tokens: number }
}

/** In UTF-16 units: the longest merge takes half a millisecond. */
export const maxSliceLength = 2048

/** What is known of the words of a text that are not tokens themselves. Most of the time of a count would go into merging their
 *  bytes, so only a part of them is merged, and the rest is taken to have as many tokens a byte. */
export interface WordSample {
  readonly ascii: SampledWords
  readonly wide: SampledWords
  /** Of the draw, which is the same for each text. */
  seed: number
}

interface SampledWords {
  mergedBytes: number
  mergedTokens: number
  skippedBytes: number
}

/** Of either kind of words so many are merged before any is skipped; after that one of eight. */
const minMergedBytes = 512

export const createWordSample = (): WordSample => ({
  ascii: { mergedBytes: 0, mergedTokens: 0, skippedBytes: 0 },
  wide: { mergedBytes: 0, mergedTokens: 0, skippedBytes: 0 },
  seed: 0,
})

export const sampledTokens = ({ ascii, wide }: WordSample): number => tokensOf(ascii) + tokensOf(wide)

const tokensOf = ({ mergedBytes, mergedTokens, skippedBytes }: SampledWords): number =>
  mergedBytes === 0 ? 0 : mergedTokens * (1 + skippedBytes / mergedBytes)

export async function loadO200k(): Promise<O200k> {
  return createTokenizer(await loadVocabulary())
}

function createTokenizer(vocabulary: Vocabulary): O200k {
  const maxBytes = 3 * maxSliceLength
  const encoder = new TextEncoder()
  /** The slice at hand, and the hashes of its beginnings. */
  const bytes = new Uint8Array(maxBytes)
  const hashes = new Int32Array(maxBytes + 1)
  // By the place where a part of the word at hand begins: where its neighbours begin, and the rank of it and the next as one token.
  const nexts = new Int32Array(maxBytes + 1)
  const previous = new Int32Array(maxBytes + 1)
  const pairRanks = new Int32Array(maxBytes + 1)
  const pairs = createPairHeap(2 * maxBytes)

  /** @returns its length in bytes */
  function read(slice: string): number {
    const { written } = encoder.encodeInto(slice, bytes)
    let hash = 0
    for (let at = 0; at < written; at += 1) {
      hash = addToHash(hash, bytes[at] as number)
      hashes[at + 1] = hash
    }
    return written
  }

  const rankOf = (start: number, end: number): number => vocabulary.rankOf(bytes, hashes, start, end)

  /** Merges bytes into tokens: again and again the pair of the lowest rank, the first of equals. A heap keeps that from taking the
   *  square of a long word. Afterwards `nexts` leads from token to token.
   *  @returns how many tokens there are */
  function merge(start: number, end: number): number {
    let tokens = end - start
    for (let at = start; at < end; at += 1) {
      nexts[at] = at + 1
      previous[at] = at - 1
    }
    for (let at = start; at < end; at += 1) ratePair(at, end)
    for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
      const at = pair % placeCount
      if (pairRanks[at] !== (pair - at) / placeCount) continue
      const second = nexts[at] as number
      const after = nexts[second] as number
      nexts[at] = after
      pairRanks[second] = -1
      if (after < end) previous[after] = at
      tokens -= 1
      ratePair(at, end)
      if (at > start) ratePair(previous[at] as number, end)
    }
    return tokens
  }

  function ratePair(at: number, end: number): void {
    const second = nexts[at] as number
    const rank = second < end ? rankOf(at, nexts[second] as number) : -1
    pairRanks[at] = rank
    if (rank >= 0) pairs.push(rank * placeCount + at)
  }

  /** @returns where the last of so many tokens ends; `merge` has found more */
  function tokenEnd(start: number, tokens: number): number {
    let at = start
    for (let left = tokens; left > 0; left -= 1) at = nexts[at] as number
    return at
  }

  return {
    count(slice, sample) {
      const end = read(slice)
      let tokens = 0
      for (let at = 0, to = 0; at < end; at = to) {
        to = wordEnd(bytes, at, end)
        if (rankOf(at, to) >= 0) tokens += 1
        else if (!sample) tokens += merge(at, to)
        else {
          const words = (bytes[to - 1] as number) < 0x80 ? sample.ascii : sample.wide
          if (words.mergedBytes > minMergedBytes && !isDrawn(sample)) words.skippedBytes += to - at
          else {
            words.mergedTokens += merge(at, to)
            words.mergedBytes += to - at
          }
        }
      }
      return tokens
    },
    cut(slice, maxTokens) {
      const end = read(slice)
      let tokens = 0
      for (let at = 0, to = 0; at < end; at = to) {
        to = wordEnd(bytes, at, end)
        const isOne = rankOf(at, to) >= 0
        const added = isOne ? 1 : merge(at, to)
        if (tokens + added > maxTokens) {
          const fitting = isOne ? at : tokenEnd(at, maxTokens - tokens)
          return { length: unitsIn(bytes, characterStart(bytes, fitting)), tokens: maxTokens }
        }
        tokens += added
      }
      return { length: slice.length, tokens }
    },
  }
}

/** One of eight, without a pattern that a text could share. */
function isDrawn(sample: WordSample): boolean {
  sample.seed = (Math.imul(sample.seed, 1664525) + 1013904223) | 0
  return sample.seed >>> 29 === 0
}

/** Where the character begins that a byte belongs to. */
function characterStart(bytes: Uint8Array, place: number): number {
  let at = place
  while (at > 0 && ((bytes[at] as number) & 0xc0) === 0x80) at -= 1
  return at
}

/** In UTF-16: a character of four bytes is two units. */
function unitsIn(bytes: Uint8Array, end: number): number {
  let units = 0
  for (let at = 0; at < end; at += 1) {
    const byte = bytes[at] as number
    if ((byte & 0xc0) !== 0x80) units += byte < 0xf0 ? 1 : 2
  }
  return units
}

/** A power of two above all places of a slice. A pair in the heap is `rank * placeCount + place`: the lowest rank comes first, and
 *  of equal ones the first place. */
const placeCount = 1 << 13

function createPairHeap(maxPairs: number) {
  const heap = new Uint32Array(maxPairs)
  let size = 0
  return {
    push(pair: number): void {
      let at = size
      size += 1
      while (at > 0) {
        const parent = (at - 1) >> 1
        if ((heap[parent] as number) <= pair) break
        heap[at] = heap[parent] as number
        at = parent
      }
      heap[at] = pair
    },
    pop(): number | undefined {
      if (size === 0) return undefined
      const top = heap[0] as number
      size -= 1
      const pair = heap[size] as number
      let at = 0
      for (let child = 1; child < size; child = 2 * at + 1) {
        if (child + 1 < size && (heap[child + 1] as number) < (heap[child] as number)) child += 1
        if ((heap[child] as number) >= pair) break
        heap[at] = heap[child] as number
        at = child
      }
      heap[at] = pair
      return top
    },
  }
}
