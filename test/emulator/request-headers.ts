import type { IncomingMessage } from 'node:http'
import type { WireGeneration } from '../../src/core/wire-generation.ts'
import type { AskKind } from './ask-record.ts'

/** What WIRE 2.2 finds wrong with the headers that every API request bears, in words. */
export function headerFault(request: IncomingMessage, takesGuests = false): string | undefined {
  const { headers } = request
  if (!headers['user-agent']) return 'no User-Agent'
  if (!/^Mozilla\/5\.0 \(.+\)/.test(headers['user-agent'])) return 'a User-Agent that is not a browser’s'
  const fault = originFault(request)
  if (fault) return fault
  const { referer } = headers
  if (referer !== undefined && !siteOrigins(request).some((site) => referer.startsWith(`${site}/`))) {
    return `Referer ${referer}`
  }
  const requestId = headers['request-id']
  if (requestId !== undefined && !/^\|[\da-f]{32}\.[\da-f]{16}$/.test(String(requestId))) {
    return 'a request-id of another form'
  }
  const timeZone = headers['x-timezone']
  if (timeZone !== undefined && !isTimeZone(String(timeZone))) return `X-Timezone ${timeZone}`
  if (!takesGuests && sessionIdOf(headers.cookie) === undefined) return 'no session_id cookie'
  return undefined
}

/** The same for `Origin`, which may be absent. */
export function originFault(request: IncomingMessage): string | undefined {
  const { origin } = request.headers
  return origin === undefined || siteOrigins(request).includes(origin) ? undefined : `Origin ${origin}`
}

/** The same for a JSON body. */
export function contentTypeFault({ headers }: IncomingMessage): string | undefined {
  const contentType = headers['content-type']
  return contentType?.split(';')[0] === 'application/json' ? undefined : `Content-Type ${contentType}`
}

/** The same for an ask's `Accept`, which in gen 1 depends on what is asked for. */
export function askAcceptFault(
  { headers }: IncomingMessage,
  generation: WireGeneration,
  kind: AskKind,
): string | undefined {
  const gen1 = kind === 'chat' ? ['text/event-stream', 'application/json'] : ['*/*']
  const accepted = generation === 'copilot' ? gen1 : ['text/event-stream', '*/*']
  return accepted.includes(headers.accept ?? '') ? undefined : `Accept ${headers.accept}`
}

/** @returns undefined without one */
export function sessionIdOf(cookie: string | undefined): string | undefined {
  return /(?:^|;\s*)session_id=([^;\s]+)/.exec(cookie ?? '')?.[1]
}

/** The site itself and, since the emulator stands in for it, the emulator. */
const siteOrigins = (request: IncomingMessage) => ['https://www.genspark.ai', ownOrigin(request)]

/** The origin that a request is for, as its client names it, e.g. `http://127.0.0.1:7055`. */
export function ownOrigin({ headers, socket }: IncomingMessage): string {
  return `${'encrypted' in socket ? 'https' : 'http'}://${headers.host}`
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
