import { randomUUID } from 'node:crypto'

/** The names that the site re-issues by `Set-Cookie` (WIRE 2.3); `cf_clearance` comes from its edge alone. */
export type RenewedCookie = 'session_id' | 'c1' | 'c2' | 'gslogin' | '__cf_bm'

export interface RollOptions {
  /** The answer that brings the new cookies, by method and path, e.g. `POST /api/agent/ask_proxy`. Default: the next one of
   *  the site's own routes. */
  readonly on?: string
  /** What is re-issued. Default: all; without `session_id` the session stays as it is. */
  readonly names?: readonly RenewedCookie[]
}

/** Who is signed in by which `session_id`, and when the site gives out another one (WIRE 2.3). */
export function createSessions(signedOut: readonly string[] = []) {
  const guests = new Set(signedOut)
  const accounts = new Map<string, string>()
  const renewed = new Set<string>()
  const rolls = new Map<string, RollOptions & { readonly newId: string }>()
  const accountOf = (sessionId: string): string => accounts.get(sessionId) ?? sessionId

  return {
    signOut: (sessionId: string) => void guests.add(sessionId),
    /** @param account  the session id that the account was first known by. Default: this one */
    signIn(sessionId: string, account?: string) {
      guests.delete(sessionId)
      if (account !== undefined) accounts.set(sessionId, accountOf(account))
    },
    isGuest: (sessionId: string) => guests.has(sessionId),
    /** Names the account whose session it is, by its first session id. */
    accountOf,

    /** @returns the `session_id` that comes */
    roll(sessionId: string, options: RollOptions = {}): string {
      const newId = randomUUID()
      accounts.set(newId, accountOf(sessionId))
      rolls.set(sessionId, { ...options, newId })
      return newId
    },

    /** The `Set-Cookie` lines for the answer to this request; what they replace is a guest's from now on. */
    renew(sessionId: string, { route, isSecure }: { route: string; isSecure: boolean }): string[] {
      const roll = rolls.get(sessionId)
      if (!roll || (roll.on ?? route) !== route) return []
      rolls.delete(sessionId)
      renewed.add(accountOf(sessionId))
      const names = roll.names ?? allNames
      if (names.includes('session_id')) guests.add(sessionId)
      return names.map((name) => setCookie(name, name === 'session_id' ? roll.newId : randomUUID(), isSecure))
    },

    /** The same text for every `Cookie` header of one account's browser: before and after its cookies were renewed. */
    identify(cookie: string): string {
      const pairs = cookie.split(';').map((pair) => pair.trim())
      const sessionId = pairs.find((pair) => pair.startsWith('session_id='))?.slice('session_id='.length)
      const account = sessionId === undefined ? undefined : accountOf(sessionId)
      const isRenewed = account !== undefined && renewed.has(account)
      return pairs
        .filter((pair) => !(isRenewed && /^(?:c1|c2|gslogin)=/.test(pair)))
        .map((pair) => (pair.startsWith('session_id=') ? `session_id=${account}` : pair))
        .sort()
        .join('; ')
    },
  }
}

const allNames = ['session_id', 'c1', 'c2', 'gslogin', '__cf_bm'] as const

const day = 24 * 60 * 60
const attributes: Readonly<Record<RenewedCookie, string>> = {
  session_id: `; Max-Age=${20 * day}; HttpOnly`,
  c1: `; Max-Age=${day}`,
  c2: `; Max-Age=${day}`,
  gslogin: '',
  __cf_bm: '; Max-Age=1800; HttpOnly',
}

const setCookie = (name: RenewedCookie, value: string, isSecure: boolean): string =>
  `${name}=${value}; Path=/${attributes[name]}${isSecure ? '; Secure' : ''}`
