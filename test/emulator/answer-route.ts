import { RefusedBody } from './ask-shape.ts'
import { isGone } from './end-reply.ts'
import { ownOrigin } from './request-headers.ts'
import type { Exchange, Fault } from './route.ts'
import type { FoundRoute } from './routes.ts'
import { sendFault } from './send-fault.ts'
import type { Site } from './site.ts'

/** Answers a request beside the asks: by the fault set for its route, or as the route says. */
export async function answerRoute(
  site: Site,
  { name, route }: FoundRoute,
  received: Pick<Exchange, 'request' | 'response' | 'url' | 'sessionId' | 'isGuest'>,
): Promise<void> {
  const { request, response, sessionId, isGuest } = received
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const account = site.sessions.accountOf(sessionId)
  const exchange: Exchange = { ...received, site, account, origin: ownOrigin(request), signal: gone.signal }
  const refuse = (status: number, words: string) => {
    site.violations.push(`${name}: ${words}`)
    sendJson(exchange, { detail: words }, status)
  }
  try {
    const fault = takeFault(site, name)
    if (fault) return await sendFault(exchange, fault)
    const { accept } = request.headers
    if (route.accept !== undefined && accept !== route.accept) return refuse(400, `Accept ${accept}`)
    if (route.needsLogin && isGuest) {
      return sendJson(exchange, { status: -5, message: 'not login', data: {} }, 401)
    }
    const answer = await route.answer(exchange)
    if (answer !== undefined) sendJson(exchange, answer)
  } catch (error) {
    if (gone.signal.aborted || isGone(response)) return
    if (error instanceof RefusedBody) return refuse(error.status, error.message)
    site.violations.push(`${name}: ${error}`)
    response.destroy()
  }
}

/** @param name  method and path */
export function takeFault(site: Site, name: string): Fault | undefined {
  const fault = site.faults.get(name)
  if (fault?.times === undefined) return fault
  if (fault.times <= 0) return undefined
  fault.times -= 1
  return fault
}

function sendJson({ response }: Exchange, answer: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer))
}
