import type { CookieAccount } from './account.ts'

/** What the site renews of a session by `Set-Cookie`, and any program that asks for the account must send from then on. Cookies
 *  of the site's edge are not among them: they belong to the connections that got them. Source: WIRE 2.3 */
export const sessionCookieNames = ['session_id', 'c1', 'c2', 'gslogin'] as const
export type SessionCookieName = (typeof sessionCookieNames)[number]

/** A cookie that the site has set. */
export interface SetCookie {
  readonly name: string
  /** '' where the site took it away. */
  readonly value: string
  /** Undefined: it lasts as long as the session. */
  readonly endsMs: number | undefined
}

/** The cookies of the accounts as they are now. `CookieAccount.cookie` is what was imported and never changes: whoever sends
 *  cookies asks here at the moment of sending, also in the middle of a lease. */
export interface SiteSessions {
  /** A whole `Cookie` header value. */
  cookieOf(account: CookieAccount): string
  /** Grows whenever `cookieOf` changes; 0 for what was imported. Of this process alone. */
  revisionOf(account: CookieAccount): number
  /** The site has set these in a good answer. Names that are none of a session are left out. */
  renew(account: CookieAccount, cookies: readonly SetCookie[]): void
  /** Looks for what another replica had renewed a moment ago. Never rejects. @returns whether `cookieOf` changed */
  refresh(account: CookieAccount): Promise<boolean>
}

/** For those who have nowhere to keep what is renewed. */
export const importedSessions: SiteSessions = {
  cookieOf: ({ cookie }) => cookie,
  revisionOf: () => 0,
  renew() {},
  refresh: async () => false,
}

export const isSessionCookieName = (name: string): name is SessionCookieName =>
  (sessionCookieNames as readonly string[]).includes(name)

/** A header with other values for some names: in their places, new ones at the end, those that are `''` left out. */
export function mergeCookies(header: string, values: ReadonlyMap<string, string>): string {
  const left = new Map(values)
  const pairs = header.split(/; */).flatMap((pair) => {
    const name = pair.slice(0, pair.indexOf('='))
    if (!values.has(name)) return [pair]
    const value = left.get(name)
    left.delete(name)
    return value ? [`${name}=${value}`] : []
  })
  const added = [...left].flatMap(([name, value]) => (value === '' ? [] : [`${name}=${value}`]))
  return [...pairs, ...added].join('; ')
}
