import type { CookieAccount } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { ServiceError, UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { MemoryReading, MemoryWatch } from '../core/memory-group.ts'
import type { Metrics } from '../core/metrics.ts'
import type { SiteSessions } from '../core/site-session.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { abortable, withDeadline } from './abortable.ts'
import { type AccountContext, type MintedToken, openAccountContext } from './account-context.ts'
import { type ChromiumKeeper, createChromiumKeeper } from './chromium-keeper.ts'
import { createMintMemory, type MintMemory } from './mint-memory.ts'
import { contextKey, createPagePool, type PagePool } from './page-pool.ts'
import { createPageTransport, type PageTransport } from './page-transport.ts'
import type { RecaptchaSettings } from './recaptcha-site.ts'
import { createRemoteVerifier } from './remote-verifier.ts'
import { createTokenShelf, type TokenShelf } from './token-shelf.ts'
import { firstLine, memoryOr, type TokenRequest, type TokenSource, tokenUnavailable } from './token-source.ts'

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
  const sweeper = setInterval(host.sweep, host.limits.sweepMs).unref()
  return {
    tokens: {
      ...tokens,
      state: host.keeper.state,
      problem: host.keeper.problem,
      async close() {
        clearInterval(sweeper)
        await Promise.all([tokens.close(), host.close()])
      },
    },
    pages: createPages(host),
  }
}

function createPages({ pool, keeper, limits, memory, closing }: BrowserHost): PageTransport {
  return createPageTransport({ ...limits, pool, keeper, memory, signal: closing })
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
  /** Absent: want of memory is not told. */
  readonly memory?: MemoryWatch | undefined
  readonly logger: Logger
  readonly metrics: Pick<
    Metrics,
    'tokensMinted' | 'tokenWaitSeconds' | 'browserLaunches' | 'recaptchaFailing' | 'browserEvictions'
  >
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
  /** A page that was good before and hangs is left for a new one after so long. */
  goodPageMs: 3_000,
  /** Between two probes while no token can be made. */
  probeMs: 30_000,
}

type BrowserHost = ReturnType<typeof createHost>

/** One Chromium and a context an account. */
function createHost(options: EmbeddedSourceOptions) {
  const limits = { ...defaultLimits, ...options.limits }
  const { browserExecutable, proxyUrl, logger, metrics } = options
  const closing = new AbortController()
  let overfullNoted = false
  let evictionNoted = false
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
    onEvicted() {
      metrics.browserEvictions.inc()
      if (evictionNoted) return
      evictionNoted = true
      logger.warn(
        { pages: options.browserMaxPages },
        'accounts take turns at the browser pages, and each page that is opened anew costs a second of processor time: raise BROWSER_MAX_PAGES if there is memory for it',
      )
    },
  })
  return {
    limits,
    keeper,
    pool,
    memory: options.memory,
    closing: closing.signal,
    /** Contexts that nobody uses go, and when there is none any more, Chromium. */
    sweep() {
      if (pool.sweep()) keeper.rest(limits.contextIdleMs)
    },
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
  const memory = createMintMemory({ ...options, ...limits })
  const mintToken = createMintToken({
    ...limits,
    ...{ pool, keeper, metrics, memory, watch: options.memory, signal: closing },
  })
  let probing = false
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
      const { token, mintedAt } = spare ?? (await mintFor(shelf, { account, generation, signal }))
      onOrigin?.(spare === undefined ? 'mint' : 'shelf', clock.now() - mintedAt)
      // Behind the ask that the caller is about to send.
      setImmediate(shelf.refill)
      metrics.tokenWaitSeconds.observe((performance.now() - startedAt) / 1000)
      return token
    },
    warmUp() {
      keeper.chromium(closing).catch(() => {})
    },
    state: keeper.state,
    trouble: () => memory.trouble,
    browserName: keeper.browserName,
    openAccounts,
    problem: keeper.problem,
    forget(accountKey) {
      memory.forget(accountKey)
      for (const key of shelves.keys()) if (key.startsWith(`${accountKey} `)) shelves.delete(key)
      pool.forget(accountKey)
    },
    close() {
      closed ??= closeAll()
      return closed
    },
  }

  function openAccounts(): ReadonlySet<string> {
    const open = pool.openAccounts()
    let more: Set<string> | undefined
    for (const [key, shelf] of shelves) {
      if (shelf.size === 0) continue
      const account = key.slice(0, key.indexOf(' '))
      if (!open.has(account)) more = (more ?? new Set(open)).add(account)
    }
    return more ?? open
  }

  async function mintFor(
    shelf: TokenShelf,
    { account, generation, signal }: TokenRequest,
  ): Promise<MintedToken> {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const minting = mintToken(account, generation)
      try {
        const minted = await abortable(minting, signal)
        if (shelf.isGood(minted)) return minted
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
    host.sweep()
    if (!probing) void probe()
  }

  /** Whether a token can be made again, asked when nobody waits for it. */
  async function probe(): Promise<void> {
    const found = memory.nextProbe()
    if (!found) return
    probing = true
    const { account, generation } = found
    await mintToken(account, generation, true).then(shelfOf(account, generation).put, () => {})
    probing = false
  }

  async function closeAll(): Promise<void> {
    clearInterval(sweeper)
    shelves.clear()
    await host.close()
  }
}

