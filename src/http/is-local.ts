import { isLoopback } from './is-loopback.ts'
import type { RequestContext } from './request-state.ts'

const proxyHeaders = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via']

/** Whether a request comes from this very machine. One that a proxy here passed on does not. */
export function isLocal(context: RequestContext): boolean {
  if (proxyHeaders.some((name) => context.get(name) !== '')) return false
  return isLoopback(context.state.clientAddress)
}

/** Whether no web page of somebody else can be behind a request: a browser on this machine is local too, whatever page it
 *  shows, and a name that leads to 127.0.0.1 may be anybody's. */
export function isOwnPageOrNone(context: RequestContext): boolean {
  const { hostname } = context
  if (hostname !== 'localhost' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))) return false
  const origin = context.get('origin')
  if (origin) return URL.parse(origin)?.host === context.host
  return !['cross-site', 'same-site'].includes(context.get('sec-fetch-site'))
}
