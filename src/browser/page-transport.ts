import type { CookieAccount } from '../core/account.ts'
import { ServiceError, UpstreamError } from '../core/errors.ts'
import type { MemoryReading, MemoryWatch } from '../core/memory-group.ts'
import type { Reply, ReplyRequest } from '../core/open-reply.ts'
import { abortable, withDeadline } from './abortable.ts'
import type { ChromiumKeeper } from './chromium-keeper.ts'
import type { BorrowedContext, PagePool } from './page-pool.ts'
import { firstLine, memoryOr } from './token-source.ts'

/** Carries requests to the site by a `fetch` of its own page in our Chromium, in the context of the account: for the site's edge
 *  the request of a browser, which it is. */
export interface PageTransport {
  /** Contract: `OpenReply`. Without an account the request goes by any page that is open.
   *  @returns undefined without account and open page */
  openReply(request: ReplyRequest): Promise<Reply | undefined>
}

export interface PageTransportOptions {
  readonly pool: Pick<PagePool, 'borrow' | 'borrowOpen'>
  readonly keeper: Pick<ChromiumKeeper, 'checkAlive'>
  /** For Chromium, context and page, before a request can be sent. */
  readonly openMs: number
  /** How long the opening may be silent before Chromium is asked whether it is alive. */
  readonly silenceMs: number
  readonly memory?: MemoryWatch | undefined
  /** Ends every opening with its reason. */
  readonly signal: AbortSignal
}

/** Of pages that break while they open; what was sent is never sent twice. */
const maxOpenings = 3

export function createPageTransport(options: PageTransportOptions): PageTransport {
  const { pool, keeper, openMs, silenceMs } = options

  return {
    async openReply(request) {
      const { account, signal } = request
      options.signal.throwIfAborted()
      signal.throwIfAborted()
      if (account?.kind !== 'cookie') {
        const borrowed = pool.borrowOpen()
        return borrowed && send(request, borrowed)
      }
      for (let opening = 1; ; opening += 1) {
        const borrowed = await open(account, signal)
        const reply = await send(request, borrowed)
        if (reply) return reply
        // The page broke between its opening and the request.
        if (opening === maxOpenings) throw broken(opening, 'it does not last')
      }
    },
  }

  /** A place in the account's context, with its page open. */
  async function open(account: CookieAccount, signal: AbortSignal): Promise<BorrowedContext> {
    let doing = () => 'all browser pages were in use: raise BROWSER_MAX_PAGES'
    let mark: MemoryReading | undefined
    const missed = () =>
      new UpstreamError('unavailable', {
        message: `The page that asks Genspark was not open within ${openMs / 1000} s; ${memoryOr(options.memory?.shortage(mark), doing())}.`,
      })
    const watch = setInterval(() => {
      mark ??= options.memory?.mark()
      void keeper.checkAlive(true)
    }, silenceMs)
    const stop = new AbortController()
    const onStop = () => stop.abort(options.signal.reason)
    options.signal.addEventListener('abort', onStop, { once: true })
    const onLeave = () => stop.abort(signal.reason)
    signal.addEventListener('abort', onLeave, { once: true })
    try {
      return await withDeadline({ ms: openMs, reason: missed, signal: stop.signal }, async (limited) => {
        for (let opening = 1; ; opening += 1) {
          const borrowed = await pool.borrow(account, limited, 'request')
          doing = () => borrowed.context.doing
          try {
            await abortable(borrowed.context.requestPage(), limited)
            return borrowed
          } catch (error) {
            const isLate = limited.aborted && !stop.signal.aborted
            if (isLate) borrowed.discard()
            borrowed.release()
            limited.throwIfAborted()
            if (error instanceof ServiceError) throw error
            if (opening === maxOpenings) throw broken(opening, firstLine(error), error)
          }
          await abortable(keeper.checkAlive(), limited)
        }
      })
    } finally {
      clearInterval(watch)
      options.signal.removeEventListener('abort', onStop)
      signal.removeEventListener('abort', onLeave)
    }
  }

  /** @returns undefined when the page is over and nothing was sent */
  async function send(
    request: ReplyRequest,
    { context, release }: BorrowedContext,
  ): Promise<Reply | undefined> {
    const page = context.openRequestPage
    if (!page) {
      release()
      return undefined
    }
    return page.open(request, release)
  }
}

const broken = (openings: number, words: string, cause?: unknown): UpstreamError =>
  new UpstreamError('unavailable', {
    message: `The page that asks Genspark broke ${openings} times (${words}).`,
    cause,
  })
