import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WireGeneration } from '../../src/core/wire-generation.ts'
import { answerAsk } from './answer-ask.ts'
import { answerRoute, takeFault } from './answer-route.ts'
import type { Handle } from './listen.ts'
import { headerFault, ownOrigin, sessionIdOf } from './request-headers.ts'
import { findRoute } from './routes.ts'
import { sendFault } from './send-fault.ts'
import type { Site } from './site.ts'

/** Sends each request past the edge to its route; whatever WIRE does not know becomes a violation. */
export function createRequestHandler(site: Site): Handle {
  return (request, response, hello) => {
    const url = new URL(request.url ?? '/', 'http://site')
    site.openRequests += 1
    response.once('close', () => {
      site.openRequests -= 1
      site.changed()
    })
    site.edge.receive({ request, response, path: url.pathname, hello }, (script) =>
      answer(site, { request, response, url, script }),
    )
  }
}

interface Received {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** What the edge has a page run. */
  readonly script: string | undefined
}

function answer(site: Site, received: Received): void {
  const { request, response, url, script } = received
  const { method = 'GET' } = request
  const { pathname } = url
  const sessionId = sessionIdOf(request.headers.cookie)
  const noteRequest = () => {
    site.requests.push({ method, path: pathname, sessionId })
    site.changed()
  }
  const refuse = (status: number, words: string, body = words) => {
    site.violations.push(`${method} ${pathname}: ${words}`)
    noteRequest()
    response.writeHead(status, { 'Content-Type': 'text/plain' }).end(body)
  }
  const replaced = (): boolean => {
    const fault = takeFault(site, `${method} ${pathname}`)
    if (!fault) return false
    noteRequest()
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    sendFault({ response, signal: gone.signal }, fault).catch(() => {}) // The client has left.
    return true
  }

  if (isOfPages(pathname) && replaced()) return
  const wasGuest = sessionId !== undefined && site.sessions.isGuest(sessionId)
  if (sessionId !== undefined) renewCookies(site, received, sessionId)
  if (site.recaptcha.handle(request, response, script)) return noteRequest()
  if (pathname === '/favicon.ico') return void response.writeHead(404).end()
  const generation = askPaths[pathname]
  const found = findRoute(method, pathname)
  const { takesGuests = false, takesApiKey, isPublic } = found?.route ?? {}
  const isGuest = sessionId === undefined ? takesGuests : wasGuest
  if (!generation && !found) return refuse(404, 'an unknown path', 'Not Found')
  if (generation && method !== 'POST') return refuse(405, 'an ask is a POST', 'Method Not Allowed')
  if (generation && !site.routes[generation]) {
    noteRequest()
    return void response.writeHead(site.routes.goneStatus).end()
  }
  const hasKey = takesApiKey && request.headers['x-api-key'] !== undefined
  const fault = isPublic || hasKey ? undefined : headerFault(request, takesGuests)
  if (fault) return refuse(400, fault, 'bad request cf')
  if (generation)
    return replaced() ? undefined : void answerAsk(site, generation, { request, response, isGuest })
  noteRequest()
  if (found) void answerRoute(site, found, { request, response, url, sessionId: sessionId ?? '', isGuest })
}

const askPaths: Readonly<Record<string, WireGeneration>> = {
  '/api/copilot/ask': 'copilot',
  '/api/agent/ask_proxy': 'agent',
}

const isOfPages = (path: string): boolean => !path.startsWith('/api/')

/** What is not the site's own does not look at its cookies. */
function renewCookies(site: Site, { request, response, url }: Received, sessionId: string): void {
  if (/^\/(?:recaptcha|blob|blob-upload|elsewhere|favicon\.ico)/.test(url.pathname)) return
  const lines = site.sessions.renew(sessionId, {
    route: `${request.method} ${url.pathname}`,
    isSecure: ownOrigin(request).startsWith('https:'),
  })
  // The edge knows a browser by its own value of that one.
  const hasEdgeCookie = String(response.getHeader('Set-Cookie')).includes('__cf_bm=')
  for (const line of lines) {
    if (!(hasEdgeCookie && line.startsWith('__cf_bm='))) response.appendHeader('Set-Cookie', line)
  }
}
