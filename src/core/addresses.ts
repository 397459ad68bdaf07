import { promises as dns, type LookupAddress } from 'node:dns'
import { isIPv4, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'

/** One spelling for each address; IPv4 mapped into IPv6 (`::ffff:192.0.2.1`) is written as IPv4.
 *  @returns undefined for what is no address */
export function normaliseAddress(text: string): string | undefined {
  // The spellings that sockets give, on every request: ipaddr.js takes 0.6 and 3.5 µs for them.
  if (isIPv4(text)) return text
  if (text.startsWith(mappedPrefix) && isIPv4(text.slice(mappedPrefix.length)))
    return text.slice(mappedPrefix.length)
  return ipaddr.isValid(text) ? ipaddr.process(text).toString() : undefined
}

export const isLoopback = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback'

const mappedPrefix = '::ffff:'

/** Whether anybody on the internet can reach the address. When in doubt, no: loopback, private, link-local (cloud metadata too),
 *  carrier NAT, multicast, reserved, and every IPv6 form that carries an IPv4 address or lies outside the global unicast range. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' ? text !== azureHost : address.match(globalUnicast)
}

const globalUnicast = ipaddr.parseCIDR('2000::/3')

/** The host's own services on every machine of Azure, credentials among them, at an address that looks public.
 *  Source: learn.microsoft.com, "What is IP address 168.63.129.16?" */
const azureHost = '168.63.129.16'

/** A URL that may be asked, and the addresses that may be connected to. */
export interface JudgedUrl {
  readonly url: URL
  /** At least one. */
  readonly addresses: readonly LookupAddress[]
}

/** The scheme or an address of a URL is not allowed. The message is for the client. */
export class UrlNotAllowed extends Error {}

export interface UrlJudgeOptions {
  readonly allowPrivate?: boolean | undefined
  /** Every address of a host; the system's resolver unless told. */
  readonly resolve?: ((hostname: string) => Promise<readonly LookupAddress[]>) | undefined
  /** Tests let their own servers pass for public ones. */
  readonly isPublic?: ((address: string) => boolean) | undefined
}

export type JudgeUrl = (text: string | URL, signal?: AbortSignal) => Promise<JudgedUrl>

/** The one guard for addresses that are not ours to choose: of a client, a model, the site, a redirect or a link. Judges a URL by
 *  every address of its host; the connection must then go to one of those (`pinnedTo`), and each redirect be judged anew. Numeric
 *  hosts in any notation have been turned into addresses by the URL parser.
 *  @throws {UrlNotAllowed} @throws {Error} when the host has no address @throws `signal.reason` on abort */
export function createUrlJudge(options: UrlJudgeOptions = {}): JudgeUrl {
  const { allowPrivate = false, resolve = resolveAll, isPublic = isPublicAddress } = options

  return async function judge(text, signal) {
    const url = URL.parse(text)
    if (!url || !['http:', 'https:'].includes(url.protocol))
      throw new UrlNotAllowed('Only http, https and data URLs of images are allowed.')
    const addresses = await unlessAborted(resolve(url.hostname.replace(/^\[|\]$/g, '')), signal)
    if (addresses.length === 0) throw new Error('no address')
    if (!allowPrivate && !addresses.every(({ address }) => isPublic(address)))
      throw new UrlNotAllowed('This image URL does not lead to a public address.')
    return { url, addresses }
  }
}

const resolveAll = async (hostname: string): Promise<LookupAddress[]> =>
  localName.test(hostname) ? loopback : await dns.lookup(hostname, { all: true })

/** Names that are this machine by definition; not every resolver knows that. Source: RFC 6761, 6.3 */
const localName = /^(?:.+\.)?localhost\.?$/i

const loopback: LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** For a DNS look-up, which takes no signal. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** A look-up that connects to a judged address, whatever the name resolves to by now. */
export function pinnedTo(addresses: readonly LookupAddress[]): LookupFunction {
  return (_hostname, { all }, callback) => {
    const [first] = addresses
    if (all) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
}
