import { createSecretKey, type KeyObject } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { parseRedisUrl } from '../store/redis/parse-redis-url.ts'

/** Reads the text of a setting; `text` is trimmed and, save for lists and maps, never empty.
 *  @throws {SettingFault} which says what is accepted and never quotes the text: it may be a secret in the wrong place */
export type Parse<T> = (text: string) => T

/** Reads on after the setting's name: `PORT` + `must be …`. */
export class SettingFault extends Error {}

export const text: Parse<string> = (given) => given

export function matching(pattern: RegExp, what: string): Parse<string> {
  return (given) => (pattern.test(given) ? given : fail(`must be ${what}`))
}

/** A host name or an address; of IPv6 also in the brackets that it wears in a URL. */
export const listenAddress: Parse<string> = (given) => {
  const address = /^\[([\da-f:.%\w-]+)\]$/i.exec(given)?.[1] ?? given
  return /^[\w.:%-]+$/.test(address) ? address : fail('must be a host name or address')
}

export function oneOf<const T extends string>(...choices: readonly T[]): Parse<T> {
  return (given) =>
    choices.find((choice) => choice === given.toLowerCase()) ?? fail(`must be ${wordList(choices)}`)
}

const yes = ['1', 'true', 'yes', 'on']
const no = ['0', 'false', 'no', 'off']

export const yesOrNo: Parse<boolean> = (given) => {
  const word = given.toLowerCase()
  if (yes.includes(word)) return true
  if (no.includes(word)) return false
  return fail(`must be ${wordList([...yes, ...no])}`)
}

export function wholeNumber(min: number, max: number): Parse<number> {
  return (given) => {
    const number = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN
    return number >= min && number <= max ? number : fail(`must be a whole number from ${min} to ${max}`)
  }
}

/** Seconds, a fraction allowed, as milliseconds. */
export function seconds(min: number, max: number): Parse<number> {
  return (given) => {
    const number = /^\d{1,9}(\.\d{1,3})?$/.test(given) ? Number(given) : Number.NaN
    return number >= min && number <= max
      ? Math.round(number * 1000)
      : fail(`must be a number of seconds from ${min} to ${max}`)
  }
}

/** Whole days as milliseconds. */
export function days(min: number, max: number): Parse<number> {
  const count = wholeNumber(min, max)
  return (given) => count(given) * 24 * 60 * 60 * 1000
}

/** Megabytes (2^20) as bytes. */
export function megabytes(min: number, max: number): Parse<number> {
  const count = wholeNumber(min, max)
  return (given) => count(given) * 1024 * 1024
}

export function autoOr<T>(otherwise: Parse<T>): Parse<T | 'auto'> {
  return (given) => {
    if (given.toLowerCase() === 'auto') return 'auto'
    try {
      return otherwise(given)
    } catch (error) {
      throw extended(error, (message) => `${message}, or auto`)
    }
  }
}

/** An absolute URL as it was written. */
export function url(...schemes: readonly string[]): Parse<string> {
  return (given) => {
    const parsed = URL.parse(given)
    if (parsed?.hostname && schemes.includes(parsed.protocol.slice(0, -1))) return given
    return fail(`must be a URL that begins with ${wordList(schemes.map((scheme) => `${scheme}://`))}`)
  }
}

/** As ioredis cannot check it: one server, sentinels or a cluster. */
export const redisUrl: Parse<string> = (given) => {
  try {
    parseRedisUrl(given)
    return given
  } catch (error) {
    return fail(error instanceof TypeError ? error.message : 'is no URL of Redis')
  }
}

/** The address of a site: a URL without query, fragment and credentials; the slashes at its end are dropped. */
export const siteUrl: Parse<string> = (given) => {
  const parsed = new URL(url('http', 'https')(given))
  if (parsed.search || parsed.hash || parsed.username || parsed.password)
    return fail('must be a URL without query, fragment, user name and password')
  return (parsed.origin + parsed.pathname).replace(/\/+$/, '')
}

/** `''` or `/x/y`: begins with a slash and ends without one. */
export const pathPrefix: Parse<string> = (given) => {
  const segments = given.split('/').filter((segment) => segment !== '')
  if (!segments.every((segment) => /^[\w.~-]+$/.test(segment)))
    return fail('must be a path such as /api of letters, digits and . _ ~ -')
  return segments.map((segment) => `/${segment}`).join('')
}

export const timeZone: Parse<string> = (given) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone
  } catch {
    return fail('must be a time zone such as Asia/Shanghai')
  }
}

