import ipaddr from 'ipaddr.js'
import { ServiceError } from '../../core/errors.ts'
import type { Middleware } from '../request-state.ts'

type Range = ReturnType<typeof ipaddr.parseCIDR>

/** @param blocked  addresses and CIDR ranges, both families
 *  @throws {ServiceError} `ip_blocked` */
export function blockAddresses(blocked: readonly string[]): Middleware {
  const ranges = blocked.map(parseRange)
  return ({ state: { clientAddress } }, next) => {
    if (ranges.length > 0 && isWithin(clientAddress, ranges)) throw new ServiceError('ip_blocked')
    return next()
  }
}

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
