import ratelimit from 'koa-ratelimit'
import { ServiceError } from '../../core/errors.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Middleware } from '../request-state.ts'

/** More clients than these in one minute forget the oldest. */
const maxClients = 100_000

/** @param perMinute  requests of one client address; 0 is no limit
 *  @throws {ServiceError} `rate_limit_exceeded` */
export function limitRate(perMinute: number): Middleware {
  if (perMinute === 0) return (_context, next) => next()
  const limit = ratelimit({
    driver: 'memory',
    db: new BoundedMap(maxClients),
    duration: 60_000,
    max: perMinute,
    id: (context) => context.state.clientAddress,
  })
  return async (context, next) => {
    await limit(context, next)
    const { rateLimit } = context.state
    if (rateLimit) throw new ServiceError('rate_limit_exceeded', { retryAfterMs: rateLimit.after * 1000 })
  }
}
