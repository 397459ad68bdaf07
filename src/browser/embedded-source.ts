import type { CookieAccount } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { abortable } from './abortable.ts'
import { openAccountContext } from './account-context.ts'
import { createChromiumKeeper } from './chromium-keeper.ts'
import { contextKey } from './context-key.ts'
import { createMintToken } from './mint-token.ts'
import { createPagePool } from './page-pool.ts'
import type { RecaptchaSettings } from './recaptcha-site.ts'
import { createTokenShelf, type TokenShelf } from './token-shelf.ts'
import type { TokenRequest, TokenSource } from './token-source.ts'
import { tokenUnavailable } from './token-unavailable.ts'

export interface EmbeddedSourceOptions extends RecaptchaSettings {
  readonly tokenPrefetch: 'auto' | number
  readonly tokenMaxAgeMs: number
  readonly browserMaxPages: number
  readonly browserExecutable?: string | undefined
  readonly proxyUrl?: string | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'tokensMinted' | 'tokenWaitSeconds' | 'browserLaunches'>
  /** For tests. */
  readonly limits?: Partial<typeof defaultLimits>
}

const defaultLimits = {
  /** All of one token: Chromium, page, script and call. */
  mintMs: 10_000,
  /** One launch of Chromium; it goes on when the mint that began it has given up. */
  launchMs: 30_000,
  /** A mint silent for so long has Chromium asked whether it is alive, and the answer may take `answerMs`. */
  silenceMs: 1_000,
  answerMs: 4_000,
  /** How long a page may take to add the script by itself, and a script to define grecaptcha. */
  graceMs: 1_000,
  scriptMs: 3_000,
  closeMs: 2_000,
  /** Without demand for so long, no spare tokens. */
  idleMs: 120_000,
  contextIdleMs: 600_000,
  contextMaxAgeMs: 1_800_000,
  contextMaxMints: 500,
  sweepMs: 1_000,
}

/** Makes tokens in this very process: one Chromium, a context an account, a page a generation, spare tokens on a shelf beside each. */
export function createEmbeddedSource(options: EmbeddedSourceOptions): TokenSource {
  const limits = { ...defaultLimits, ...options.limits }
  const { browserExecutable, proxyUrl, clock, metrics } = options
  const closing = new AbortController()
  const keeper = createChromiumKeeper({
    ...options,
    ...limits,
    browserExecutable,
    proxyUrl,
    // Chromium's sandbox cannot start for root.
    sandbox: process.getuid?.() !== 0,
  })
  const pool = createPagePool({
    ...options,
    ...limits,
    open: (account, onBroken) => openAccountContext({ ...options, ...limits, account, keeper, onBroken }),
  })
  const mintToken = createMintToken({ ...limits, pool, keeper, metrics, signal: closing.signal })
  const shelves = new Map<string, TokenShelf>()
  const sweeper = setInterval(sweep, limits.sweepMs).unref()
  let closed: Promise<void> | undefined

  return {
    async token({ account, generation, signal }) {
      closing.signal.throwIfAborted()
      signal.throwIfAborted()
      const startedAt = performance.now()
      const shelf = shelfOf(account, generation)
      const token = shelf.take() ?? (await mintFor(shelf, { account, generation, signal }))
      // Behind the ask that the caller is about to send.
      setImmediate(shelf.refill)
      metrics.tokenWaitSeconds.observe((performance.now() - startedAt) / 1000)
      return token
    },
    warmUp() {
      keeper.chromium(closing.signal).catch(() => {})
    },
    state: keeper.state,
    close() {
      closed ??= closeAll()
      return closed
    },
  }

  async function mintFor(shelf: TokenShelf, { account, generation, signal }: TokenRequest): Promise<string> {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const minting = mintToken(account, generation)
      try {
        const minted = await abortable(minting, signal)
        if (shelf.isGood(minted)) return minted.token
      } catch (error) {
        // The caller's leave ends its own wait and no more.
        if (signal.aborted) minting.then(shelf.put, () => {})
        throw error
      }
    }
    throw tokenUnavailable('minting one takes longer than TOKEN_MAX_AGE_S')
  }

  function shelfOf(account: CookieAccount, generation: WireGeneration): TokenShelf {
    const key = `${contextKey(account)} ${generation}`
    let shelf = shelves.get(key)
    if (!shelf) {
      shelf = createTokenShelf({
        ...options,
        idleMs: limits.idleMs,
        clock,
        mint: () => mintToken(account, generation),
        canMint: () => !closing.signal.aborted && pool.hasRoomFor(account),
        onExpired: () => metrics.tokensMinted.inc({ outcome: 'expired' }),
      })
      shelves.set(key, shelf)
    }
    return shelf
  }

  function sweep(): void {
    for (const [key, shelf] of shelves) {
      if (!shelf.sweep()) shelves.delete(key)
    }
    pool.sweep()
  }

  async function closeAll(): Promise<void> {
    clearInterval(sweeper)
    closing.abort(new UnavailableError('shutting_down'))
    shelves.clear()
    await keeper.close()
    await pool.close()
  }
}
