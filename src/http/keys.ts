import { hash, timingSafeEqual } from 'node:crypto'
import { ServiceError } from '../core/errors.ts'
import type { Middleware, RequestContext } from './request-state.ts'

/** Takes a request that bears one of the secrets, in any header that a client uses, and remembers which.
 *  @param secrets  none: everyone may ask
 *  @throws {ServiceError} `invalid_api_key` */
export function authenticate(secrets: readonly string[]): Middleware {
  const findKey = createKeyFinder(secrets)
  return (context, next) => {
    if (secrets.length > 0) {
      const found = findKey(context)
      if (!found) throw new ServiceError('invalid_api_key')
      context.state.caller = found.toString('hex', 0, labelBytes)
    }
    return next()
  }
}

/** Does a request bear one of the secrets? With no secrets every request does. */
export function createKeyCheck(secrets: readonly string[]): (context: RequestContext) => boolean {
  if (secrets.length === 0) return () => true
  const findKey = createKeyFinder(secrets)
  return (context) => findKey(context) !== undefined
}

/** Tells callers apart by the key that let them in, without holding it. A service without keys tells them apart by what they
 *  send. */
export function callerOf(context: RequestContext): string {
  const { state } = context
  state.caller ??= digest(givenKeys(context)[0] ?? '').toString('hex', 0, labelBytes)
  return state.caller
}

/** A label is the first 16 hex digits of a key's SHA-256. */
const labelBytes = 8

/** Finds the digest of the key that matches. Digests are compared, in constant time, so that the time tells neither length nor
 *  content. */
function createKeyFinder(secrets: readonly string[]): (context: RequestContext) => Buffer | undefined {
  const known = secrets.map(digest)
  return (context) => {
    for (const key of givenKeys(context)) {
      const given = digest(key)
      let matches = 0
      for (const each of known) if (timingSafeEqual(given, each)) matches += 1
      if (matches > 0) return given
    }
    return undefined
  }
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer')

/** `Authorization: Bearer`, as OpenAI's clients send it; `x-api-key`, Anthropic's; `api-key`, Azure's. */
function givenKeys({ req: { headers } }: RequestContext): string[] {
  const { authorization = '', 'x-api-key': anthropic = '', 'api-key': azure = '' } = headers
  const bearer = /^bearer +(.+)$/i.exec(authorization)?.[1] ?? ''
  return [bearer, anthropic, azure].flatMap((key) => String(key).trim() || [])
}
