import { type ApiKeyAccount, createApiKeyAccount } from '../core/account.ts'
import { InvalidRequestError } from '../core/errors.ts'
import { parseProxyUrl, splitProxySuffix } from './proxy-suffix.ts'

export interface ParsedKeys {
  readonly accounts: readonly ApiKeyAccount[]
  /** What was left out, in words and by number; never the key. */
  readonly problems: readonly string[]
}

const maxKeyChars = 4096

/** GENSPARK_API_KEY: a key that cannot be read becomes a problem, the others are taken. */
export function parseApiKeyList(keys: readonly string[]): ParsedKeys {
  const problems: string[] = []
  const accounts = keys.flatMap((key, index) => {
    try {
      return [parseApiKey(key, 'GENSPARK_API_KEY')]
    } catch (error) {
      if (!(error instanceof InvalidRequestError)) throw error
      problems.push(`item ${index + 1}: ${error.message}`)
      return []
    }
  })
  return { accounts, problems }
}

/** A vendor API key (UPSTREAM 11), also as `KEY@proxy-url`.
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
