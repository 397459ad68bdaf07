import { type CookieAccount, createAccount } from '../core/account.ts'
import { InvalidRequestError } from '../core/errors.ts'
import { identityOf } from './account-identity.ts'
import { findSession, invalid, parseCookieHeader, refuseBadCharacters } from './cookie-header.ts'
import { isCookieExport, parseCookieExport } from './parse-cookie-export.ts'
import { parseProxyUrl, splitProxySuffix } from './proxy-suffix.ts'
import { splitCookieList } from './split-cookie-list.ts'

export interface ParsedCookies {
  /** Each account once, in the order given. */
  readonly accounts: readonly CookieAccount[]
  /** What is odd or was left out, in words and by number; never the cookie. */
  readonly problems: readonly string[]
}

export interface ParseCookieOptions {
  /** Whose cookies are taken from a browser's export. Default `www.genspark.ai`. */
  readonly host?: string
  /** Where the text came from: the field that an error names. */
  readonly param?: string
}

/** An export of a browser with many tabs stays well below. */
const maxInputChars = 1024 * 1024

/** GS_COOKIE: a comma list of cookies (rules: `splitCookieList`), each also as `COOKIE@proxy-url`, or one browser export. An item that cannot be read becomes a
 *  problem, the others are taken. */
export function parseCookieList(text: string, options: ParseCookieOptions = {}): ParsedCookies {
  const { host = defaultHost, param = 'GS_COOKIE' } = options
  const faults: string[] = []
  const items = readItems(text, host, param, (error, number) =>
    faults.push(`item ${number}: ${error.message}`),
  )
  return collect(items, faults)
}

/** Cookies handed in while the service runs: the same forms, taken as a whole or not at all.
 *  @throws {InvalidRequestError} `invalid_value`, also for a control character anywhere outside a browser's export */
export function parseCookieInput(text: string, options: ParseCookieOptions = {}): ParsedCookies {
  const { host = defaultHost, param = 'cookie' } = options
  if (text.length > maxInputChars) throw invalid(`is over ${maxInputChars / 1024} KiB`, param)
  if (!isCookieExport(text)) refuseBadCharacters(text, param)
  const items = readItems(text, host, param, (error) => {
    throw error
  })
  if (items.length === 0) throw invalid('is empty', param)
  return collect(items, [])
}

const defaultHost = 'www.genspark.ai'

interface Item {
  /** From 1. */
  readonly number: number
  readonly account: CookieAccount
}

function readItems(
  text: string,
  host: string,
  param: string,
  onInvalid: (error: InvalidRequestError, number: number) => void,
): Item[] {
  const isExport = isCookieExport(text)
  const texts = isExport ? [text] : splitCookieList(text)
  return texts.flatMap((itemText, index) => {
    const number = index + 1
    try {
      if (isExport)
        return [
          {
            number,
            account: createAccount(parseCookieHeader(parseCookieExport(itemText, host, param), param)),
          },
        ]
      return [{ number, account: parseItem(itemText, param) }]
    } catch (error) {
      if (!(error instanceof InvalidRequestError)) throw error
      onInvalid(error, number)
      return []
    }
  })
}

function parseItem(text: string, param: string): CookieAccount {
  const { secret, proxyUrl } = splitProxySuffix(text)
  return createAccount(parseCookieHeader(secret, param), proxyUrl && parseProxyUrl(proxyUrl, param))
}

function collect(items: readonly Item[], faults: readonly string[]): ParsedCookies {
  const problems = [...faults]
  const accounts = new Map<string, Item>()
  for (const item of items) {
    const { number, account } = item
    if (!findSession(account.cookie))
      problems.push(`item ${number}: no session_id among its cookies, so the site will hardly know it`)
    const identity = identityOf(account)
    const first = accounts.get(identity)
    if (first)
      problems.push(`item ${number}: the same account as item ${first.number} (${first.account.label})`)
    else accounts.set(identity, item)
  }
  return { accounts: [...accounts.values()].map(({ account }) => account), problems }
}
