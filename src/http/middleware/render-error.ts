import type { Config } from '../../config.ts'
import type { Logger } from '../../core/logger.ts'
import { createErrorBody } from '../error-body.ts'
import type { Middleware } from '../request-state.ts'
import { retryHeaders } from '../retry-headers.ts'
import { toServiceError } from '../to-service-error.ts'

/** Every failure before the headers ends here, in the body shape of its route. */
export function renderError({ routePrefix }: Pick<Config, 'routePrefix'>, logger: Logger): Middleware {
  const errorBody = createErrorBody(routePrefix)
  return async (context, next) => {
    try {
      await next()
    } catch (thrown) {
      const error = toServiceError(context, thrown, logger)
      if (context.res.destroyed) return
      context.status = error.status
      context.set(retryHeaders(error))
      context.body = errorBody(context, error)
    }
  }
}
