import { type ErrorCode, errorTable } from '../core/errors.ts'
import { beginRecord, clientName, dialectOf, endRecord, type RequestRecord } from '../records/record.ts'
import { clientClosedRequest } from '../records/ring.ts'
import type { AppServices } from './app-services.ts'
import type { Middleware, RequestContext } from './request-state.ts'

/** Asked every few seconds, these would fill the log. */
const probes = new Set(['/livez', '/readyz', '/metrics'])

/** One line and one count a request. The query and the headers may hold keys, so neither is logged. */
export function accessLog({
  logger,
  metrics,
  clock,
  records,
}: Pick<AppServices, 'logger' | 'metrics' | 'clock' | 'records'>): Middleware {
  return (context, next) => {
    const startedMs = clock.now()
    const record = beginRecord(context.state.requestId, startedMs)
    context.state.record = record
    metrics.requestsInFlight.inc()
    context.res.once('close', () => {
      const status = finalStatus(context)
      const route = context._matchedRouteName ?? 'unmatched'
      metrics.requestsInFlight.dec()
      metrics.requests.inc({ route, status })
      const isProbe = probes.has(route)
      if (!isProbe) {
        record.route = route
        record.method = context.method
        record.status = status
        endRecord(record)
        noteClient(record, context, route)
        if (context.state.errorCode !== undefined) record.code = context.state.errorCode
        if (context.state.caller !== undefined) record.key = context.state.caller
        // A console that looks on would push out what it looks at.
        if (!route.startsWith('/admin')) records?.add(record)
      }
      logger[isProbe ? 'debug' : isOurs(status, context.state.errorCode) ? 'warn' : 'info'](
        {
          requestId: context.state.requestId,
          method: context.method,
          path: withoutKey(context.path),
          status,
          ms: clock.now() - startedMs,
          code: context.state.errorCode,
          ...(record.attempts.length > 0 && notedOf(record)),
        },
        'request',
      )
    })
    return next()
  }
}

/** A request that failed by no fault of the client, within a stream too: an outage is to be seen at LOG_LEVEL=warn. */
function isOurs(status: number, code: ErrorCode | undefined): boolean {
  return code === undefined ? status >= 500 : code !== 'shutting_down' && errorTable[code].status >= 500
}

function noteClient(record: RequestRecord, { req, res }: RequestContext, route: string): void {
  const dialect = dialectOf(route)
  if (dialect !== undefined) record.dialect = dialect
  const client = clientName(req.headers['user-agent'])
  if (client !== undefined) record.client = client
  if (String(res.getHeader('content-type')).startsWith('text/event-stream')) record.stream = true
}

/** What the log line says of a request that asked the site. */
function notedOf(record: RequestRecord) {
  const { id, startedMs, since, replica, method, route, status, code, totalMs, warnings, ...noted } = record
  return { ...noted, ...(warnings.length > 0 && { warnings }) }
}

/** The name of a linked file is its key (`file-links`). */
const withoutKey = (path: string): string => path.replace(/\/files\/.+$/, '/files/…')

function finalStatus({ res }: RequestContext): number {
  return res.writableFinished ? res.statusCode : clientClosedRequest
}
