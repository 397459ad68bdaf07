import { type Account, type CookieAccount, createAccount } from '../core/account.ts'
import { InvalidRequestError } from '../core/errors.ts'
import { recogniseForm, trimText } from './cookie-forms.ts'
import {
  findSession,
  identityOf,
  invalid,
  isBareSessionId,
  isSessionCookie,
  parseCookieHeader,
  refuseBadCharacters,
} from './cookie-header.ts'
import { parseApiKeyList, parseProxyUrl, splitProxySuffix } from './parse-api-key.ts'

export interface AccountSettings {
  /** GS_COOKIE */
  readonly cookieText?: string | undefined
  /** GENSPARK_API_KEY */
  readonly vendorApiKeys: readonly string[]
  /** GSK_API_KEY, the vendor's own name for it; both lists count. */
  readonly gskApiKeys?: readonly string[]
}

export interface AccountsOfSettings {
  readonly accounts: readonly Account[]
  /** An item that cannot be read costs only itself. None of these holds a secret. */
  readonly problems: readonly { readonly setting: string; readonly problem: string }[]
}

/** The accounts that the settings name, API keys first. */
export function accountsOfSettings({
  cookieText,
  vendorApiKeys,
  gskApiKeys = [],
}: AccountSettings): AccountsOfSettings {
  const cookies = parseCookieList(cookieText ?? '')
  const apiKeys = parseApiKeyList(vendorApiKeys)
  const gskKeys = parseApiKeyList(gskApiKeys, 'GSK_API_KEY')
  const known = new Set(apiKeys.accounts.map(({ key }) => key))
  const further = gskKeys.accounts.filter(({ key }) => !known.has(key))
  return {
    accounts: [...apiKeys.accounts, ...further, ...cookies.accounts],
    problems: [
      ...cookies.problems.map((problem) => ({ setting: 'GS_COOKIE', problem })),
      ...apiKeys.problems.map((problem) => ({ setting: 'GENSPARK_API_KEY', problem })),
      ...gskKeys.problems.map((problem) => ({ setting: 'GSK_API_KEY', problem })),
    ],
  }
}

export interface ParsedCookies {
  /** Each account once, in the order given. */
  readonly accounts: readonly CookieAccount[]
  /** What is odd or was left out, in words and by number; never the cookie. */
  readonly problems: readonly string[]
  /** What the text was taken for, in words; undefined: a header, a value, or a list of them. */
  readonly form: string | undefined
  /** When the session of a single account ends, where the form says so. */
  readonly endsMs: number | undefined
}

export interface ParseCookieOptions {
  /** Whose cookies are taken from a browser's export. Default `www.genspark.ai`. */
  readonly host?: string
  /** Where the text came from: the field that an error names. */
  readonly param?: string
}

/** An export of a browser with many tabs stays well below. */
const maxInputChars = 1024 * 1024

/** GS_COOKIE: a comma list of cookies (rules: `splitCookieList`), each also as `COOKIE@proxy-url`, or one of the forms of
 *  `recogniseForm`. An item that cannot be read becomes a problem, the others are taken. */
export function parseCookieList(text: string, options: ParseCookieOptions = {}): ParsedCookies {
  const { host = defaultHost, param = 'GS_COOKIE' } = options
  const faults: string[] = []
  const onInvalid = (error: InvalidRequestError, number: number) =>
    faults.push(`item ${number}: ${error.message}`)
  return collect(readItems(text, { host, param, onInvalid }), faults)
}

/** Cookies handed in while the service runs: the same forms, taken as a whole or not at all.
 *  @throws {InvalidRequestError} `invalid_value`, also for a control character anywhere in a text of no other form */
export function parseCookieInput(text: string, options: ParseCookieOptions = {}): ParsedCookies {
  const { host = defaultHost, param = 'cookie' } = options
  if (text.length > maxInputChars) throw invalid(`is over ${maxInputChars / 1024} KiB`, param)
  const onInvalid = (error: InvalidRequestError) => {
    throw error
  }
  const read = readItems(text, { host, param, onInvalid, isWhole: true })
  if (read.items.length === 0) throw invalid('is empty', param)
  return collect(read, [])
}

