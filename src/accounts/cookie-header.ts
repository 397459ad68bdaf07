import { z } from 'zod'
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
    .replace(/^cookie:/i, '')
    .trim()
  refuseBadCharacters(body, param)
  const parts = body
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  const [first = ''] = parts
  const isBare = parts.length === 1 && isBareSessionId(first)
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

export const isSessionCookie = (cookie: string): boolean =>
  sessionCookieNames.includes(cookie.slice(0, cookie.indexOf('=')).trim())

/** A value without a name; `=` at the end of a long one is the padding of base64. */
export const isBareSessionId = (text: string): boolean =>
  text !== '' && (!text.includes('=') || /^[\w+/-]{15,}={1,2}$/.test(text))

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

/** A cookie without a value says nothing and is left out. */
function joinPairs(parts: readonly string[]): string {
  return parts
    .map((part) => part.split('='))
    .map(([name = '', ...value]) => [name.trim(), ...(value.length > 0 ? [value.join('=').trim()] : [])])
    .filter(([, value]) => value !== '')
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

const cookieSchema = z.object({ name: z.string().min(1), value: z.string(), domain: z.string().optional() })
/** A list as EditThisCookie and Cookie-Editor export it, or the `storageState` of Playwright. */
const exportSchema = z.union([z.array(cookieSchema), z.object({ cookies: z.array(cookieSchema) })])

/** Whether the text is meant as an export: no cookie begins with a bracket. */
export const isCookieExport = (text: string): boolean => /^\s*[[{]/.test(text)

/** A browser's JSON export as the `Cookie` header that the browser would send to `host`. Cookies of other domains are left
 *  out; one without a domain counts as the host's.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseCookieExport(text: string, host: string, param: string): string {
  const cookies = parseExport(text, param).filter(
    ({ domain }) => domain === undefined || covers(domain, host),
  )
  if (cookies.length === 0) throw invalid(`export holds none for ${host}`, param)
  const header = new Map<string, string>()
  for (const { name, value } of cookies) {
    refuseBadCharacters(name + value, param)
    if (/[;=,\s]/.test(name) || value.includes(';'))
      throw invalid('export holds a `;` within a cookie', param)
    if (!header.has(name)) header.set(name, value)
  }
  return [...header].map(([name, value]) => `${name}=${value}`).join('; ')
}

function parseExport(text: string, param: string): z.infer<typeof cookieSchema>[] {
  const parsed = exportSchema.safeParse(parseJson(text, param))
  if (!parsed.success) throw invalid('export is not a list of {name, value, domain}', param)
  return 'cookies' in parsed.data ? parsed.data.cookies : parsed.data
}

function parseJson(text: string, param: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the text.
    throw invalid('export is not valid JSON', param)
  }
}

/** Source: RFC 6265 5.1.3, domain matching. */
function covers(domain: string, host: string): boolean {
  const bare = domain.replace(/^\./, '').toLowerCase()
  return host === bare || host.endsWith(`.${bare}`)
}
