import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WireGeneration } from '../../src/core/wire-generation.ts'
import { answerAsk } from './answer-ask.ts'
import { answerRoute } from './answer-route.ts'
import { headerFault, sessionIdOf } from './request-headers.ts'
import { findRoute } from './routes.ts'
import type { Site } from './site.ts'

/** Sends each request to its route; whatever WIRE does not know becomes a violation. */
export function createRequestHandler(site: Site) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const method = request.method ?? 'GET'
    const url = new URL(request.url ?? '/', 'http://site')
    const sessionId = sessionIdOf(request.headers.cookie)
    const noteRequest = () => site.requests.push({ method, path: url.pathname, sessionId })
    const refuse = (status: number, words: string, body = words) => {
      noteRequest()
      site.violations.push(`${method} ${url.pathname}: ${words}`)
      response.writeHead(status, { 'Content-Type': 'text/plain' }).end(body)
      site.changed()
    }

    response.once('close', site.changed)
    if (site.recaptcha.handle(request, response)) return void noteRequest()
    if (url.pathname === '/favicon.ico') return void response.writeHead(404).end()
    const generation = askPaths[url.pathname]
    const found = findRoute(method, url.pathname)
    if (!generation && !found) return refuse(404, 'an unknown path', 'Not Found')
    if (generation && method !== 'POST') return refuse(405, 'an ask is a POST', 'Method Not Allowed')
    if (generation && !site.routes[generation]) {
      noteRequest()
      return void response.writeHead(site.routes.goneStatus).end()
    }
    const hasKey = found?.route.takesApiKey && request.headers['x-api-key'] !== undefined
    const fault = found?.route.isPublic || hasKey ? undefined : headerFault(request)
    if (fault) return refuse(400, fault, 'bad request cf')
    if (generation) return void answerAsk(site, generation, request, response)
    noteRequest()
    if (found) void answerRoute(site, found, { request, response, url, sessionId: sessionId ?? '' })
  }
}

const askPaths: Readonly<Record<string, WireGeneration>> = {
  '/api/copilot/ask': 'copilot',
  '/api/agent/ask_proxy': 'agent',
}
