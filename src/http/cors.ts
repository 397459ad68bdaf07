import koaCors from '@koa/cors'
import type { Config } from '../config.ts'
import { ServiceError } from '../core/errors.ts'
import { isOwnOrigin } from './own-origin.ts'
import type { Middleware } from './request-state.ts'

const exposedHeaders = [
  'x-request-id',
  'request-id',
  'retry-after',
  'x-should-retry',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
].join(',')

export type CorsOptions = Pick<Config, 'corsOrigins' | 'publicUrl' | 'routePrefix'>

/** CORS without credentials, on errors too; every OPTIONS ends here with 204, before any key is asked for: browsers send none with
 *  a preflight. Origins are `*`, or those allowed besides this server's own. The operator's routes are for no foreign page.
 *  @throws {ServiceError} `origin_not_allowed` */
export function cors(config: CorsOptions): Middleware {
  const { corsOrigins: origins } = config
  const ownBases = [`${config.routePrefix}/admin`, `${config.routePrefix}/console`]
  const any = origins.includes('*')
  const allowed = new Set(origins)
  const allow = koaCors({
    origin: (context) => (any ? '*' : context.get('origin')),
    exposeHeaders: exposedHeaders,
    maxAge: 86_400,
    keepHeadersOnError: false,
  })
  return async (context, next) => {
    if (ownBases.some((base) => isUnder(context.path, base))) return next()
    if (any && context.method !== 'OPTIONS') {
      // What the library would set for every request alike.
      const { res } = context
      res.setHeader('Vary', 'Origin')
      res.setHeader('Access-Control-Allow-Origin', '*')
      res.setHeader('Access-Control-Expose-Headers', exposedHeaders)
      return next()
    }
    const origin = context.get('origin')
    if (origin && !any && !allowed.has(origin) && !isOwnOrigin(origin, context, config)) {
      throw new ServiceError('origin_not_allowed')
    }
    if (context.method === 'OPTIONS') context.status = 204
    await allow(context, context.method === 'OPTIONS' ? () => Promise.resolve() : next)
  }
}

/** Whether a path is a base or lies under it. */
export function isUnder(path: string, base: string): boolean {
  return path.startsWith(base) && (path.length === base.length || path.charCodeAt(base.length) === slash)
}

const slash = 0x2f