/** A web origin in the form in which browsers send it, or `*`. */
export const webOrigin: Parse<string> = (given) =>
  given === '*' || /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/i.test(given)
    ? given.toLowerCase()
    : fail('must be * or an origin such as https://chat.example.org')

export const addressOrNetwork: Parse<string> = (given) =>
  ipaddr.IPv4.isValidFourPartDecimal(given) || ipaddr.IPv6.isValid(given) || ipaddr.isValidCIDR(given)
    ? given
    : fail('must be an IP address or a network such as 10.0.0.0/8')

/** A key as it can stand in a request header. */
export const headerKey = matching(/^[\x21-\x7e]+$/, 'a key of visible ASCII characters')

/** 32 bytes in hex, base64 or base64url. A `KeyObject` shows nothing of itself in a log. */
export const encryptionKey: Parse<KeyObject> = (given) => {
  if (/^[\da-f]{64}$/i.test(given)) return createSecretKey(given, 'hex')
  if (/^[\w+/-]{43}=?$/.test(given)) return createSecretKey(given, 'base64')
  return fail('must be 32 bytes in hex or base64')
}

/** Comma separated; empty items are dropped. */
export function list<T>(item: Parse<T>): Parse<readonly T[]> {
  return (given) => items(given).map((entry, index) => inItem(index, () => item(entry)))
}

/** `name=value,…`; a value may hold further `=`. */
export const pairs = pairsOf(/^([^=]+?)\s*=\s*(.+)$/, 'name=value')

/** `session=chatId,…`; a session may be written as a cookie (`session_id=…`), a chat id holds no `=`. */
export const sessionPairs = pairsOf(/^(.+?)\s*=\s*([^=\s]+)$/, 'session=chatId')

function pairsOf(pattern: RegExp, shape: string): Parse<ReadonlyMap<string, string>> {
  return (given) => {
    const map = new Map<string, string>()
    for (const [index, entry] of items(given).entries()) {
      inItem(index, () => {
        const [, name, value] = pattern.exec(entry) ?? fail(`must be ${shape}`)
        if (name === undefined || value === undefined || map.has(name))
          return fail('must have a name of its own')
        return map.set(name, value)
      })
    }
    return map
  }
}

export interface PreMessage {
  readonly role: (typeof messageRoles)[number]
  readonly content: string
}

const messageRoles = ['system', 'user', 'assistant'] as const

/** Checked by hand: the health check of a container reads the settings too, and need not load a schema library for it. */
export const messagesJson: Parse<readonly PreMessage[]> = (given) => {
  const messages = jsonOrUndefined(given)
  if (Array.isArray(messages) && messages.every(isPreMessage)) return messages
  return fail('must be a JSON array of {"role": "system" | "user" | "assistant", "content": "…"}')
}

function isPreMessage(value: unknown): value is PreMessage {
  if (typeof value !== 'object' || value === null) return false
  const { role, content, ...others } = value as Record<string, unknown>
  const isKnownRole = messageRoles.some((known) => known === role)
  return isKnownRole && typeof content === 'string' && Object.keys(others).length === 0
}

/** Without the pair of quotes around it, which Docker's `--env-file` and the list form of Compose hand on as part of the value. */
export function unquoted(given: string): string {
  const [quote] = given
  if (given.length < 2 || (quote !== '"' && quote !== "'") || given.at(-1) !== quote) return given
  const inner = given.slice(1, -1)
  return inner.includes(quote) ? given : inner.trim()
}

function items(given: string): string[] {
  return given
    .split(',')
    .map((entry) => unquoted(entry.trim()))
    .filter((entry) => entry !== '')
}

function inItem<T>(index: number, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw extended(error, (message) => `item ${index + 1} ${message}`)
  }
}

const extended = (error: unknown, extend: (message: string) => string): unknown =>
  error instanceof SettingFault ? new SettingFault(extend(error.message)) : error

function jsonOrUndefined(given: string): unknown {
  try {
    return JSON.parse(given)
  } catch {
    return undefined
  }
}

const wordList = (words: readonly string[]): string =>
  words.length === 1 ? `${words[0]}` : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

function fail(message: string): never {
  throw new SettingFault(message)
}
