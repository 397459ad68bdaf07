import type { Socket } from 'node:net'
import ipaddr from 'ipaddr.js'
import { normaliseAddress } from '../core/addresses.ts'
import { ServiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Middleware, RequestContext, RequestState, Writable } from './request-state.ts'

/** `state.clientAddress`: the connection's peer, or with n trusted proxies the n-th address from the right of
 *  X-Forwarded-For. What stands left of it was written by the client itself and is not believed. */
export function clientAddress(trustedProxyHops: number, logger: Pick<Logger, 'warn'>): Middleware {
  let isTold = trustedProxyHops > 0
  return (context, next) => {
    if (!isTold && context.req.headers['x-forwarded-for'] !== undefined) {
      isTold = true
      logger.warn({}, untrusted)
    }
    const state: Writable<RequestState> = context.state
    state.clientAddress = forwardedAddress(context, trustedProxyHops) ?? peerAddress(context)
    return next()
  }
}

const untrusted =
  'a request came with X-Forwarded-For, and TRUSTED_PROXY_HOPS is 0: behind a reverse proxy all clients count as one address, for REQUEST_RATE_LIMIT and IP_BLACK_LIST too; set it to the number of proxies in front'

function forwardedAddress(context: RequestContext, hops: number): string | undefined {
  if (hops === 0) return undefined
  const addresses = context.get('x-forwarded-for').split(',')
  return normaliseAddress(withoutPort((addresses.at(-hops) ?? addresses[0] ?? '').trim()))
}

/** Read once a connection: it costs a system call. */
const peerAddresses = new WeakMap<Socket, string>()

function peerAddress({ req: { socket } }: RequestContext): string {
  let address = peerAddresses.get(socket)
  if (address === undefined) {
    address = normaliseAddress(socket.remoteAddress ?? '') ?? 'unknown'
    peerAddresses.set(socket, address)
  }
  return address
}

/** Some proxies write `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
function withoutPort(address: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? address.replace(/^([\d.]+):\d+$/, '$1')
}

/** Refuses the addresses of IP_BLACK_LIST.
 *  @param blocked  addresses and CIDR ranges, both families
 *  @returns undefined when nothing is blocked
 *  @throws {ServiceError} `ip_blocked` */
export function createAddressBlock(blocked: readonly string[]): Middleware | undefined {
  if (blocked.length === 0) return undefined
  const ranges = blocked.map(parseRange)
  return ({ state }, next) => {
    if (isWithin(state.clientAddress, ranges)) throw new ServiceError('ip_blocked')
    return next()
  }
}

type Range = ReturnType<typeof ipaddr.parseCIDR>

function parseRange(text: string): Range {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.process(text)
  return [address, address.toByteArray().length * 8]
}

function isWithin(address: string, ranges: readonly Range[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  return ranges.some((range) => parsed.kind() === range[0].kind() && parsed.match(range))
}
