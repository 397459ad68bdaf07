import koaCors from '@koa/cors'
import { ServiceError } from '../core/errors.ts'
import type { Middleware, RequestContext } from './request-state.ts'

const exposedHeaders = [
  'x-request-id',
  'request-id',
  'retry-after',
  'x-should-retry',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
].join(',')

/** CORS without credentials, on errors too; every OPTIONS ends here with 204, before any key is asked for: browsers send none with
 *  a preflight.
 *  @param origins  `*`, or those allowed besides this server's own
 *  @throws {ServiceError} `origin_not_allowed` */
export function cors(origins: readonly string[]): Middleware {
  const any = origins.includes('*')
  const allowed = new Set(origins)
  const allow = koaCors({
    origin: (context) => (any ? '*' : context.get('origin')),
    exposeHeaders: exposedHeaders,
    maxAge: 86_400,
    keepHeadersOnError: false,
  })
  return async (context, next) => {
    if (any && context.method !== 'OPTIONS') {
      // What the library would set for every request alike.
      const { res } = context
      res.setHeader('Vary', 'Origin')
      res.setHeader('Access-Control-Allow-Origin', '*')
      res.setHeader('Access-Control-Expose-Headers', exposedHeaders)
      return next()
    }
    const origin = context.get('origin')
    if (origin && !any && !allowed.has(origin) && !isOwnOrigin(origin, context)) {
      throw new ServiceError('origin_not_allowed')
    }
    if (context.method === 'OPTIONS') context.status = 204
    await allow(context, context.method === 'OPTIONS' ? () => Promise.resolve() : next)
  }
}

function isOwnOrigin(origin: string, context: RequestContext): boolean {
  return URL.parse(origin)?.host === context.host
}