const defaultHost = 'www.genspark.ai'

interface Item {
  /** From 1. */
  readonly number: number
  readonly account: CookieAccount
}

interface ReadItems {
  readonly items: readonly Item[]
  /** In words; undefined: as GS_COOKIE has them. */
  readonly form: string | undefined
  readonly endsMs?: number | undefined
}

interface ReadOptions {
  readonly host: string
  readonly param: string
  readonly onInvalid: (error: InvalidRequestError, number: number) => void
  /** A bad character anywhere refuses the whole. */
  readonly isWhole?: boolean
}

function readItems(text: string, { host, param, onInvalid, isWhole }: ReadOptions): ReadItems {
  function attempt<T>(number: number, action: () => T): T | undefined {
    try {
      return action()
    } catch (error) {
      if (!(error instanceof InvalidRequestError)) throw error
      onInvalid(error, number)
      return undefined
    }
  }

  const recognised = attempt(1, () => ({ form: recogniseForm(text, host, param) }))
  if (!recognised) return { items: [], form: undefined }
  const body = trimText(text)
  if (!recognised.form && isWhole) refuseBadCharacters(body, param)
  const items = (recognised.form?.headers ?? splitCookieList(body)).flatMap((itemText, index) => {
    const number = index + 1
    const account = attempt(number, () => parseItem(itemText, param))
    return account ? [{ number, account }] : []
  })
  return { items, form: recognised.form?.form, endsMs: recognised.form?.endsMs }
}

function parseItem(text: string, param: string): CookieAccount {
  const { secret, proxyUrl } = splitProxySuffix(text)
  return createAccount(parseCookieHeader(secret, param), proxyUrl && parseProxyUrl(proxyUrl, param))
}

function collect({ items, form, endsMs }: ReadItems, faults: readonly string[]): ParsedCookies {
  const problems = [...faults]
  const accounts = new Map<string, Item>()
  for (const item of items) {
    const { number, account } = item
    if (!findSession(account.cookie))
      problems.push(`item ${number}: no session_id among its cookies, so the site will hardly know it`)
    if (/(?:^|; )cf_clearance=/.test(account.cookie))
      problems.push(`item ${number}: cf_clearance is bound to the browser that got it and will not help here`)
    const identity = identityOf(account)
    const first = accounts.get(identity)
    if (first)
      problems.push(`item ${number}: the same account as item ${first.number} (${first.account.label})`)
    else accounts.set(identity, item)
  }
  return { accounts: [...accounts.values()].map(({ account }) => account), problems, form, endsMs }
}

/** Splits a comma list of cookies into one text an account.
 *
 *  Cookie values may hold commas too. A comma begins a new account when what follows it, up to the next comma,
 *  1. is a session id alone: no `=`, blank, quote or bracket (`a,b`), or
 *  2. begins with `Cookie:` or a session cookie (`…,session_id=b; c1=2`), or
 *  3. begins with another cookie and names a session cookie further on, while the account before it has its own
 *     (`session_id=a,c1=2; session_id=b`).
 *  Any other comma belongs to the value before it (`a=1; b=2,c=3` is one account), as does a comma between double quotes.
 *  An account may end in `@` and its proxy; rule 1 looks at what stands before it.
 *  A value that ends in a comma and a plain word must stand between quotes, or rule 1 takes the word for an account. */
function splitCookieList(text: string): string[] {
  const items: ListItem[] = []
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

interface ListItem {
  readonly pieces: string[]
  hasSession: boolean
}

/** Splits at every comma that is not within a quoted value (`name="a,b"`). */
const splitAtCommas = (text: string): string[] => text.match(/(?:="[^";]*"|[^,])+|(?<=,)(?=,)/g) ?? []

function beginsAccount(piece: string, before: ListItem): boolean {
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
