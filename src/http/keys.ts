import { hash, timingSafeEqual } from 'node:crypto'
import type { Config } from '../config.ts'
import { ServiceError } from '../core/errors.ts'
import type { NamedKey, NamedKeys } from '../store/named-keys.ts'
import type { OperatorKey } from '../store/operator-key.ts'
import { createKeyLimit } from './limit-key.ts'
import { isOwnOrigin } from './own-origin.ts'
import type { Middleware, RequestContext } from './request-state.ts'

/** Whose key a request bears, in any header that a client uses. */
export interface Keys {
  /** The label of the client's key that matches. */
  clientOf(context: RequestContext): string | undefined
  /** Whether it bears the operator's key: one of ADMIN_SECRET, else the one that the service made. A client's key never is one.
   *  @throws {UnavailableError} `dependency_unavailable` */
  isOperator(context: RequestContext): boolean | Promise<boolean>
  /** The same of a key that comes otherwise. */
  isOperatorsKey(key: string): boolean | Promise<boolean>
}

export function createKeys(
  { apiSecrets, adminSecrets }: Pick<Config, 'apiSecrets' | 'adminSecrets'>,
  operatorKey: Pick<OperatorKey, 'looksMade' | 'matches'>,
): Keys {
  const findClient = createKeyFinder(apiSecrets)
  const findOperator = createKeyFinder(adminSecrets)

  async function isMade(keys: readonly string[]): Promise<boolean> {
    for (const key of keys) if (operatorKey.looksMade(key) && (await operatorKey.matches(key))) return true
    return false
  }

  return {
    clientOf: (context) => findClient(givenKeys(context))?.toString('hex', 0, labelBytes),
    isOperator: (context) => opens(givenKeys(context)),
    isOperatorsKey: (key) => opens([key]),
  }

  function opens(keys: readonly string[]): boolean | Promise<boolean> {
    if (adminSecrets.length > 0) return findOperator(keys) !== undefined
    return keys.some(operatorKey.looksMade) && isMade(keys)
  }
}

/** The operator's session in a browser, where a client's key is asked for. */
export interface ConsoleSession {
  /** Whether the request bears one, and comes from a page of ours; without the header that only such a page can send along with
   *  the cookie the session counts as none. @throws {ServiceError} `origin_not_allowed` */
  isConsole(context: RequestContext): boolean | Promise<boolean>
}

export type AuthenticateOptions = Pick<Config, 'apiSecrets' | 'corsOrigins' | 'publicUrl'>

/** Lets in who bears a client's key, the operator's, or a session of the console, and remembers which. A service for
 *  which no client's key was ever set or made lets everybody in but the pages of strangers.
 *  @throws {ServiceError} `invalid_api_key`, `origin_not_allowed`, `rate_limit_exceeded` */
export function authenticate(
  keys: Keys,
  options: AuthenticateOptions,
  session?: ConsoleSession,
  namedKeys?: NamedKeys,
): Middleware {
  const hasSecrets = options.apiSecrets.length > 0
  const refuseStrangers = createStrangerCheck(options)
  const limitKey = createKeyLimit()

  const enterKnown: Middleware = (context, next) => {
    const named = namedKeys && findNamed(namedKeys, context)
    if (named) {
      context.state.caller = named.id
      limitKey(named, context)
      return next()
    }
    const takesKeys = hasSecrets || namedKeys?.everMade === true
    const client = hasSecrets ? keys.clientOf(context) : undefined
    if (client !== undefined) {
      context.state.caller = client
      return next()
    }
    const isOperator = keys.isOperator(context)
    const isKnown = isOperator || (session?.isConsole(context) ?? false)
    return typeof isKnown === 'boolean' ? enter(isKnown) : isKnown.then(enter)

    function enter(byOperator: boolean): Promise<unknown> {
      if (byOperator) {
        context.state.caller = operatorLabel
        context.state.debugHeaders = true
      } else if (takesKeys) throw new ServiceError('invalid_api_key', { retryable: false })
      else refuseStrangers(context)
      return next()
    }
  }

  return (context, next) => {
    if (!namedKeys || namedKeys.isLoaded) return enterKnown(context, next)
    const known = namedKeys.load().catch((error: unknown) => {
      // Until it is known which keys were made nobody can tell whether the service is open to all.
      if (!hasSecrets) throw error
    })
    return known.then(() => enterKnown(context, next))
  }
}

function findNamed(namedKeys: NamedKeys, context: RequestContext): NamedKey | undefined {
  if (!namedKeys.everMade) return undefined
  for (const key of givenKeys(context)) {
    const found = namedKeys.find(key)
    if (found) return found
  }
  return undefined
}

/** Where no key is asked for, a page of any site on the operator's machine could use the service: only pages of our own origin and
 *  of those that CORS_ORIGINS names may. `Host` is not judged: it may be any name of a machine in a private network.
 *  @throws {ServiceError} `origin_not_allowed` */
function createStrangerCheck(options: AuthenticateOptions): (context: RequestContext) => void {
  const named = new Set(options.corsOrigins.filter((origin) => origin !== '*'))
  return (context) => {
    const { origin, 'sec-fetch-site': site } = context.req.headers
    if (origin === undefined && site !== 'cross-site') return
    if (origin !== undefined && (named.has(origin.toLowerCase()) || isOwnOrigin(origin, context, options)))
      return
    throw new ServiceError('origin_not_allowed', { message: noStrangers })
  }
}

const noStrangers =
  'This service asks for no key, so it answers web pages of its own origin alone. Set API_SECRET, or name the page in CORS_ORIGINS.'

/** Tells callers apart by the key that let them in, without holding it. A service without keys tells them apart by what they
 *  send. */
export function callerOf(context: RequestContext): string {
  const { state } = context
  state.caller ??= labelOf(givenKeys(context)[0] ?? '')
  return state.caller
}

/** By which a key is known in counts and records. */
export const labelOf = (key: string): string => digest(key).toString('hex', 0, labelBytes)

/** A label is the first 16 hex digits of a key's SHA-256; the operator's is a word, which is no such digits. */
const labelBytes = 8
const operatorLabel = 'console'

/** Finds the digest of the key that matches. Digests are compared, in constant time, so that the time tells neither length nor
 *  content. */
function createKeyFinder(secrets: readonly string[]): (keys: readonly string[]) => Buffer | undefined {
  const known = secrets.map(digest)
  return (keys) => {
    for (const key of keys) {
      const given = digest(key)
      let matches = 0
      for (const each of known) if (timingSafeEqual(given, each)) matches += 1
      if (matches > 0) return given
    }
    return undefined
  }
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer')

/** `Authorization: Bearer`, as OpenAI's clients send it, also without the word or with it twice; `x-api-key`, Anthropic's;
 *  `api-key`, Azure's; `x-goog-api-key`, Google's, whose clients put it in the query as well. */
export function givenKeys({ req: { headers, url = '' } }: RequestContext): string[] {
  const { authorization = '', 'x-api-key': anthropic = '', 'api-key': azure = '' } = headers
  const { 'x-goog-api-key': google = '' } = headers
  const bearer = authorization.replace(/^(?:bearer +)+/i, '')
  const inQuery = isGoogles.test(url) ? (new URLSearchParams(url.split('?')[1]).get('key') ?? '') : ''
  return [bearer, anthropic, azure, google, inQuery].flatMap((key) => String(key).trim() || [])
}

const isGoogles = /^[^?]*\/v1(?:beta|alpha)?\/[^?]*\?(?:.*&)?key=/i
