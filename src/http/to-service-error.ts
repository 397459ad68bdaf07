import { isAbort, ServiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { RequestContext } from './request-state.ts'

/** What a client may be told of whatever was thrown. A bug is logged whole under the request id and shown as a plain 500. */
export function toServiceError(context: RequestContext, thrown: unknown, logger: Logger): ServiceError {
  const { requestId, signal } = context.state
  const aborted = isAbort(thrown, signal)
  const error: unknown = aborted ? signal.reason : thrown
  if (!aborted && !(error instanceof ServiceError))
    logger.error({ requestId, err: error }, 'unexpected error')
  const shown = error instanceof ServiceError ? error : new ServiceError('internal_error', { cause: error })
  if (!aborted || shown === error) context.state.errorCode = shown.code
  return shown
}
