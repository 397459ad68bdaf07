import type { RequestContext } from './request-state.ts'

/** Answers with JSON, on the bare response: of an object as its body Koa asks first whether it is a `Response` or a `Blob`, and
 *  that alone loads the whole of Node's own `fetch`. */
export function sendJson(context: RequestContext, value: unknown, status = 200): void {
  const { res } = context
  const text = JSON.stringify(value)
  context.respond = false
  res.statusCode = status
  setRecordHeaders(context)
  res.setHeader('Content-Type', 'application/json; charset=utf-8')
  res.setHeader('Content-Length', Buffer.byteLength(text))
  res.end(text)
}

/** Tells in headers who answered: everything with DEBUG_HEADERS, else only that another model answered than the one asked for. The
 *  headers of a stream leave before the site names the model. */
export function setRecordHeaders({ res, state }: RequestContext): void {
  const { record, debugHeaders } = state
  if (!record || record.attempts.length === 0) return
  if (debugHeaders) {
    if (record.account !== undefined) res.setHeader('x-genspark-account', record.account)
    res.setHeader('x-genspark-attempts', record.attempts.length)
  }
  // The site's word, as far as a header can hold it.
  const served = record.served?.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)
  if (served !== undefined && (debugHeaders || record.mismatch))
    res.setHeader('x-genspark-served-model', served)
}
