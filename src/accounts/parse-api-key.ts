import { type ApiKeyAccount, createApiKeyAccount } from '../core/account.ts'
import { InvalidRequestError } from '../core/errors.ts'
import { refuseBadCharacters } from './cookie-header.ts'

export interface ParsedKeys {
  readonly accounts: readonly ApiKeyAccount[]
  /** What was left out, in words and by number; never the key. */
  readonly problems: readonly string[]
}

const maxKeyChars = 4096

/** GENSPARK_API_KEY: a key that cannot be read becomes a problem, the others are taken. */
export function parseApiKeyList(keys: readonly string[], setting = 'GENSPARK_API_KEY'): ParsedKeys {
  const problems: string[] = []
  const accounts = keys.flatMap((key, index) => {
    try {
      return [parseApiKey(key, setting)]
    } catch (error) {
      if (!(error instanceof InvalidRequestError)) throw error
      problems.push(`item ${index + 1}: ${error.message}`)
      return []
    }
  })
  return { accounts, problems }
}

/** A vendor API key (WIRE 11), also as `KEY@proxy-url`.
 *  @throws {InvalidRequestError} `invalid_value`; the message never quotes the key */
export function parseApiKey(text: string, param: string): ApiKeyAccount {
  const { secret, proxyUrl } = splitProxySuffix(text.trim())
  if (!/^[\x21-\x7e]+$/.test(secret) || secret.length > maxKeyChars) {
    throw new InvalidRequestError('invalid_value', {
      message: `The API key must be 1 to ${maxKeyChars} visible ASCII characters.`,
      param,
    })
  }
  return createApiKeyAccount(secret, proxyUrl && parseProxyUrl(proxyUrl, param))
}

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
