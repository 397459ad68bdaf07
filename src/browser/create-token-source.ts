import type { CookieAccount } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { SiteSessions } from '../core/site-session.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { abortable, withDeadline } from './abortable.ts'
import { type MintedToken, openAccountContext } from './account-context.ts'
import { type ChromiumKeeper, createChromiumKeeper } from './chromium-keeper.ts'
import { contextKey, createPagePool, type PagePool } from './page-pool.ts'
import { createPageTransport, type PageTransport } from './page-transport.ts'
import type { RecaptchaSettings } from './recaptcha-site.ts'
import { createRemoteVerifier } from './remote-verifier.ts'
import { createTokenShelf, type TokenShelf } from './token-shelf.ts'
import { firstLine, type TokenRequest, type TokenSource, tokenUnavailable } from './token-source.ts'

export interface TokenSourceOptions extends EmbeddedSourceOptions {
  readonly recaptchaMode: 'embedded' | 'remote' | 'off'
  /** Of the token service; mode `remote` needs it. */
  readonly recaptchaProxyUrl?: string | undefined
}

/** Tokens, and the pages that carry requests, from one Chromium.
 *  @param transport  `none`: no request goes by a page; `auto`: where a Chromium is there for tokens, or a browser of the operator's
 *    own; `browser`: in any mode */
export function createBrowser(
  options: TokenSourceOptions & { readonly transport: 'none' | 'auto' | 'browser' },
): { readonly tokens: TokenSource; readonly pages: PageTransport | undefined } {
  const { recaptchaMode, transport } = options
  if (recaptchaMode === 'embedded') {
    const host = createHost(options)
    return {
      tokens: createEmbeddedSource(options, host),
      pages: transport === 'none' ? undefined : createPages(host),
    }
  }
  const tokens = createTokenSource(options)
  const hasPages = transport === 'browser' || (transport === 'auto' && options.browserEndpoint !== undefined)
  if (!hasPages) return { tokens, pages: undefined }
  const host = createHost(options)
  const sweeper = setInterval(host.pool.sweep, host.limits.sweepMs).unref()
  return {
    tokens: {
      ...tokens,
      async close() {
        clearInterval(sweeper)
        await Promise.all([tokens.close(), host.close()])
      },
    },
    pages: createPages(host),
  }
}

function createPages({ pool, keeper, limits, closing }: BrowserHost): PageTransport {
  return createPageTransport({ ...limits, pool, keeper, signal: closing })
}

/** The source of RECAPTCHA_MODE. */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { recaptchaMode, recaptchaProxyUrl = '' } = options
  switch (recaptchaMode) {
    case 'embedded':
      return createEmbeddedSource(options, createHost(options))
    case 'remote':
      return createRemoteVerifier({ ...options, recaptchaProxyUrl })
    case 'off':
      return noTokens
    default:
      return recaptchaMode satisfies never
  }
}

const noTokens: TokenSource = {
  async token() {
    return undefined
  },
  warmUp() {},
  state: () => 'off',
  forget() {},
  async close() {},
}

interface EmbeddedSourceOptions extends RecaptchaSettings {
  readonly tokenPrefetch: 'auto' | number
  readonly tokenMaxAgeMs: number
  readonly browserMaxPages: number
  readonly browserExecutable?: string | undefined
  readonly browserEndpoint?: string | undefined
  readonly browserHeaded?: boolean | undefined
  readonly display?: string | undefined
  readonly xAuthority?: string | undefined
  readonly proxyUrl?: string | undefined
  readonly clock: Clock
  /** Absent: cookies stay as they were imported. */
  readonly sessions?: SiteSessions
  readonly random: () => number
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'tokensMinted' | 'tokenWaitSeconds' | 'browserLaunches'>
  /** For tests. */
  readonly browserArguments?: readonly string[] | undefined
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
  /** And so long for an empty page, where nothing of the site's page was seen yet. */
  workMs: 5_000,
  /** How long a page may take to add the script by itself, and a script to define grecaptcha. */
  graceMs: 1_000,
  scriptMs: 3_000,
  closeMs: 2_000,
  /** What has to be open before a request can go by a page, and how long a challenge may take to let the page in. */
  openMs: 15_000,
  challengeMs: 5_000,
  /** Without demand for so long, no spare tokens. */
  idleMs: 120_000,
  contextIdleMs: 600_000,
  contextMaxAgeMs: 1_800_000,
  contextMaxMints: 500,
  sweepMs: 1_000,
}

type BrowserHost = ReturnType<typeof createHost>

/** One Chromium and a context an account. */
function createHost(options: EmbeddedSourceOptions) {
  const limits = { ...defaultLimits, ...options.limits }
  const { browserExecutable, proxyUrl, logger } = options
  const closing = new AbortController()
  let overfullNoted = false
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
    onOverfull() {
      if (overfullNoted) return
      overfullNoted = true
      logger.warn({}, 'every browser context carries requests: more than BROWSER_MAX_PAGES are open')
    },
  })
  return {
    limits,
    keeper,
    pool,
    closing: closing.signal,
    async close() {
      closing.abort(new UnavailableError('shutting_down'))
      await keeper.close()
      await pool.close()
    },
  }
}

/** Makes tokens in this very process: a page a generation in the account's context, spare tokens on a shelf beside each. */
function createEmbeddedSource(options: EmbeddedSourceOptions, host: BrowserHost): TokenSource {
  const { limits, keeper, pool, closing } = host
  const { clock, metrics } = options
  const mintToken = createMintToken({ ...limits, pool, keeper, metrics, signal: closing })
  const shelves = new Map<string, TokenShelf>()
  const sweeper = setInterval(sweep, limits.sweepMs).unref()
  let closed: Promise<void> | undefined

  return {
    async token({ account, generation, signal, onOrigin }) {
      closing.throwIfAborted()
      signal.throwIfAborted()
      const startedAt = performance.now()
      const shelf = shelfOf(account, generation)
      const spare = shelf.take()
      const token = spare ?? (await mintFor(shelf, { account, generation, signal }))
      onOrigin?.(spare === undefined ? 'mint' : 'shelf')
      // Behind the ask that the caller is about to send.
      setImmediate(shelf.refill)
      metrics.tokenWaitSeconds.observe((performance.now() - startedAt) / 1000)
      return token
    },
    warmUp() {
      keeper.chromium(closing).catch(() => {})
    },
    state: keeper.state,
    forget(accountKey) {
      for (const key of shelves.keys()) if (key.startsWith(`${accountKey} `)) shelves.delete(key)
      pool.forget(accountKey)
    },
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
        // A caller that leaves ends its own wait and nothing else: its token becomes a spare.
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
        canMint: () => !closing.aborted && pool.hasRoomFor(account),
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
    shelves.clear()
    await host.close()
  }
}

type MintToken = (account: CookieAccount, generation: WireGeneration) => Promise<MintedToken>

interface MintTokenOptions {
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
function createMintToken(options: MintTokenOptions): MintToken {
  const { pool, keeper, metrics, mintMs } = options

  return async (account, generation) => {
    let doing = () => 'all browser pages were in use: raise BROWSER_MAX_PAGES'
    const missed = () => tokenUnavailable(`none within ${mintMs / 1000} s; ${doing()}`)
    let isOpening = () => false
    const watch = setInterval(() => void keeper.checkAlive(isOpening()), options.silenceMs)
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
        isOpening = () => context.isOpening
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
