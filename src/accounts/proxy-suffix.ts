import { InvalidRequestError } from '../core/errors.ts'
import { refuseBadCharacters } from './cookie-header.ts'

export interface ProxiedSecret {
  /** A cookie or an API key, as it stands before the `@`. */
  readonly secret: string
  readonly proxyUrl: string | undefined
}

/** Splits `COOKIE@proxy-url`. Only an `@` in front of a proxy's scheme counts, and only if nothing that can end a URL follows:
 *  cookie values hold `@` too. Which scheme it is, `parseProxyUrl` judges. */
export function splitProxySuffix(text: string): ProxiedSecret {
  const given = text.trimEnd()
  // By hand: a pattern with an end takes quadratic time for a long run of proxies.
  const end = Math.max(...[';', '"', ' ', '\t', '\n', '\r'].map((mark) => given.lastIndexOf(mark)))
  const at = given.slice(end + 1).search(/@(?:https?|socks\w*):\/\//i)
  if (at === -1) return { secret: text, proxyUrl: undefined }
  return { secret: given.slice(0, end + 1 + at), proxyUrl: given.slice(end + at + 2) }
}

/** A proxy of one account: http, https or socks5, with user and password if need be (percent-encoded).
 *  @throws {InvalidRequestError} `invalid_value`; the message never quotes the URL */
export function parseProxyUrl(text: string, param: string): string {
  refuseBadCharacters(text, param)
  const url = URL.parse(text.trim())
  const isProxy =
    url !== null &&
    ['http:', 'https:', 'socks5:', 'socks5h:'].includes(url.protocol) &&
    url.hostname !== '' &&
    ['', '/'].includes(url.pathname) &&
    url.search + url.hash === ''
  if (isProxy) return text.trim()
  throw new InvalidRequestError('invalid_value', {
    message: 'The proxy must be a URL such as http://user:password@host:port, https:// or socks5://.',
    param,
  })
}