/** @param anyway  also where it is known to fail */
type MintToken = (
  account: CookieAccount,
  generation: WireGeneration,
  anyway?: boolean,
) => Promise<MintedToken>

interface MintTokenOptions {
  readonly pool: Pick<PagePool, 'borrow'>
  readonly keeper: Pick<ChromiumKeeper, 'checkAlive' | 'state'>
  readonly metrics: Pick<Metrics, 'tokensMinted'>
  readonly memory: MintMemory
  readonly watch: MemoryWatch | undefined
  /** For all of one token: Chromium, page, script and call. */
  readonly mintMs: number
  /** How long a mint may be silent before Chromium is asked whether it is alive. */
  readonly silenceMs: number
  /** How long a page that was good before may take for one. */
  readonly goodPageMs: number
  /** Ends every mint with its reason. */
  readonly signal: AbortSignal
}

const maxAttempts = 4

/** Mints one token; begins anew when page or browser break on the way, within one deadline. */
function createMintToken(options: MintTokenOptions): MintToken {
  const { pool, keeper, metrics, memory, mintMs, goodPageMs } = options

  return async (account, generation, anyway = false) => {
    if (!anyway) memory.check(account)
    const startedAt = performance.now()
    let isIn = false
    let doing = () => 'all browser pages were in use: raise BROWSER_MAX_PAGES'
    // Of the first moment at which it seems to take long: most mints cost no look at the memory.
    let mark: MemoryReading | undefined
    const missed = () =>
      tokenUnavailable(`none within ${mintMs / 1000} s; ${memoryOr(options.watch?.shortage(mark), doing())}`)
    let isOpening = () => false
    const watch = setInterval(() => {
      mark ??= options.watch?.mark()
      void keeper.checkAlive(isOpening())
    }, options.silenceMs)
    try {
      const minted = await withDeadline({ ms: mintMs, reason: missed, signal: options.signal }, attempts)
      metrics.tokensMinted.inc({ outcome: 'minted' })
      memory.succeeded(account)
      return minted
    } catch (error) {
      metrics.tokensMinted.inc({ outcome: 'failed' })
      // Neither a want of places nor a Chromium that does not start, which has a back-off of its own.
      if (isIn && keeper.state() === 'ready' && error instanceof ServiceError && !options.signal.aborted)
        memory.failed(account, generation, error, startedAt)
      throw error
    } finally {
      clearInterval(watch)
    }

    async function attempts(signal: AbortSignal): Promise<MintedToken> {
      for (let attempt = 1; ; attempt += 1) {
        const { context, release, discard } = await borrow(signal)
        isIn = true
        doing = () => context.doing
        isOpening = () => context.isOpening
        const wasUsed = context.mints > 0
        try {
          const minting = context.mint(generation)
          return await (wasUsed ? unlessHung(minting, context, signal) : abortable(minting, signal))
        } catch (error) {
          if (signal.aborted || error === hung) discard()
          signal.throwIfAborted()
          const isSites = error instanceof ServiceError
          // What the site did on a fresh page it would do again; a page long open may only have gone stale.
          if (isSites && !wasUsed) throw error
          if (attempt === maxAttempts) throw isSites ? error : brokeDown(error, options.watch?.shortage(mark))
        } finally {
          release()
        }
        await abortable(keeper.checkAlive(), signal)
      }
    }

    /** A page that makes tokens for others meanwhile does not hang: it is busy, or the machine is. */
    async function unlessHung(
      minting: Promise<MintedToken>,
      context: AccountContext,
      limited: AbortSignal,
    ): Promise<MintedToken> {
      for (;;) {
        const { mints } = context
        try {
          return await withDeadline({ ms: goodPageMs, reason: () => hung, signal: limited }, () => minting)
        } catch (error) {
          if (error !== hung || context.mints === mints) throw error
        }
      }
    }

    /** Waits for a place until it is known that no token comes of it. */
    async function borrow(signal: AbortSignal) {
      if (anyway) return pool.borrow(account, signal)
      return pool.borrow(account, AbortSignal.any([signal, memory.signal(account)]))
    }
  }
}

const hung = new Error('the page hung')

const brokeDown = (error: unknown, shortage: string | undefined): UnavailableError =>
  tokenUnavailable(`the browser page broke ${maxAttempts} times (${shortage ?? firstLine(error)})`, {
    cause: error,
  })
