import type { AppServices } from './app-services.ts'
import type { Middleware, RequestContext } from './request-state.ts'

/** nginx's status for a client that left before it had the whole response. */
const clientClosedRequest = 499

/** Asked every few seconds, these would fill the log. */
const probes = new Set(['/livez', '/readyz', '/metrics'])

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
      const route = context._matchedRouteName ?? 'unmatched'
      metrics.requestsInFlight.dec()
      metrics.requests.inc({ route, status })
      logger[probes.has(route) ? 'debug' : 'info'](
        {
          requestId: context.state.requestId,
          method: context.method,
          path: withoutKey(context.path),
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

/** The name of a linked file is its key (`file-links`). */
const withoutKey = (path: string): string => path.replace(/\/files\/.+$/, '/files/…')

function finalStatus({ res }: RequestContext): number {
  return res.writableFinished ? res.statusCode : clientClosedRequest
}
