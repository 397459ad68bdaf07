// Module `browser`: makes reCAPTCHA tokens with the site's own script in an ordinary Chromium page of the account's session, or
// asks the operator's own token service for them; carries requests to the site by such a page (`page-transport`), without knowing
// what they ask. Touches `core` and Playwright.

import type { CookieAccount } from '../core/account.ts'
import { type ServiceErrorOptions, UnavailableError } from '../core/errors.ts'
import type { WireGeneration } from '../core/wire-generation.ts'

export interface TokenRequest {
  readonly account: CookieAccount
  /** Each generation has its page, key and action (WIRE 3.2). */
  readonly generation: WireGeneration
  readonly signal: AbortSignal
  /** Told where the token comes from and how old it is, before it is given out. A token service does not say how old. */
  readonly onOrigin?: (origin: 'shelf' | 'mint' | 'remote', ageMs?: number) => void
}

/** `off`: no browser of ours, RECAPTCHA_MODE=off or remote. `idle`: not launched yet. `down`: waits before the next launch. */
export type BrowserState = 'off' | 'idle' | 'starting' | 'ready' | 'down'

export interface MintTrouble {
  readonly cause: string
  /** How many accounts get no token; all: every way to the site that was tried. */
  readonly accounts: number | 'all'
}

export interface TokenSource {
  /** A token that was never given out before and is younger than `TOKEN_MAX_AGE_S`.
   *  @returns undefined only in mode `off`
   *  @throws {UnavailableError} `token_unavailable`, the true cause in its message @throws {UpstreamError} `challenged` */
  token(request: TokenRequest): Promise<string | undefined>
  /** Launches in the background, so that the first request need not wait for Chromium. Never throws. */
  warmUp(): void
  state(): BrowserState
  /** Keys of the accounts for which a token costs least: their page is open, or a spare one is there. Cheap. */
  openAccounts?(): ReadonlySet<string>
  /** Accounts for which it is known that no token can be made. */
  trouble?(): MintTrouble | undefined
  /** Why it is `down`, for the operator; it holds no secret. */
  problem?(): string | undefined
  /** Program and version of the browser that makes them, once it runs. */
  browserName?(): string | undefined
  /** The account is there no more: nothing of it stays open. */
  forget(accountKey: string): void
  /** Closes pages and the browser; after it no process of ours is left. */
  close(): Promise<void>
}

/** @param cause  what went wrong and what to do about it, for the operator's eyes; it holds no secret */
export const tokenUnavailable = (
  cause: string,
  options: Pick<ServiceErrorOptions, 'cause' | 'retryable' | 'retryAfterMs'> = {},
): UnavailableError =>
  new UnavailableError('token_unavailable', { message: `No reCAPTCHA token: ${cause}.`, ...options })

/** The first line of an error, without Playwright's call log. */
export const firstLine = (error: unknown): string =>
  ((error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '').slice(0, 300)

/** What was being done when a deadline passed, with its own advice, unless memory was short: then that, and what was being done. */
export const memoryOr = (shortage: string | undefined, doing: string): string =>
  shortage === undefined
    ? doing
    : `${shortage}, while ${doing.split(': ', 1)[0]}; give the service more memory, or set GENSPARK_API_KEY, RECAPTCHA_PROXY_URL or BROWSER_ENDPOINT`
