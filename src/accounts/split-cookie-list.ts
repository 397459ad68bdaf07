import { findSession, isBareSessionId, isSessionCookie } from './cookie-header.ts'
import { splitProxySuffix } from './proxy-suffix.ts'

/** Splits a comma list of cookies into one text an account.
 *
 *  Cookie values may hold commas too. A comma begins a new account when what follows it, up to the next comma,
 *  1. is a session id alone: no `=`, blank, quote or bracket (`a,b`), or
 *  2. begins with `Cookie:` or a session cookie (`…,session_id=b; c1=2`), or
 *  3. begins with another cookie and names a session cookie further on, while the account before it has its own
 *     (`session_id=a,c1=2; session_id=b`).
 *  Any other comma belongs to the value before it (`a=1; b=2,c=3` is one account), as does a comma between double quotes.
 *  An account may end in `@` and its proxy; rule 1 looks at what stands before it.
 *  A value that ends in a comma and a plain word is told from rule 1 by putting it between quotes. */
export function splitCookieList(text: string): string[] {
  const items: Item[] = []
  for (const piece of splitAtCommas(text)) {
    const last = items.at(-1)
    const cookie = splitProxySuffix(piece).secret
    if (!last || beginsAccount(cookie, last)) items.push({ pieces: [piece], hasSession: hasSession(cookie) })
    else {
      last.pieces.push(piece)
      last.hasSession ||= hasSession(cookie)
    }
  }
  return items.map(({ pieces }) => withoutCommasAround(pieces.join(','))).filter((item) => item !== '')
}

interface Item {
  readonly pieces: string[]
  hasSession: boolean
}

/** Splits at every comma that is not within a quoted value (`name="a,b"`). */
const splitAtCommas = (text: string): string[] => text.match(/(?:="[^";]*"|[^,])+|(?<=,)(?=,)/g) ?? []

function beginsAccount(piece: string, before: Item): boolean {
  const text = piece.trim()
  if (isBareSessionId(text)) return idCharacters.test(text)
  if (/^cookie:/i.test(text)) return true
  const [first = ''] = text.split(';')
  if (isSessionCookie(first)) return true
  return first.includes('=') && before.hasSession && hasSession(text)
}

const idCharacters = /^[^ \t;"{}[\]()]+$/

const hasSession = (piece: string): boolean =>
  isBareSessionId(piece.trim()) || findSession(piece.replace(/^\s*cookie:/i, '')) !== undefined

/** By hand: a pattern takes quadratic time for a long run of commas. */
function withoutCommasAround(item: string): string {
  let start = 0
  let end = item.length
  while (start < end && /[,\s]/.test(item.charAt(start))) start += 1
  while (end > start && /[,\s]/.test(item.charAt(end - 1))) end -= 1
  return item.slice(start, end)
}
