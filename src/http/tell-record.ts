import type { Middleware, RequestContext } from './request-state.ts'

/** Tells in headers who answered, where they are not out yet: everything with DEBUG_HEADERS, without it only that another model
 *  answered than the one asked for. A stream's headers leave before the site names the model. */
export function tellRecord(debugHeaders: boolean): Middleware {
  return async (context, next) => {
    await next()
    const { record } = context.state
    if (!record || context.res.headersSent) return
    if (debugHeaders) setDebugHeaders(context)
    else if (record.mismatch) setServedModel(context)
  }
}

/** What is known of the request by now. */
export function setDebugHeaders(context: RequestContext): void {
  const { record } = context.state
  if (!record || record.attempts.length === 0) return
  if (record.account !== undefined) context.set('x-genspark-account', record.account)
  context.set('x-genspark-attempts', String(record.attempts.length))
  setServedModel(context)
}

/** The site's word, as far as a header can hold it. */
function setServedModel(context: RequestContext): void {
  const served = context.state.record?.served?.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)
  if (served !== undefined) context.set('x-genspark-served-model', served)
}
