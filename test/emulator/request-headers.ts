import type { IncomingMessage } from 'node:http'
import type { WireGeneration } from '../../src/core/wire-generation.ts'

/** What UPSTREAM 2.2 finds wrong with the headers that every API request bears, in words. */
export function headerFault({ headers }: IncomingMessage): string | undefined {
  const { origin, referer } = headers
  if (!headers['user-agent']) return 'no User-Agent'
  if (!/^Mozilla\/5\.0 \(.+\)/.test(headers['user-agent'])) return 'a User-Agent that is not a browser’s'
  if (origin !== undefined && !siteOrigins(headers.host).includes(origin)) return `Origin ${origin}`
  if (referer !== undefined && !siteOrigins(headers.host).some((site) => referer.startsWith(`${site}/`))) {
    return `Referer ${referer}`
  }
  const requestId = headers['request-id']
  if (requestId !== undefined && !/^\|[\da-f]{32}\.[\da-f]{16}$/.test(String(requestId))) {
    return 'a request-id of another form'
  }
  const timeZone = headers['x-timezone']
  if (timeZone !== undefined && !isTimeZone(String(timeZone))) return `X-Timezone ${timeZone}`
  if (sessionIdOf(headers.cookie) === undefined) return 'no session_id cookie'
  return undefined
}

/** The same for what only an ask bears. */
export function askHeaderFault({ headers }: IncomingMessage, generation: WireGeneration): string | undefined {
  const contentType = headers['content-type']
  if (contentType?.split(';')[0] !== 'application/json') return `Content-Type ${contentType}`
  const accepted = { copilot: ['text/event-stream', 'application/json'], agent: ['text/event-stream', '*/*'] }
  if (!accepted[generation].includes(headers.accept ?? '')) return `Accept ${headers.accept}`
  return undefined
}

/** @returns undefined without one */
export function sessionIdOf(cookie: string | undefined): string | undefined {
  return /(?:^|;\s*)session_id=([^;\s]+)/.exec(cookie ?? '')?.[1]
}

/** The site itself and, since the emulator stands in for it, the emulator. */
const siteOrigins = (host: string | undefined) => ['https://www.genspark.ai', `http://${host}`]

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
