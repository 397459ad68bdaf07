import type { BrowserContext } from 'playwright'
import type { CookieAccount } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { importedSessions, type SiteSessions } from '../core/site-session.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { settles } from './abortable.ts'
import type { ChromiumKeeper } from './chromium-keeper.ts'
import { describeSite, type RecaptchaSettings } from './recaptcha-site.ts'
import { openRequestPage, type RequestPage, type RequestPageOptions } from './request-page.ts'
import { type SessionSync, syncSession } from './session-sync.ts'
import { openTokenPage, type TokenPage } from './token-page.ts'
import { tokenUnavailable } from './token-source.ts'

export interface MintedToken {
  readonly token: string
  /** Taken before grecaptcha was asked, so that a token is never thought younger than it is. */
  readonly mintedAt: number
}

/** One account's browser context with exactly its cookies; in it a page a generation for tokens, and one for requests, so that a
 *  mint that hangs costs no stream. */
export interface AccountContext {
  /** @throws as `TokenPage.mint`; every failure breaks the context */
  mint(generation: WireGeneration): Promise<MintedToken>
  /** Opens the page for requests unless it is open. @throws as `openRequestPage`; the context stays as it is */
  requestPage(): Promise<RequestPage>
  /** The page for requests, if it is open and takes them. */
  readonly openRequestPage: RequestPage | undefined
  /** What it was doing last, for the message of a missed deadline. */
  readonly doing: string
  /** The context or a page of it is being opened: perhaps Chromium makes none. */
  readonly isOpening: boolean
  readonly mints: number
  /** A failure was seen: it serves those who are in it and nobody else. */
  readonly broken: boolean
  /** Closes its pages for tokens under everybody who mints, while requests go on. */
  closeTokenPages(): void
  close(): Promise<void>
}

export interface AccountContextOptions
  extends RecaptchaSettings,
    Pick<RequestPageOptions, 'challengeMs' | 'silenceMs' | 'answerMs'> {
  readonly account: CookieAccount
  readonly keeper: Pick<ChromiumKeeper, 'chromium' | 'checkAlive'>
  readonly clock: Clock
  /** Absent: cookies stay as they were imported. */
  readonly sessions?: SiteSessions
  readonly graceMs: number
  readonly scriptMs: number
  /** A hung page must not hold up the close of its context. */
  readonly closeMs: number
  readonly onBroken: () => void
}

interface OpeningPage {
  readonly opening: Promise<RequestPage>
  page?: RequestPage
}

export function openAccountContext(options: AccountContextOptions): AccountContext {
  const closing = new AbortController()
  const pages = new Map<WireGeneration, Promise<TokenPage>>()
  let context: Promise<BrowserContext> | undefined
  let sync: SessionSync | undefined
  let requests: OpeningPage | undefined
  let doing = 'Chromium was starting'
  let opening = 0
  let mints = 0
  let broken = false
  let isAttached = false
  let hasNetwork = () => true

  async function openContext(): Promise<BrowserContext> {
    const { label, proxyUrl } = options.account
    const chromium = await options.keeper.chromium(closing.signal)
    isAttached = chromium.pid === undefined
    doing = 'a browser context was opening'
    const own = proxyUrl === undefined ? undefined : { url: proxyUrl, source: label }
    const proxy = await chromium.openProxy(own)
    const opened = await chromium.browser
      .newContext({
        serviceWorkers: 'block',
        acceptDownloads: false,
        ...(proxy && { proxy: proxy.proxy }),
      })
      .catch((error: unknown) => {
        proxy?.close()
        throw error
      })
    opened.once('close', () => {
      proxy?.close()
      breakDown()
    })
    // What a page of the site opens beside itself serves nobody.
    opened.on('page', (page) => page.on('popup', (popup) => void popup.close().catch(() => {})))
    try {
      const sessions = options.sessions ?? importedSessions
      sync = await syncSession(opened, { ...options, sessions, isIntact: () => hasNetwork() })
    } catch {
      // Playwright's message would hold the cookies.
      if (broken || !chromium.browser.isConnected()) throw new Error('the browser ended')
      await opened.close().catch(() => {})
      throw tokenUnavailable(`the browser refuses the cookies of ${label}`, { retryable: false })
    }
    hasNetwork = await chromium.watchNetwork()
    // The jar may have been lost before the watch began.
    if ((await opened.cookies()).length > 0) return opened
    await opened.close().catch(() => {})
    throw new Error(lostCookies)
  }

  function checkCookies(): void {
    if (hasNetwork()) return
    breakDown()
    throw new Error(lostCookies)
  }

  async function openPage(generation: WireGeneration): Promise<TokenPage> {
    context ??= openContext()
    const opened = await context
    return openTokenPage(opened, {
      site: describeSite(generation, options),
      graceMs: options.graceMs,
      scriptMs: options.scriptMs,
      withoutPictures: isAttached,
      doing: (what) => {
        doing = what
      },
      onCrash: breakDown,
    })
  }

  async function openPageForRequests(): Promise<RequestPage> {
    context ??= openContext()
    const opened = await context.catch((error) => {
      breakDown()
      throw error
    })
    const { pageUrl } = describeSite('agent', options)
    doing = `${pageUrl} was loading: check the network and PROXY_URL`
    return openRequestPage(opened, {
      ...options,
      url: pageUrl,
      withoutPictures: isAttached,
      onSilent: () => void options.keeper.checkAlive(),
      hasCookies: () => hasNetwork(),
    })
  }

  function breakDown(): void {
    if (broken) return
    broken = true
    options.onBroken()
  }

  return {
    get doing() {
      return doing
    },
    get isOpening() {
      return opening > 0
    },
    get mints() {
      return mints
    },
    get broken() {
      return broken
    },
    get openRequestPage() {
      if (requests?.page?.isOver !== false) return undefined
      if (hasNetwork()) return requests.page
      breakDown()
      return undefined
    },
    async requestPage() {
      checkCookies()
      await sync?.load()
      if (requests?.page?.isOver) requests = undefined
      if (!requests) {
        const current: OpeningPage = { opening: openPageForRequests() }
        requests = current
        current.opening.then(
          (page) => {
            current.page = page
          },
          () => {
            if (requests === current) requests = undefined
          },
        )
      }
      return requests.opening
    },
    async mint(generation) {
      try {
        await sync?.load()
        let page = pages.get(generation)
        if (!page) {
          opening += 1
          page = openPage(generation).finally(() => {
            opening -= 1
          })
          pages.set(generation, page)
        }
        const opened = await page
        checkCookies()
        const mintedAt = options.clock.now()
        const token = await opened.mint()
        checkCookies()
        mints += 1
        return { token, mintedAt }
      } catch (error) {
        breakDown()
        throw error
      }
    },
    closeTokenPages() {
      broken = true
      // One that is still opening is left alone: it loads, it does not loop.
      for (const page of pages.values())
        void page.then(
          (opened) => opened.close(),
          () => {},
        )
    },
    async close() {
      broken = true
      closing.abort(new Error('the browser context was closed'))
      const closed = context?.then((opened) => opened.close()) ?? Promise.resolve()
      if (await settles(closed, options.closeMs)) return
      await options.keeper.checkAlive()
      await settles(closed, options.closeMs)
    },
  }
}

const lostCookies = 'the network process of Chromium ended, and the cookies with it'
