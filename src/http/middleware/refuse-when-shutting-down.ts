import { UnavailableError } from '../../core/errors.ts'
import type { Middleware } from '../request-state.ts'

/** From SIGTERM on nothing new begins; the connection is given up, so that the next request finds another replica.
 *  @throws {UnavailableError} `shutting_down` */
export function refuseWhenShuttingDown(isShuttingDown: () => boolean): Middleware {
  return (context, next) => {
    if (!isShuttingDown()) return next()
    context.set('Connection', 'close')
    throw new UnavailableError('shutting_down', { retryAfterMs: 1_000 })
  }
}
