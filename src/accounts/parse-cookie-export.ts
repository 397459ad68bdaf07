import { z } from 'zod'
import { invalid, refuseBadCharacters } from './cookie-header.ts'

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
