import { promises as dns, type LookupAddress } from 'node:dns'
import ipaddr from 'ipaddr.js'

/** A URL that may be fetched, and the addresses that may be connected to. */
export interface JudgedUrl {
  readonly url: URL
  /** At least one. */
  readonly addresses: readonly LookupAddress[]
}

/** A scheme or an address that a client may not make us fetch. The message is for the client. */
export class UrlNotAllowed extends Error {}

export interface UrlJudgeOptions {
  readonly allowPrivate: boolean
  /** Every address of a host; the system's resolver unless told. */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>
  /** Tests let their own servers pass for public ones. */
  readonly isPublic?: (address: string) => boolean
}

/** Judges a URL by every address of its host. Numeric hosts in any notation have been
 *  turned into addresses by the URL parser.
 *  @throws {UrlNotAllowed} @throws {Error} when the host has no address */
export function createUrlJudge(options: UrlJudgeOptions) {
  const { allowPrivate, resolve = resolveAll, isPublic = isPublicAddress } = options

  return async function judge(text: string): Promise<JudgedUrl> {
    const url = URL.parse(text)
    if (!url || !['http:', 'https:'].includes(url.protocol))
      throw new UrlNotAllowed('Only http, https and data URLs of images are allowed.')
    const addresses = await resolve(url.hostname.replace(/^\[|\]$/g, ''))
    if (addresses.length === 0) throw new Error('no address')
    if (!allowPrivate && !addresses.every(({ address }) => isPublic(address)))
      throw new UrlNotAllowed('This image URL does not lead to a public address.')
    return { url, addresses }
  }
}

const resolveAll = (hostname: string): Promise<LookupAddress[]> => dns.lookup(hostname, { all: true })

/** Whether anybody on the internet can reach the address. When in doubt, no: loopback, private, link-local (cloud metadata too),
 *  carrier NAT, multicast, reserved, and every IPv6 form that carries an IPv4 address or lies outside the global unicast range. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || address.match(globalUnicast)
}

const globalUnicast = ipaddr.parseCIDR('2000::/3')
