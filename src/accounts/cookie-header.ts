import type { Account } from '../core/account.ts'
import { InvalidRequestError } from '../core/errors.ts'

/** Names under which the session is known; one of them alone makes an account. */
const sessionCookieNames: readonly string[] = ['session_id', '__Secure-next-auth.session-token']

/** What servers commonly take as one header line. */
const maxHeaderChars = 16 * 1024

/** One account's cookies, written in one way: `name=value` joined by `; `, order kept, empty parts left out. Takes a whole
 *  header with or without `Cookie:`, or a bare session id, which gets `session_id=`.
 *  @param param  where the text came from, in the caller's words
 *  @throws {InvalidRequestError} `invalid_value`: empty, over 16 KiB, or a character that no header may carry */
export function parseCookieHeader(text: string, param: string): string {
  const body = unquote(text)
    .replace(/^(?:cookie:\s*)+/i, '')
    .trim()
  refuseBadCharacters(body, param)
  const parts = body
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const [first = ''] = parts
  const isBare = parts.length === 1 && isBareSessionId(first)
  if (isBare && !isIdLike(first)) throw invalid('is none: give session_id=…, or what a browser copies', param)
  const header = isBare ? `session_id=${first}` : joinPairs(parts)
  if (header === '') throw invalid('is empty', param)
  if (header.length > maxHeaderChars) throw invalid(`is over ${maxHeaderChars / 1024} KiB`, param)
  return header
}

/** The first session cookie of a header, as it stands there. */
export function findSession(header: string): string | undefined {
  return header
    .split(';')
    .map((cookie) => cookie.trim())
    .find(isSessionCookie)
}

export const isSessionName = (name: string): boolean => sessionCookieNames.includes(name)

export const isSessionCookie = (cookie: string): boolean =>
  sessionCookieNames.includes(cookie.slice(0, cookie.indexOf('=')).trim())

/** A value without a name; `=` at the end of a long one is the padding of base64. */
export const isBareSessionId = (text: string): boolean =>
  text !== '' && (!text.includes('=') || /^[\w+/-]{15,}={1,2}$/.test(text))

/** No words, no markup, no address, no name that lost its value. */
const isIdLike = (text: string): boolean =>
  /^[^\s"'<>(){}[\]\\]+$/.test(text) && !text.includes('://') && !isSessionName(text)

/** What makes two accounts one: the session, whatever other cookies stand around it, or the API key. Listed twice an account
 *  would get twice its cap. It is a secret. */
export function identityOf(account: Account): string {
  if (account.kind === 'api-key') return account.apiKey
  return findSession(account.cookie) ?? account.cookie
}

/** @throws {InvalidRequestError} `invalid_value`; the message names the character's kind and place, never the text */
export function refuseBadCharacters(text: string, param: string): void {
  const at = text.search(/[^\x20-\x7e]/)
  if (at === -1) return
  throw invalid(`holds ${kindOf(text.charCodeAt(at))} at character ${at + 1}`, param)
}

export function invalid(fault: string, param: string): InvalidRequestError {
  return new InvalidRequestError('invalid_value', { message: `The cookie ${fault}.`, param })
}

/** Of a `Set-Cookie` line, copied along with its cookie. */
const attributeNames: ReadonlySet<string> = new Set(
  'path domain expires max-age httponly secure samesite priority partitioned'.split(' '),
)

/** A cookie without a value says nothing and is left out. */
function joinPairs(parts: readonly string[]): string {
  return parts
    .map((part) => part.split('='))
    .map(([name = '', ...value]) => [name.trim(), ...(value.length > 0 ? [value.join('=').trim()] : [])])
    .filter(([name = '', value]) => value !== '' && !attributeNames.has(name.toLowerCase()))
    .map((pair) => pair.join('='))
    .join('; ')
}

/** Docker's `--env-file` keeps the quotes that a shell removes. */
const unquote = (text: string): string => text.trim().replace(/^(["'])([^"']*)\1$/, '$2')

function kindOf(code: number): string {
  if (code === 10 || code === 13) return 'a line break'
  if (code === 0) return 'a NUL'
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 'a control character'
  return 'a character outside ASCII (browsers send it percent-encoded: copy the header from the network panel)'
}
