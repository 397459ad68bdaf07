import ratelimit from 'koa-ratelimit'
import { ServiceError } from '../../core/errors.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { Middleware, RequestContext } from '../request-state.ts'

/** More clients than these in one minute forget the oldest. */
const maxClients = 100_000

/** @param perMinute  requests of one client address; 0 is no limit
 *  @throws {ServiceError} `rate_limit_exceeded` */
export function limitRate(perMinute: number): Middleware {
  if (perMinute === 0) return (_context, next) => next()
  const limit = ratelimit({
    driver: 'memory',
    db: new BoundedMap(maxClients),
    duration: windowS * 1000,
    max: perMinute,
    id: (context) => context.state.clientAddress,
  })
  return async (context, next) => {
    await limit(context, () => {
      tellWholeSecond(context)
      return next()
    })
    const { rateLimit } = context.state
    if (!rateLimit) return
    tellWholeSecond(context)
    // It rounds down: a client that obeyed would come too early.
    const retryAfterS = Math.min(rateLimit.after + 1, windowS)
    throw new ServiceError('rate_limit_exceeded', { retryAfterMs: retryAfterS * 1000 })
  }
}

const windowS = 60
const resetHeader = 'X-RateLimit-Reset'

/** koa-ratelimit tells a fraction, which clients that expect an integer cannot read. */
function tellWholeSecond({ response }: RequestContext): void {
  response.set(resetHeader, String(Math.ceil(Number(response.get(resetHeader)))))
}
