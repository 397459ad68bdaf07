import { open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { createRequire, getCompileCacheDir } from 'node:module'
import { endianness } from 'node:os'
import { join } from 'node:path'

/** All tokens of o200k_base, by their bytes. 4.4 MB of flat arrays, where maps of strings take 75. */
export interface Vocabulary {
  /** @param hashes  by the number of bytes before it: `addToHash` over the bytes up to a place
   *  @returns the rank of a stretch of bytes as a token, or -1 */
  rankOf(bytes: Uint8Array, hashes: Int32Array, start: number, end: number): number
}

/** Looked up at the start: Node never forgets that it could not read the package for want of a file handle. */
const shippedPath = createRequire(import.meta.url).resolve('gpt-tokenizer/data/o200k_base.tiktoken')

/** Reads the file that the package ships, in steps of less than a millisecond; or what an earlier start has made of it, where Node
 *  keeps its compiled code: that takes 5 ms in place of 90. */
export async function loadVocabulary(): Promise<Vocabulary> {
  const cachePath = await findCache(shippedPath)
  const cached = cachePath && (await readTable(cachePath))
  if (cached) return createVocabulary(cached)
  const table = await parseTable(shippedPath)
  if (cachePath) await writeTable(cachePath, table).catch(() => {})
  return createVocabulary(table)
}

/** @returns undefined where Node keeps no compiled code, since that folder cannot be written to */
async function findCache(path: string): Promise<string | undefined> {
  const folder = getCompileCacheDir()
  if (folder === undefined) return undefined
  const { size, mtimeMs } = await stat(path)
  return join(folder, `o200k-${endianness()}-${size}-${Math.round(mtimeMs)}.bin`)
}

async function readTable(path: string): Promise<TokenTable | undefined> {
  const file = await readFile(path).catch(() => undefined)
  return file?.length === tableBytes ? tableIn(file.buffer as ArrayBuffer, file.byteOffset) : undefined
}

/** Under another name until it is whole: replicas may start at the same time. */
async function writeTable(path: string, { bytes, starts, slots }: TokenTable): Promise<void> {
  const partPath = `${path}.${process.pid}`
  await writeFile(
    partPath,
    [slots, starts, bytes].map((array) => Buffer.from(array.buffer)),
  )
  await rename(partPath, path)
}

async function parseTable(path: string): Promise<TokenTable> {
  const reader = createVocabularyReader()
  const file = await open(path)
  try {
    const chunk = new Uint8Array(16 * 1024)
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunk.length)
      if (bytesRead === 0) return reader.end()
      reader.read(chunk.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}

interface TokenTable {
  /** All tokens, one after the other by their rank. */
  readonly bytes: Uint8Array
  /** By rank and one more: where the token begins in `bytes`. */
  readonly starts: Uint32Array
  /** An open hash table: a rank, and above it other bits of the hash, so that a miss seldom reads further. */
  readonly slots: Int32Array
}

const tokenCount = 199_998
const byteCount = 1_397_670
const maxTokenBytes = 128

const slotCount = 1 << 19
const tableBytes = 4 * slotCount + 4 * (tokenCount + 1) + byteCount

/** The three arrays lie one behind the other. */
function tableIn(buffer: ArrayBuffer, offset: number): TokenTable {
  const slots = new Int32Array(buffer, offset, slotCount)
  const starts = new Uint32Array(buffer, offset + slots.byteLength, tokenCount + 1)
  const bytes = new Uint8Array(buffer, offset + slots.byteLength + starts.byteLength, byteCount)
  return { bytes, starts, slots }
}

const slotMask = slotCount - 1
const rankBits = 18
const rankMask = (1 << rankBits) - 1
const noSlot = -1

/** Reads lines of a token in base64, a space and its rank. The ranks are those of the lines. */
function createVocabularyReader() {
  const bytes = new Uint8Array(byteCount)
  const starts = new Uint32Array(tokenCount + 1)
  const slots = new Int32Array(slotCount).fill(noSlot)
  let rank = 0
  let length = 0
  let hash = 0
  let bits = 0
  let bitCount = 0
  let inToken = true

  function endToken(): void {
    const mixed = mix(hash)
    let slot = slotOf(mixed)
    while (slots[slot] !== noSlot) slot = (slot + 1) & slotMask
    slots[slot] = (mixed << rankBits) | rank
    rank += 1
    starts[rank] = length
    hash = 0
    bitCount = 0
  }

  return {
    read(chunk: Uint8Array): void {
      for (const byte of chunk) {
        const digit = base64Digits[byte] as number
        if (byte === 0x0a) inToken = true
        else if (byte === 0x20) {
          endToken()
          inToken = false
        } else if (inToken && digit !== notBase64) {
          bits = (bits << 6) | digit
          bitCount += 6
          if (bitCount < 8) continue
          bitCount -= 8
          const decoded = (bits >> bitCount) & 0xff
          bytes[length] = decoded
          length += 1
          hash = addToHash(hash, decoded)
        }
      }
    },
    /** @throws when the file was another than the one that this module is made for */
    end(): TokenTable {
      if (rank !== tokenCount || length !== byteCount) throw new Error('o200k_base.tiktoken is not whole')
      return { bytes, starts, slots }
    },
  }
}

const notBase64 = 64
const base64Digits = new Uint8Array(256).fill(notBase64)
for (let digit = 0; digit < 64; digit += 1) {
  base64Digits['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.charCodeAt(digit)] = digit
}

const hashFactor = 0x01000193
/** A polynomial: the hash of any stretch of bytes follows from those of two beginnings. */
export const addToHash = (hash: number, byte: number): number => (Math.imul(hash, hashFactor) + byte + 1) | 0

const hashPowers = new Int32Array(maxTokenBytes + 1)
for (let power = 0, value = 1; power <= maxTokenBytes; power += 1, value = Math.imul(value, hashFactor)) {
  hashPowers[power] = value
}

/** Spreads a hash over all of its bits. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39)
  return mixed ^ (mixed >>> 15)
}

const slotOf = (mixed: number): number => mixed >>> 13

function createVocabulary({ bytes: tokenBytes, starts, slots }: TokenTable): Vocabulary {
  function isToken(rank: number, bytes: Uint8Array, start: number, length: number): boolean {
    const from = starts[rank] as number
    if ((starts[rank + 1] as number) - from !== length) return false
    for (let at = 0; at < length; at += 1) if (tokenBytes[from + at] !== bytes[start + at]) return false
    return true
  }

  return {
    rankOf(bytes, hashes, start, end) {
      const length = end - start
      if (length > maxTokenBytes) return -1
      const before = Math.imul(hashes[start] as number, hashPowers[length] as number)
      const mixed = mix(((hashes[end] as number) - before) | 0)
      const tag = mixed << rankBits
      for (let slot = slotOf(mixed); ; slot = (slot + 1) & slotMask) {
        const entry = slots[slot] as number
        if (entry === noSlot) return -1
        const rank = entry & rankMask
        if ((entry & ~rankMask) === tag && isToken(rank, bytes, start, length)) return rank
      }
    },
  }
}
