import type { IncomingMessage } from 'node:http'
import { http2StreamOf } from '../end-reply.ts'
import { ownOrigin } from '../request-headers.ts'
import type { ClientHello } from './client-hello.ts'

/** Does a request come from a Chromium: its own same-origin fetch, or a navigation (WIRE 2.6, 2.7)? Names of headers prove
 *  nothing: over TLS the handshake has to be Chromium's, over plain HTTP the spelling and order of the headers.
 *  @param hello  undefined over plain HTTP
 *  @returns what is not as a browser does it, in words; undefined for a browser */
export function findBrowserFault(
  request: IncomingMessage,
  hello: ClientHello | undefined,
): string | undefined {
  return (hello && helloFault(hello)) ?? http2Fault(request) ?? headerFault(request) ?? purposeFault(request)
}

export const isNavigation = ({ headers }: IncomingMessage): boolean =>
  headers['sec-fetch-mode'] === 'navigate'

/** Chromium's own TLS: few ciphers, GREASE among them and among the extensions (RFC 8701), HTTP/2 offered first, compressed
 *  certificates taken (RFC 8879). OpenSSL, and so Node, does none of it. */
function helloFault({ ciphers, extensions, alpn }: ClientHello): string | undefined {
  if (!ciphers.some(isGrease) || !extensions.some(isGrease)) return 'a ClientHello without GREASE'
  if (ciphers.length > 20) return `a ClientHello with ${ciphers.length} ciphers`
  if (alpn[0] !== 'h2' && alpn[0] !== 'http/1.1') return 'a ClientHello without ALPN'
  return extensions.includes(compressCertificate) ? undefined : 'a ClientHello without compress_certificate'
}

const isGrease = (value: number): boolean => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff)
const compressCertificate = 27

/** Chromium's first SETTINGS, and its order of the pseudo-headers. */
function http2Fault(request: IncomingMessage): string | undefined {
  const stream = http2StreamOf(request)
  if (!stream) return undefined
  const settings = stream.session?.remoteSettings
  const isChromium =
    settings?.headerTableSize === 65_536 &&
    settings.enablePush === false &&
    settings.initialWindowSize === 6_291_456 &&
    settings.maxHeaderListSize === 262_144
  if (!isChromium) return 'other HTTP/2 settings'
  const pseudo = headerNames(request).filter((name) => name.startsWith(':'))
  return pseudo.join() === ':method,:authority,:scheme,:path' ? undefined : `pseudo-headers ${pseudo}`
}

/** What Chromium's network stack writes itself, in its spelling over HTTP/1.1. Between these two groups stand, in any order,
 *  the headers of the page's renderer: `sec-ch-ua*`, `User-Agent`, `Accept` and the script's own. */
const first = ['Host', 'Connection', 'Content-Length', 'Pragma', 'Cache-Control']
const last = [
  'Origin',
  'Sec-Fetch-Site',
  'Sec-Fetch-Mode',
  'Sec-Fetch-User',
  'Sec-Fetch-Dest',
  'Sec-Fetch-Storage-Access',
  'Referer',
  'Accept-Encoding',
  'Accept-Language',
  'Cookie',
  'priority',
]
const between = [
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'User-Agent',
  'Upgrade-Insecure-Requests',
]
const always = [
  ...between.slice(0, 4),
  ...['Sec-Fetch-Site', 'Sec-Fetch-Mode', 'Sec-Fetch-Dest', 'Accept-Encoding', 'Accept-Language'],
]

function headerFault(request: IncomingMessage): string | undefined {
  const { headers } = request
  const isHttp2 = http2StreamOf(request) !== undefined
  const spelt = (names: readonly string[]) => (isHttp2 ? names.map((name) => name.toLowerCase()) : names)
  // HTTP/2 lets a browser send its cookies as several headers.
  const sent = headerNames(request).filter((name, at, all) => !name.startsWith(':') && name !== all[at - 1])
  if (new Set(sent.map((name) => name.toLowerCase())).size < sent.length) return 'a header twice'

  // Chromium's headless shell, which names itself so, sends no languages.
  const isShell = String(headers['sec-ch-ua']).includes('"HeadlessChrome"')
  const missing = spelt(always).find(
    (name) => !sent.includes(name) && !(isShell && name.toLowerCase() === 'accept-language'),
  )
  if (missing) return `no ${missing}`
  const [firstNames, lastNames] = [spelt(first), spelt(last)]
  const known = new Map(
    [...firstNames, ...spelt(between), ...lastNames].map((name) => [name.toLowerCase(), name]),
  )
  const misspelt = sent.find((name) => (known.get(name.toLowerCase()) ?? name) !== name)
  if (misspelt) return `${misspelt} in another spelling`
  const ranks = sent.map((name) => {
    if (firstNames.includes(name)) return firstNames.indexOf(name)
    return lastNames.includes(name) ? 200 + lastNames.indexOf(name) : 100
  })
  const disorder = ranks.findIndex((rank, at) => rank < (ranks[at - 1] ?? 0))
  if (disorder >= 0) return `${sent[disorder]} in another place`

  if (!isHttp2 && headers.connection !== 'keep-alive') return `Connection ${headers.connection}`
  if (headers['accept-encoding'] !== 'gzip, deflate, br, zstd') return 'another Accept-Encoding'
  const version = /(?:Headless)?Chrome\/(\d+)/.exec(headers['user-agent'] ?? '')?.[1]
  const isOwnVersion = String(headers['sec-ch-ua']).includes(`"Chromium";v="${version}"`)
  return isOwnVersion ? undefined : 'a sec-ch-ua of another browser'
}

/** A fetch of the site's own page, or a navigation: nothing else is the way of WIRE 2.6. */
function purposeFault(request: IncomingMessage): string | undefined {
  const { headers, method } = request
  const { origin, referer, accept = '' } = headers
  const own = ownOrigin(request)
  if (isNavigation(request)) {
    if (method !== 'GET') return 'a navigation that is no GET'
    if (headers['sec-fetch-dest'] !== 'document') return 'a navigation of a frame'
    const isWhole = headers['upgrade-insecure-requests'] === '1' && accept.startsWith('text/html')
    return isWhole ? undefined : 'half a navigation'
  }
  if (headers['sec-fetch-site'] !== 'same-origin') return `a fetch of ${origin ?? 'another origin'}`
  const isFetch = headers['sec-fetch-dest'] === 'empty' && headers['sec-fetch-mode'] === 'cors'
  if (!isFetch) return 'neither a fetch nor a navigation'
  if (!referer?.startsWith(`${own}/`)) return `Referer ${referer}`
  const wanted = method === 'GET' || method === 'HEAD' ? undefined : own
  return origin === wanted ? undefined : `Origin ${origin}`
}

const headerNames = ({ rawHeaders }: IncomingMessage): string[] => rawHeaders.filter((_, at) => at % 2 === 0)
