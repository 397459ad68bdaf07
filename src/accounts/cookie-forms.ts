import { z } from 'zod'
import { findSession, invalid, isSessionName, refuseBadCharacters } from './cookie-header.ts'

/** Cookies in a form that is no plain header. */
export interface CookieForm {
  /** In words, for a notice. */
  readonly form: string
  /** A `Cookie` header value for each account. */
  readonly headers: readonly string[]
  /** When the session of the one account ends, where the form says so. */
  readonly endsMs?: number | undefined
}

/** Reads what browsers, their developer tools and add-ons give out for one account, or one account a line. Cookies of other
 *  domains than `host` are left out.
 *  @returns undefined for anything else: a header, a value, a comma list
 *  @throws {InvalidRequestError} `invalid_value`, for a form that holds no cookie; the message never quotes the text */
export function recogniseForm(text: string, host: string, param: string): CookieForm | undefined {
  const body = trimText(text)
  if (/^[[{]/.test(body)) return { form: 'JSON', ...parseJsonForm(body, host, param) }
  for (const [form, read] of forms) {
    const headers = read(body, host)
    if (!headers) continue
    if (headers.length === 0) throw invalid(`is missing: this is ${form} without one for ${host}`, param)
    return { form, headers, endsMs: read === readCookiesTxt ? endOfCookiesTxt(body) : undefined }
  }
  return undefined
}

/** Files begin with a byte order mark and end with a line break; a copied assignment keeps its name. */
export const trimText = (text: string): string =>
  text
    .replace(/^\ufeff/, '')
    .trim()
    .replace(/^(?:export\s+|set\s+|\$env:)?GS_COOKIE\s*=\s*/, '')
    .replace(/^document\.cookie\s*=\s*/, '')

/** Tried in this order. Each gives undefined for a text that is none of its form, no header for one that is, without a cookie. */
const forms: readonly (readonly [
  form: string,
  read: (text: string, host: string) => string[] | undefined,
])[] = [
  ['a curl command', readCurl],
  ['a fetch call', readFetch],
  ['a PowerShell command', readPowerShell],
  ['a cookies.txt file', readCookiesTxt],
  ['Set-Cookie lines', readSetCookie],
  ['request headers', readRequestHeaders],
  ['a table of cookies', readTable],
  ['names and values', readPairs],
  ['one account a line', readLines],
]

const linesOf = (text: string): string[] =>
  text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')

const joined = (pairs: readonly string[]): string[] => (pairs.length === 0 ? [] : [pairs.join('; ')])

/** Also its options alone: `-b '…'`, `-H 'cookie: …'`. */
function readCurl(text: string): string[] | undefined {
  if (!/^(?:\$ *)?(?:curl(?:\.exe)?\s|-b[ '"]|--cookie[ =]|-H[ '"]+cookie:)/i.test(text)) return undefined
  const words = shellWords(text)
  const found: string[] = []
  for (const [index, word] of words.entries()) {
    const next = words[index + 1] ?? ''
    const cookie =
      word === '-b' || word === '--cookie'
        ? next
        : (/^(?:--cookie=|-b)(.*=.*)$/s.exec(word)?.[1] ??
          (word === '-H' || word === '--header' ? /^cookie:(.*)$/is.exec(next)?.[1] : undefined))
    // Without `=` it is the name of a file.
    if (cookie?.includes('=')) found.push(cookie.trim())
  }
  return found.slice(-1)
}

/** Words as a POSIX shell reads them, `$'…'` and the `^` of Windows' command line included. */
function shellWords(text: string): string[] {
  const plain = /\^["&|<>^%]/.test(text) ? text.replace(/\^(\r?\n|.)/g, '$1') : text
  const words: string[] = []
  const pattern = /(?:\$'(?:[^'\\]|\\[\s\S])*'|'[^']*'|"(?:[^"\\]|\\[\s\S])*"|\\[\s\S]|[^\s'"\\])+/g
  for (const [word] of plain.matchAll(pattern)) {
    const bare = word
      .replace(/\\\r?\n/g, '')
      .replace(
        /\$'((?:[^'\\]|\\.)*)'|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g,
        (_all, ansi, single, double, escaped) =>
          ansi !== undefined
            ? unescapeAnsi(ansi)
            : (single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? ''),
      )
    if (bare !== '') words.push(bare)
  }
  return words
}

/** Line breaks and the like become what they are, and are refused with the header that they stand in. */
const unescapeAnsi = (text: string): string =>
  text.replace(
    /\\(?:u([0-9a-f]{1,4})|x([0-9a-f]{1,2})|([0-7]{1,3})|([\s\S]))/gi,
    (_all, unicode, hex, octal, other) => {
      if (other !== undefined) return ansiLetters[other] ?? other
      return String.fromCharCode(Number.parseInt(unicode ?? hex ?? octal, octal === undefined ? 16 : 8))
    },
  )

