import { hash, timingSafeEqual } from 'node:crypto'
import type { RequestContext } from './request-state.ts'

/** Does a request bear one of the secrets, in any header that a client uses (CLIENTS rule 15)? With no secrets every request
 *  does. Digests are compared, so that the time tells neither length nor content. */
export function createKeyCheck(secrets: readonly string[]): (context: RequestContext) => boolean {
  if (secrets.length === 0) return () => true
  const known = secrets.map(digest)
  return (context) => givenKeys(context).some((key) => isAmong(digest(key), known))
}

/** Tells callers apart by the key that they send, without holding it; all without a key are one. */
export function callerOf(context: RequestContext): string {
  const [key = ''] = givenKeys(context)
  return hash('sha256', key).slice(0, 16)
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer')

function isAmong(given: Buffer, known: readonly Buffer[]): boolean {
  let matches = 0
  for (const each of known) if (timingSafeEqual(given, each)) matches += 1
  return matches > 0
}

function givenKeys(context: RequestContext): string[] {
  const bearer = /^bearer +(.+)$/i.exec(context.get('authorization'))?.[1]
  return [bearer, context.get('x-api-key'), context.get('api-key')].flatMap((key) => key?.trim() || [])
}
