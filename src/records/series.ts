import type { Clock } from '../core/clock.ts'
import type { RequestRecord } from './record.ts'
import { outcomeOf } from './ring.ts'

/** What was served, minute by minute, for a day; of this process. */
export interface Series {
  add(record: RequestRecord): void
  /** Whole steps from the one that `sinceMs` is in up to that of `untilMs`; nothing is known from before a day ago.
   *  @param stepMs  whole minutes */
  read(sinceMs: number, untilMs: number, stepMs: number): readonly SeriesStep[]
}

export interface SeriesStep {
  /** When it began. */
  readonly atMs: number
  readonly requests: number
  readonly abandoned: number
  /** By code. */
  readonly failed: ReadonlyMap<string, number>
  readonly tokensIn: number
  readonly tokensOut: number
  readonly firstEvent: Quantiles | undefined
  readonly total: Quantiles | undefined
}

/** In ms, within a third of the true value. */
export interface Quantiles {
  readonly p50: number
  readonly p95: number
}

export const minuteMs = 60_000
const keptMinutes = 24 * 60
/** Codes are few; a mistake that makes many of them must not fill the memory. */
const maxCodes = 40

const bucketCount = 24
const [lowestMs, growth] = [10, 1.7]

/** Times are counted in buckets of which each is 1.7 times as wide as the one before: from 10 ms to more than half an hour. */

interface Bucket {
  atMs: number
  requests: number
  abandoned: number
  tokensIn: number
  tokensOut: number
  readonly failed: Map<string, number>
  readonly firstEvent: Uint32Array
  readonly total: Uint32Array
}

export function createSeries(clock: Clock): Series {
  /** By minute, in a ring. */
  const buckets: Bucket[] = []

  function bucketAt(ms: number): Bucket {
    const atMs = floorTo(ms, minuteMs)
    const index = (atMs / minuteMs) % keptMinutes
    const known = buckets[index]
    if (known?.atMs === atMs) return known
    const fresh = emptyBucket(atMs)
    buckets[index] = fresh
    return fresh
  }

  return {
    add(record) {
      const bucket = bucketAt(clock.now())
      bucket.requests += 1
      const outcome = outcomeOf(record)
      if (outcome === 'abandoned') bucket.abandoned += 1
      if (outcome === 'failed') countCode(bucket.failed, record.code ?? String(record.status), 1)
      if (record.tokens) {
        bucket.tokensIn += record.tokens.prompt
        bucket.tokensOut += record.tokens.completion
      }
      if (record.firstEventMs !== undefined) countTime(bucket.firstEvent, record.firstEventMs)
      if (outcome === 'ok' && record.totalMs !== undefined) countTime(bucket.total, record.totalMs)
    },

    read(sinceMs, untilMs, stepMs) {
      const oldestMs = clock.now() - keptMinutes * minuteMs
      const firstMs = floorTo(Math.max(sinceMs, oldestMs), stepMs)
      const steps = new Map<number, Bucket>()
      for (let atMs = firstMs; atMs < untilMs; atMs += stepMs) steps.set(atMs, emptyBucket(atMs))
      for (const bucket of buckets)
        if (bucket && bucket.atMs > oldestMs) addTo(steps.get(floorTo(bucket.atMs, stepMs)), bucket)
      return [...steps.values()].map(({ firstEvent, total, ...step }) => ({
        ...step,
        firstEvent: quantilesOf(firstEvent),
        total: quantilesOf(total),
      }))
    },
  }
}

const floorTo = (ms: number, stepMs: number): number => Math.floor(ms / stepMs) * stepMs

const emptyBucket = (atMs: number): Bucket => ({
  atMs,
  requests: 0,
  abandoned: 0,
  tokensIn: 0,
  tokensOut: 0,
  failed: new Map(),
  firstEvent: new Uint32Array(bucketCount),
  total: new Uint32Array(bucketCount),
})

function addTo(sum: Bucket | undefined, bucket: Bucket): void {
  if (!sum) return
  sum.requests += bucket.requests
  sum.abandoned += bucket.abandoned
  sum.tokensIn += bucket.tokensIn
  sum.tokensOut += bucket.tokensOut
  for (const [code, count] of bucket.failed) countCode(sum.failed, code, count)
  for (let index = 0; index < bucketCount; index += 1) {
    sum.firstEvent[index] = (sum.firstEvent[index] ?? 0) + (bucket.firstEvent[index] ?? 0)
    sum.total[index] = (sum.total[index] ?? 0) + (bucket.total[index] ?? 0)
  }
}

function countCode(codes: Map<string, number>, code: string, count: number): void {
  const name = codes.has(code) || codes.size < maxCodes ? code : 'other'
  codes.set(name, (codes.get(name) ?? 0) + count)
}

function countTime(counts: Uint32Array, ms: number): void {
  const index = ms <= lowestMs ? 0 : Math.ceil(Math.log(ms / lowestMs) / Math.log(growth))
  const bucket = Math.min(index, bucketCount - 1)
  counts[bucket] = (counts[bucket] ?? 0) + 1
}

/** The middle of the bucket that the quantile is in. */
function quantilesOf(counts: Uint32Array): Quantiles | undefined {
  const size = counts.reduce((sum, count) => sum + count, 0)
  if (size === 0) return undefined
  const at = (part: number): number => {
    let left = Math.ceil(size * part)
    const index = counts.findIndex((count) => {
      left -= count
      return left <= 0
    })
    return Math.round(lowestMs * growth ** (index - 0.5))
  }
  return { p50: at(0.5), p95: at(0.95) }
}