const ansiLetters: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** "Copy as fetch (Node.js)"; the copy for the browser has no cookie. */
function readFetch(text: string): string[] | undefined {
  if (!/^(?:await )?fetch\(/.test(text)) return undefined
  const literal = /["']?cookie["']?\s*:\s*("(?:[^"\\]|\\.)*")/i.exec(text)?.[1]
  try {
    return literal === undefined ? [] : [String(JSON.parse(literal))]
  } catch {
    return []
  }
}

function readPowerShell(text: string, host: string): string[] | undefined {
  if (!/System\.Net\.Cookie\(|^Invoke-(?:WebRequest|RestMethod)\b|WebRequestSession/i.test(text))
    return undefined
  const calls = text.matchAll(
    /System\.Net\.Cookie\("([^"]*)",\s*"((?:[^"`]|`.)*)",\s*"[^"]*",\s*"([^"]*)"\)/gi,
  )
  return joined(
    [...calls].flatMap(([, name, value = '', domain = '']) =>
      covers(domain, host) ? [`${name}=${value.replace(/`(.)/g, '$1')}`] : [],
    ),
  )
}

/** Netscape's, which curl and wget write too; an editor may have made blanks of its tabs. */
function readCookiesTxt(text: string, host: string): string[] | undefined {
  const lines = linesOf(text).filter((line) => !/^#(?!HttpOnly_)/.test(line))
  const rows = lines.map((line) => line.replace(/^#HttpOnly_/, '').split(/\t|[ ]+/))
  const isRow = ([, all = '', , secure = '', ends = '']: readonly string[]) =>
    /^(?:true|false)$/i.test(all) && /^(?:true|false)$/i.test(secure) && /^-?\d+(?:\.\d+)?$/.test(ends)
  if (!rows.every(isRow)) return undefined
  if (rows.length === 0) return /^# (?:Netscape )?HTTP Cookie File/im.test(text) ? [] : undefined
  return joined(
    rows.flatMap(([domain = '', , , , , name = '', ...value]) =>
      covers(domain, host) && value.join('') !== '' ? [`${name}=${value.join(' ')}`] : [],
    ),
  )
}

function endOfCookiesTxt(text: string): number | undefined {
  const fields = linesOf(text).map((line) => line.split(/\t|[ ]+/))
  const [, , , , seconds] = fields.find(([, , , , , name = '']) => isSessionName(name)) ?? []
  return inMs(Number(seconds))
}

/** Of seconds since the epoch; 0 and -1 stand for the end of the browser's session. */
const inMs = (seconds: number | undefined): number | undefined =>
  seconds !== undefined && seconds > 0 && seconds < 1e11 ? Math.round(seconds * 1000) : undefined

function readSetCookie(text: string): string[] | undefined {
  const lines = linesOf(text)
  if (!lines.every((line) => /^set-cookie:/i.test(line)) || lines.length === 0) return undefined
  return joined(lines.map((line) => line.slice('set-cookie:'.length).split(';')[0]?.trim() ?? ''))
}

/** As the network panel shows them: `name: value` a line, or name and value on lines of their own. */
function readRequestHeaders(text: string): string[] | undefined {
  const lines = linesOf(text)
  if (lines.length < 2 || !/^(?:[A-Z]+ \S+ HTTP\/[\d.]+|:?[\w-]+:?)$|^:?[\w-]+:\s?\S/.test(lines[0] ?? ''))
    return undefined
  const found = lines.flatMap((line, index) => {
    const inline = /^cookie:(.+)$/i.exec(line)?.[1]
    if (inline) return [inline.trim()]
    return /^cookie:?$/i.test(line) && lines[index + 1]?.includes('=') ? [lines[index + 1] ?? ''] : []
  })
  // Two sessions are two accounts.
  return found.length === 0 || found.filter(findSession).length > 1 ? undefined : joined(found)
}

/** Rows of the storage panel: name, value, domain, further columns, with tabs between. */
function readTable(text: string, host: string): string[] | undefined {
  const rows = linesOf(text).map((line) => line.split('\t').map((field) => field.trim()))
  if (!rows.every((row) => row.length > 1) || !rows.some(([name = '']) => isSessionName(name)))
    return undefined
  return joined(
    rows.flatMap(([name = '', value = '', domain = '']) =>
      value !== '' && /^[\w-]+$/.test(name) && (domain === '' || covers(domain, host))
        ? [`${name}=${value}`]
        : [],
    ),
  )
}

/** `session_id: abc`, quoted or not, one a line, the session first or not. */
function readPairs(text: string): string[] | undefined {
  const pairs = linesOf(text).map((line) =>
    /^["']?([\w-]+)["']?\s*(?::|=(?=[^;]*$))\s*["']?([^"'\s;]*)["']?[,;]?$/.exec(line),
  )
  const names = pairs.map((pair) => pair?.[1] ?? '')
  if (
    new Set(names).size < names.length ||
    !names.every(
      (name) =>
        isSessionName(name) || /^(?:c1|c2|gslogin|cf_clearance|__cf_bm|ai_session|ai_user)$/.test(name),
    )
  )
    return undefined
  if (!names.some(isSessionName)) return undefined
  // A single `name=value` is a plain header.
  if (pairs.length === 1 && text.includes('=') && !/^["']?[\w-]+["']?\s*:/.test(text)) return undefined
  return joined(pairs.map((pair) => `${pair?.[1]}=${pair?.[2]}`))
}

/** Each line must name a session: a value with a break in it is no list. */
function readLines(text: string): string[] | undefined {
  const lines = linesOf(text).map((line) => line.replace(/^cookie:\s*/i, '').replace(/,$/, ''))
  return lines.length > 1 &&
    lines.every((line) => findSession(line) !== undefined && !/,\s*session_id=/.test(line))
    ? lines
    : undefined
}

const cookieSchema = z.object({
  name: z.string().min(1),
  value: z.string(),
  domain: z.string().optional(),
  /** In seconds, by the name of the add-ons and of Playwright. */
  expirationDate: z.number().optional().catch(undefined),
  expires: z.number().optional().catch(undefined),
})
/** A list as EditThisCookie and Cookie-Editor export it, or the `storageState` of Playwright. */
const exportSchema = z.union([z.array(cookieSchema), z.object({ cookies: z.array(cookieSchema) })])
/** Values by name, as scripts keep them; Firefox puts them into an object of their own, and its answers' into objects. */
const valueSchema = z.union([
  z.string(),
  z.looseObject({ value: z.string() }).transform(({ value }) => value),
])
const namedSchema = z.union([
  z
    .object({ 'Request Cookies': z.record(z.string(), valueSchema) })
    .transform((each) => each['Request Cookies']),
  z
    .object({ 'Response Cookies': z.record(z.string(), valueSchema) })
    .transform((each) => each['Response Cookies']),
  z.record(z.string(), valueSchema),
])

/** Cookies without a domain count as the host's. @throws {InvalidRequestError} `invalid_value` */
function parseJsonForm(text: string, host: string, param: string): Pick<CookieForm, 'headers' | 'endsMs'> {
  const json = parseJson(text, param)
  const listed = exportSchema.safeParse(json).data
  if (listed) {
    const cookies = 'cookies' in listed ? listed.cookies : listed
    const session = cookies.find(({ name, domain = host }) => isSessionName(name) && covers(domain, host))
    const endsMs = inMs(session?.expirationDate ?? session?.expires)
    return { headers: [headerOf(cookies, host, param)], endsMs }
  }
  const headers = z.array(z.string()).min(1).safeParse(json).data
  if (headers) return { headers }
  const named = namedSchema.safeParse(json).data
  if (!named || !Object.keys(named).some(isSessionName))
    throw invalid('export is not a list of {name, value, domain}', param)
  const cookies = Object.entries(named).map(([name, value]) => ({ name, value }))
  return { headers: [headerOf(cookies, host, param)] }
}

function headerOf(
  cookies: readonly Pick<z.infer<typeof cookieSchema>, 'name' | 'value' | 'domain'>[],
  host: string,
  param: string,
): string {
  const own = cookies.filter(({ domain }) => domain === undefined || covers(domain, host))
  if (own.length === 0) throw invalid(`export holds none for ${host}`, param)
  const header = new Map<string, string>()
  for (const { name, value } of own) {
    refuseBadCharacters(name + value, param)
    if (/[;=,\s]/.test(name) || value.includes(';'))
      throw invalid('export holds a `;` within a cookie', param)
    if (!header.has(name)) header.set(name, value)
  }
  return [...header].map(([name, value]) => `${name}=${value}`).join('; ')
}

/** Python's notation of a dictionary is taken for JSON. */
function parseJson(text: string, param: string): unknown {
  const line = text.replace(/\s+/g, ' ')
  const isPython = /^\{(?: ?'[^'"\\]*' ?: ?'[^'"\\]*' ?,?)+ ?\}$/.test(line)
  try {
    return JSON.parse(isPython ? line.replaceAll("'", '"').replace(/, ?\}$/, '}') : text)
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
