import { createHash } from 'node:crypto'

/** One of the operator's own accounts, as every module knows it. What signs it in never leaves a request to the site or a
 *  page of it. */
export type Account = CookieAccount | ApiKeyAccount

interface AccountIdentity {
  /** First 16 hex digits of SHA-256 over the cookie or API key. */
  readonly key: string
  /** How the account is shown in logs, metrics and pages: `acc_` and 8 hex digits. */
  readonly label: string
  /** http, https or socks5 URL, may hold user and password; undefined: PROXY_URL, if set. */
  readonly proxyUrl?: string | undefined
}

/** Asked over the web session's protocols, with a reCAPTCHA token. */
export interface CookieAccount extends AccountIdentity {
  readonly kind: 'cookie'
  /** A whole `Cookie` header value, e.g. `session_id=…; c1=…` (WIRE 2.3). */
  readonly cookie: string
  /** Of somebody who asked for a token over `/genspark`, not one of ours: it takes no page away from those. */
  readonly isGuest?: boolean
}

/** Asked over the vendor's published surface: neither cookie nor token (WIRE 11). */
export interface ApiKeyAccount extends AccountIdentity {
  readonly kind: 'api-key'
  readonly apiKey: string
}

export function createAccount(cookie: string, proxyUrl?: string): CookieAccount {
  return { kind: 'cookie', ...identify(cookie), cookie, proxyUrl }
}

export function createApiKeyAccount(apiKey: string, proxyUrl?: string): ApiKeyAccount {
  return { kind: 'api-key', ...identify(apiKey), apiKey, proxyUrl }
}

export const accountLabel = (key: string): string => `acc_${key.slice(0, 8)}`

function identify(secret: string): Pick<AccountIdentity, 'key' | 'label'> {
  const key = createHash('sha256').update(secret).digest('hex').slice(0, 16)
  return { key, label: accountLabel(key) }
}
