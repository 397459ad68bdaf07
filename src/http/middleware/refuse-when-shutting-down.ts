import { UnavailableError } from '../../core/errors.ts'
import type { Middleware } from '../request-state.ts'

/** From SIGTERM on nothing new begins; the connection is given up, so that the next request finds another replica.
 *  @throws {UnavailableError} `shutting_down` */
export function refuseWhenShuttingDown(isShuttingDown: () => boolean): Middleware {
  return (context, next) => {
    if (!isShuttingDown()) return next()
    context.set('Connection', 'close')
    // The nginx of scripts/lib/replicas asks for this: it sends the request, of which nothing was done, to another one by itself.
    if (context.get('X-Another-Replica')) context.set('X-Accel-Redirect', '@another-replica')
    throw new UnavailableError('shutting_down', { retryAfterMs: 1_000 })
  }
}
