import { randomUUID } from 'node:crypto'
import { isIP } from 'node:net'
import type { Account, ApiKeyAccount } from '../core/account.ts'
import type { WireGeneration } from '../core/wire-generation.ts'

/** Browser-like, as the site demands of every caller (WIRE 2.2), without pretending to be another program. */
const userAgent = 'Mozilla/5.0 (X11; Linux x86_64) genspark2api/1.0'

export type AskKind = 'chat' | 'image' | 'video'

/** The page of each generation that asks; none of gen 2 has been seen to ask for videos. */
const referers: Readonly<Record<WireGeneration, Readonly<Record<AskKind, string>>>> = {
  copilot: { chat: '/', image: '/', video: '/' },
  agent: { chat: '/agents?type=ai_chat', image: '/ai_image', video: '/' },
}

export type RequestHeaders = ReturnType<typeof createRequestHeaders>

/** The headers of requests to the site at `baseUrl`. Source: WIRE 2.2 */
export function createRequestHeaders(baseUrl: string) {
  const { origin } = new URL(baseUrl)
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()

  return {
    /** Of a plain API request; of a public route without `account`. */
    site(account: Account | undefined, accept = 'application/json'): Record<string, string> {
      if (account?.kind === 'api-key') return { accept, ...keyHeaders(account) }
      return {
        accept,
        origin,
        referer: `${origin}/`,
        ...(account && { cookie: account.cookie }),
        'user-agent': userAgent,
      }
    },

    ask(account: Account, generation: WireGeneration, kind: AskKind = 'chat'): Record<string, string> {
      const content = {
        accept: kind === 'chat' ? 'text/event-stream' : '*/*',
        'content-type': 'application/json',
      }
      if (account.kind === 'api-key') return { ...content, ...keyHeaders(account) }
      return {
        ...content,
        origin,
        referer: `${origin}${referers[generation][kind]}`,
        cookie: account.cookie,
        'user-agent': userAgent,
        ...(generation === 'agent' && { 'x-timezone': timeZone, ...traceHeaders() }),
      }
    },

    /** Of an upload to the storage that the site names, which is no host of its own. Source: WIRE 4.10 */
    upload(): Record<string, string> {
      return {
        'content-type': 'application/octet-stream',
        'x-ms-blob-type': 'BlockBlob',
        origin,
        'sec-fetch-dest': 'empty',
        'sec-fetch-mode': 'cors',
        'sec-fetch-site': 'cross-site',
        'user-agent': userAgent,
      }
    },
  }
}

/** No page uses a key, so nothing of a page is sent. The chats want it as a bearer, the tools by its own name.
 *  Source: WIRE 11 */
const keyHeaders = ({ apiKey }: ApiKeyAccount) => ({
  authorization: `Bearer ${apiKey}`,
  'x-api-key': apiKey,
  'user-agent': userAgent,
})

/** The Application Insights pair of the page: both name the same random ids. */
function traceHeaders(): Record<string, string> {
  const trace = randomUUID().replaceAll('-', '')
  const span = randomUUID().replaceAll('-', '').slice(0, 16)
  return { 'request-id': `|${trace}.${span}`, traceparent: `00-${trace}-${span}-01` }
}

/** Whether the URL is the site's own and may see an account's cookie: its host or one under its domain, never over a less
 *  secure scheme. */
export function isOwnHost({ protocol, host, hostname, port }: URL, baseUrl: string): boolean {
  const base = new URL(baseUrl)
  if (protocol !== base.protocol) return false
  if (host === base.host) return true
  const domain = base.hostname.replace(/^www\./, '')
  if (isIP(domain) !== 0 || !domain.includes('.') || port !== base.port) return false
  return hostname === domain || hostname.endsWith(`.${domain}`)
}
