import type { BrowserContext } from 'playwright'
import type { CookieAccount } from '../core/account.ts'
import { createInTurn } from '../core/in-turn.ts'
import { type SetCookie, type SiteSessions, sessionCookieNames } from '../core/site-session.ts'

/** Keeps the cookies of a context and those of its account the same, whoever has them renewed. */
export interface SessionSync {
  /** Takes over what was renewed elsewhere; undefined, at once, when nothing was. To be called before the context is used. */
  load(): Promise<void> | undefined
}

export interface SessionSyncOptions {
  readonly account: CookieAccount
  readonly baseUrl: string
  readonly sessions: SiteSessions
  /** Whether the jar is the one that was filled here: what another has, or lacks, is nothing that the site did. */
  readonly isIntact: () => boolean
}

/** Gives a new context the cookies of its account, and from then on reads back what the site renews in it. The jar is read only
 *  after a reply that sets one of the session's cookies: no mint and no answer pays for it otherwise.
 *  @throws Playwright's error when the browser refuses the cookies; its message would hold them */
export async function syncSession(
  context: BrowserContext,
  { account, baseUrl, sessions, isIntact }: SessionSyncOptions,
): Promise<SessionSync> {
  const { origin, hostname } = new URL(baseUrl)
  const inTurn = createInTurn()
  let revision = sessions.revisionOf(account)
  const first = parseBrowserCookies(sessions.cookieOf(account), baseUrl)
  /** What the jar has, as far as is known here. */
  const known = new Map(first.map(({ name, value }) => [name, value]))
  /** The site's own cookies are for all of its hosts, the imported ones for one. */
  const domains = new Map<string, string>()
  await context.addCookies(first)

  context.on('response', (response) => {
    if (response.status() > 299 || !response.url().startsWith(`${origin}/`)) return
    // A page that goes away meanwhile leaves no headers; its jar is read after the next reply.
    const header = response.headerValue('set-cookie').catch(() => null)
    void header.then((lines) => {
      if (lines !== null && setsSession.test(lines)) void inTurn(readBack).catch(() => {})
    })
  })

  async function readBack(): Promise<void> {
    const jar = await context.cookies(baseUrl)
    if (!isIntact()) return
    const set: SetCookie[] = []
    for (const name of sessionCookieNames) {
      const found = jar.filter((cookie) => cookie.name === name)
      const renewed = found.find(({ value }) => value !== known.get(name))
      if (renewed) {
        // The browser sends both, the older first, and the site takes the first.
        for (const { domain } of found.filter((cookie) => cookie !== renewed))
          await context.clearCookies({ name, domain })
        known.set(name, renewed.value)
        domains.set(name, renewed.domain)
        const endsMs = renewed.expires > 0 ? Math.round(renewed.expires * 1000) : undefined
        set.push({ name, value: renewed.value, endsMs })
      } else if (found.length === 0 && known.delete(name)) set.push({ name, value: '', endsMs: undefined })
    }
    if (set.length > 0) sessions.renew(account, set)
  }

  async function takeOver(): Promise<void> {
    revision = sessions.revisionOf(account)
    const cookies = parseBrowserCookies(sessions.cookieOf(account), baseUrl)
    const changed = cookies.filter(({ name, value }) => known.get(name) !== value)
    if (changed.length > 0)
      await context.addCookies(
        changed.map((cookie) => ({ ...cookie, domain: domains.get(cookie.name) ?? hostname })),
      )
    for (const { name, value } of changed) known.set(name, value)
    const names = new Set(cookies.map(({ name }) => name))
    for (const name of sessionCookieNames)
      if (!names.has(name) && known.delete(name)) await context.clearCookies({ name })
  }

  return {
    load: () => (sessions.revisionOf(account) === revision ? undefined : inTurn(takeOver)),
  }
}

const setsSession = new RegExp(`^(?:${sessionCookieNames.join('|')})=`, 'm')

/** A cookie as Playwright's `addCookies` takes it, host-only. */
interface BrowserCookie {
  readonly name: string
  readonly value: string
  readonly domain: string
  readonly path: '/'
  readonly secure: boolean
}

/** Turns a `Cookie` header into the cookies of a browser context, values untouched. */
export function parseBrowserCookies(header: string, baseUrl: string): BrowserCookie[] {
  const { hostname, protocol } = new URL(baseUrl)
  return header.split(';').flatMap((pair) => {
    const separator = pair.indexOf('=')
    if (separator < 0) return []
    const name = pair.slice(0, separator).trim()
    const value = pair.slice(separator + 1).trim()
    // Browsers refuse the two prefixed names without the flag, and send it over http to loopback all the same.
    const secure = protocol === 'https:' || /^__(Secure|Host)-/i.test(name)
    return [{ name, value, domain: hostname, path: '/', secure }]
  })
}
