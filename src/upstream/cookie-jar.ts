import { LRUCache } from 'lru-cache'
import type { CookieAccount } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import type { ReplyRequest } from '../core/open-reply.ts'
import { isSessionCookieName, mergeCookies, type SetCookie, type SiteSessions } from '../core/site-session.ts'
import { isOwnHost } from './request-headers.ts'

/** The cookies of this process's own connections to the site. */
export interface CookieJar {
  /** The `Cookie` header of the account, as it is to be sent now. */
  cookieOf(account: CookieAccount): string
  /** Takes the `Set-Cookie` lines of a reply, before anybody hears of it. */
  take(
    request: Pick<ReplyRequest, 'account' | 'url'>,
    status: number,
    lines: string | readonly string[],
  ): void
}

export interface CookieJarOptions {
  readonly baseUrl: string
  readonly sessions: SiteSessions
  readonly clock: Clock
}

const maxAccounts = 10_000
/** Of an account; two are known. */
const maxEdgeCookies = 8

/** Written by hand and no `tough-cookie`: there is one site, one path and a handful of names. What belongs to the session goes to
 *  `sessions`, for every program that asks; what the edge gives to these connections (`__cf_bm`, `cf_clearance`, WIRE 2.3) stays
 *  here, in memory, for each account and proxy. */
export function createCookieJar({ baseUrl, sessions, clock }: CookieJarOptions): CookieJar {
  const { hostname: site } = new URL(baseUrl)
  const edgeCookies = new LRUCache<string, ReadonlyMap<string, SetCookie>>({ max: maxAccounts })

  function keepEdgeCookies(account: CookieAccount, cookies: readonly SetCookie[]): void {
    const key = placeOf(account)
    const jar = new Map(edgeCookies.get(key))
    for (const cookie of cookies)
      if (jar.size < maxEdgeCookies || jar.has(cookie.name)) jar.set(cookie.name, cookie)
    edgeCookies.set(key, jar)
  }

  return {
    cookieOf(account) {
      const header = sessions.cookieOf(account)
      // Most accounts have none: the look-up alone would build a key for each request.
      if (edgeCookies.size === 0) return header
      const jar = edgeCookies.get(placeOf(account))
      if (!jar) return header
      const nowMs = clock.now()
      return mergeCookies(
        header,
        new Map([...jar.values()].map((cookie) => [cookie.name, isOver(cookie, nowMs) ? '' : cookie.value])),
      )
    },

    take({ account, url }, status, lines) {
      if (account?.kind !== 'cookie' || !isOwnHost(url, baseUrl)) return
      const set = [lines]
        .flat()
        .flatMap((line) => parseSetCookie(line, { host: url.hostname, site, nowMs: clock.now() }) ?? [])
      const ofEdge = set.filter(({ name }) => isEdgeCookie(name))
      if (ofEdge.length > 0) keepEdgeCookies(account, ofEdge)
      // A refusal may begin the session of a guest, which is not the account's.
      const ofSession = status < 300 ? set.filter(({ name }) => isSessionCookieName(name)) : []
      if (ofSession.length > 0) sessions.renew(account, ofSession)
    },
  }
}

/** The edge binds its cookies to the visitor's address. */
const placeOf = ({ key, proxyUrl = '' }: CookieAccount): string => `${key} ${proxyUrl}`

/** Cloudflare's: `__cf_bm`, `cf_clearance`, `_cfuvid`, `__cflb`. */
const isEdgeCookie = (name: string): boolean => /^(?:__?cf|cf_)/.test(name)

const isOver = ({ value, endsMs }: SetCookie, nowMs: number): boolean =>
  value === '' || (endsMs !== undefined && endsMs <= nowMs)

const maxValueLength = 4096

/** One `Set-Cookie` line. @returns undefined for one that a browser would not keep for `site`
 *  Source: RFC 6265 5.2, 5.3 */
export function parseSetCookie(
  line: string,
  { host, site, nowMs }: { readonly host: string; readonly site: string; readonly nowMs: number },
): SetCookie | undefined {
  const [pair = '', ...attributes] = line.split(';')
  const at = pair.indexOf('=')
  if (at < 1) return undefined
  const name = pair.slice(0, at).trim()
  const value = pair.slice(at + 1).trim()
  // Such characters would break out of the header that it is sent in.
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[^\x21-\x7e]|;/.test(value) || value.length > maxValueLength)
    return undefined
  const found = new Map(
    attributes.map((attribute) => {
      const [key = '', ...rest] = attribute.split('=')
      return [key.trim().toLowerCase(), rest.join('=').trim()]
    }),
  )
  const domain = (found.get('domain') ?? '').replace(/^\./, '').toLowerCase() || host
  if (site !== domain && !site.endsWith(`.${domain}`)) return undefined
  const endsMs = endOf(found.get('max-age'), found.get('expires'), nowMs)
  return { name, value: endsMs !== undefined && endsMs <= nowMs ? '' : value, endsMs }
}

/** No browser keeps a cookie for longer. */
const maxLifeMs = 400 * 24 * 60 * 60 * 1000

/** `Max-Age` wins over `Expires`. */
function endOf(maxAge: string | undefined, expires: string | undefined, nowMs: number): number | undefined {
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge))
    return nowMs + Math.min(Number(maxAge) * 1000, maxLifeMs)
  const endsMs = Date.parse(expires ?? '')
  return Number.isNaN(endsMs) ? undefined : Math.min(endsMs, nowMs + maxLifeMs)
}
