import ipaddr from 'ipaddr.js'
import type { Middleware, RequestContext, RequestState, Writable } from '../request-state.ts'

/** `state.clientAddress`: the connection's peer, or with n trusted proxies the n-th address from the right of
 *  X-Forwarded-For. What stands left of it was written by the client itself and is not believed. */
export function clientAddress(trustedProxyHops: number): Middleware {
  return (context, next) => {
    const state: Writable<RequestState> = context.state
    state.clientAddress = forwardedAddress(context, trustedProxyHops) ?? peerAddress(context)
    return next()
  }
}

function forwardedAddress(context: RequestContext, hops: number): string | undefined {
  if (hops === 0) return undefined
  const addresses = context.get('x-forwarded-for').split(',')
  return normalise(withoutPort((addresses.at(-hops) ?? addresses[0] ?? '').trim()))
}

const peerAddress = ({ req }: RequestContext): string =>
  normalise(req.socket.remoteAddress ?? '') ?? 'unknown'

/** Some proxies write `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
function withoutPort(address: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? address.replace(/^([\d.]+):\d+$/, '$1')
}

function normalise(address: string): string | undefined {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : undefined
}
