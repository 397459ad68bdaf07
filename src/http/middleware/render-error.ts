import type { Logger } from '../../core/logger.ts'
import { encodeError } from '../../dialects/openai-chat/encode-error.ts'
import type { Middleware } from '../request-state.ts'
import { retryHeaders } from '../retry-headers.ts'
import { toServiceError } from '../to-service-error.ts'

/** Every failure before the headers ends here, in the one body shape. */
export function renderError(logger: Logger): Middleware {
  return async (context, next) => {
    try {
      await next()
    } catch (thrown) {
      const error = toServiceError(context, thrown, logger)
      if (context.res.destroyed) return
      context.status = error.status
      context.set(retryHeaders(error))
      context.body = encodeError(error)
    }
  }
}
