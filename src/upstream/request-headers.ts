import { randomBytes } from 'node:crypto'
import type { Account } from '../core/account.ts'
import type { WireGeneration } from '../core/wire-generation.ts'

/** Browser-like, as the site demands of every caller (UPSTREAM 2.2), without pretending to be another program. */
const userAgent = 'Mozilla/5.0 (X11; Linux x86_64) genspark2api/1.0'

/** Where the page of each generation asks from. */
const referers: Readonly<Record<WireGeneration, string>> = {
  copilot: '/',
  agent: '/agents?type=ai_chat',
}

export type RequestHeaders = ReturnType<typeof createRequestHeaders>

/** The headers of requests to the site at `baseUrl`. Source: UPSTREAM 2.2 */
export function createRequestHeaders(baseUrl: string) {
  const { origin } = new URL(baseUrl)
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()

  return {
    /** Of a plain API request. */
    site(account: Account): Record<string, string> {
      return {
        accept: 'application/json',
        origin,
        referer: `${origin}/`,
        cookie: account.cookie,
        'user-agent': userAgent,
      }
    },

    ask(account: Account, generation: WireGeneration): Record<string, string> {
      return {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        origin,
        referer: `${origin}${referers[generation]}`,
        cookie: account.cookie,
        'user-agent': userAgent,
        ...(generation === 'agent' && { 'x-timezone': timeZone, ...traceHeaders() }),
      }
    },
  }
}

/** The Application Insights pair of the page: both name the same random ids. */
function traceHeaders(): Record<string, string> {
  const trace = randomBytes(16).toString('hex')
  const span = randomBytes(8).toString('hex')
  return { 'request-id': `|${trace}.${span}`, traceparent: `00-${trace}-${span}-01` }
}
