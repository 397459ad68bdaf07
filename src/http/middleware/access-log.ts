import type { AppServices } from '../app-services.ts'
import type { Middleware, RequestContext } from '../request-state.ts'

/** nginx's word for a client that left before it had the whole response. */
const clientClosedRequest = 499

/** One line and one count a request. The query and the headers may hold keys, so neither is logged. */
export function accessLog({
  logger,
  metrics,
  clock,
}: Pick<AppServices, 'logger' | 'metrics' | 'clock'>): Middleware {
  return (context, next) => {
    const startedMs = clock.now()
    metrics.requestsInFlight.inc()
    context.res.once('close', () => {
      const status = finalStatus(context)
      metrics.requestsInFlight.dec()
      metrics.requests.inc({ route: context._matchedRouteName ?? 'unmatched', status })
      logger.info(
        {
          requestId: context.state.requestId,
          method: context.method,
          path: context.path,
          status,
          ms: clock.now() - startedMs,
          code: context.state.errorCode,
        },
        'request',
      )
    })
    return next()
  }
}

function finalStatus({ res }: RequestContext): number {
  return res.writableFinished ? res.statusCode : clientClosedRequest
}
