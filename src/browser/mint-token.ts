import type { CookieAccount } from '../core/account.ts'
import { UnavailableError } from '../core/errors.ts'
import type { Metrics } from '../core/metrics.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { abortable, withDeadline } from './abortable.ts'
import type { MintedToken } from './account-context.ts'
import type { ChromiumKeeper } from './chromium-keeper.ts'
import type { PagePool } from './page-pool.ts'
import { firstLine, tokenUnavailable } from './token-unavailable.ts'

export type MintToken = (account: CookieAccount, generation: WireGeneration) => Promise<MintedToken>

export interface MintTokenOptions {
  readonly pool: Pick<PagePool, 'borrow'>
  readonly keeper: Pick<ChromiumKeeper, 'checkAlive'>
  readonly metrics: Pick<Metrics, 'tokensMinted'>
  /** For all of one token: Chromium, page, script and call. */
  readonly mintMs: number
  /** How long a mint may be silent before Chromium is asked whether it is alive. */
  readonly silenceMs: number
  /** Ends every mint with its reason. */
  readonly signal: AbortSignal
}

const maxAttempts = 4

/** Mints one token; begins anew when page or browser break on the way, within one deadline. */
export function createMintToken(options: MintTokenOptions): MintToken {
  const { pool, keeper, metrics, mintMs } = options

  return async (account, generation) => {
    let doing = () => 'all browser pages were in use: raise BROWSER_MAX_PAGES'
    const missed = () => tokenUnavailable(`none within ${mintMs / 1000} s; ${doing()}`)
    const watch = setInterval(() => void keeper.checkAlive(), options.silenceMs)
    try {
      const minted = await withDeadline({ ms: mintMs, reason: missed, signal: options.signal }, attempts)
      metrics.tokensMinted.inc({ outcome: 'minted' })
      return minted
    } catch (error) {
      metrics.tokensMinted.inc({ outcome: 'failed' })
      throw error
    } finally {
      clearInterval(watch)
    }

    async function attempts(signal: AbortSignal): Promise<MintedToken> {
      for (let attempt = 1; ; attempt += 1) {
        const { context, release, discard } = await pool.borrow(account, signal)
        doing = () => context.doing
        const wasUsed = context.mints > 0
        try {
          return await abortable(context.mint(generation), signal)
        } catch (error) {
          if (signal.aborted) discard()
          signal.throwIfAborted()
          const isSites = error instanceof UnavailableError
          // What the site did on a fresh page it would do again; a page long open may only have gone stale.
          if (isSites && !wasUsed) throw error
          if (attempt === maxAttempts) throw isSites ? error : brokeDown(error)
        } finally {
          release()
        }
        await abortable(keeper.checkAlive(), signal)
      }
    }
  }
}

const brokeDown = (error: unknown): UnavailableError =>
  tokenUnavailable(`the browser page broke ${maxAttempts} times (${firstLine(error)})`, { cause: error })
