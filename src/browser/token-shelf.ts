import type { Clock } from '../core/clock.ts'
import type { MintedToken } from './account-context.ts'

/** Spare tokens of one account and generation, kept while they are in demand so that a request need not wait for one. */
export interface TokenShelf {
  /** The oldest spare that is still good. Notes the demand. */
  take(): MintedToken | undefined
  /** Spare tokens, some of which may be too old. */
  readonly size: number
  /** Mints what is missing, in the background. */
  refill(): void
  /** Keeps a token that its caller no longer wants. */
  put(minted: MintedToken): void
  /** Is it young enough to be handed out? One that is not is counted. */
  isGood(minted: MintedToken): boolean
  /** Drops what grew old and refills. @returns false when the shelf is empty and out of use */
  sweep(): boolean
}

export interface TokenShelfOptions {
  readonly clock: Clock
  /** `auto`: what the recent demand uses up in one minting time, plus one; a number fixes it; 0 keeps none. */
  readonly tokenPrefetch: 'auto' | number
  readonly tokenMaxAgeMs: number
  /** Without demand for so long, no spares. */
  readonly idleMs: number
  readonly mint: () => Promise<MintedToken>
  /** Whether spares can be minted now without taking anything from another account. */
  readonly canMint: () => boolean
  readonly onExpired: () => void
}

const maxSpares = 16
/** Demand is read from so many takes. */
const maxTakes = 64
/** A spare is replaced this long before it grows too old, so that there is no gap. */
const renewAheadMs = 5_000
/** Before the first mint was measured. */
const assumedMintMs = 500

export function createTokenShelf(options: TokenShelfOptions): TokenShelf {
  const { clock, tokenMaxAgeMs } = options
  const spares: MintedToken[] = []
  const takes: number[] = []
  let minting = 0
  let mintMs = assumedMintMs
  /** A failed mint is not repeated before somebody needs a token. */
  let stalled = false

  return {
    take() {
      takes.push(clock.now())
      if (takes.length > maxTakes) takes.shift()
      stalled = false
      dropOld()
      return spares.shift()
    },
    get size() {
      return spares.length
    },
    refill,
    put(minted) {
      if (options.tokenPrefetch !== 0 && spares.length < maxSpares && isGood(minted)) spares.push(minted)
    },
    isGood,
    sweep() {
      dropOld()
      refill()
      return spares.length > 0 || minting > 0 || !isIdle()
    },
  }

  function isGood(minted: MintedToken): boolean {
    if (ageMs(minted) < tokenMaxAgeMs) return true
    options.onExpired()
    return false
  }

  function dropOld(): void {
    spares.splice(0, spares.length, ...spares.filter(isGood))
  }

  function refill(): void {
    if (stalled || !options.canMint()) return
    const lasting = spares.filter((spare) => ageMs(spare) < tokenMaxAgeMs - renewAheadMs).length
    for (let missing = wantedSpares() - lasting - minting; missing > 0; missing -= 1) void mintSpare()
  }

  async function mintSpare(): Promise<void> {
    const startedAt = clock.now()
    minting += 1
    try {
      const minted = await options.mint()
      mintMs += 0.3 * (clock.now() - startedAt - mintMs)
      spares.push(minted)
    } catch {
      stalled = true
    } finally {
      minting -= 1
    }
  }

  function wantedSpares(): number {
    if (isIdle()) return 0
    if (options.tokenPrefetch !== 'auto') return options.tokenPrefetch
    return Math.min(maxSpares, busiestWindow(takes, mintMs) + 1)
  }

  function isIdle(): boolean {
    while (takes[0] !== undefined && clock.now() - takes[0] >= options.idleMs) takes.shift()
    return takes.length === 0
  }

  function ageMs(minted: MintedToken): number {
    return clock.now() - minted.mintedAt
  }
}

/** The most takes that fell into any one window of `windowMs`. */
function busiestWindow(takes: readonly number[], windowMs: number): number {
  let start = 0
  let busiest = 0
  for (const [end, time] of takes.entries()) {
    // Not beyond the take itself: a clock that was set back has made negative windows of what was measured.
    while (start < end && time - (takes[start] ?? time) > windowMs) start += 1
    busiest = Math.max(busiest, end - start + 1)
  }
  return busiest
}
