import type { ChatModel } from '../core/chat-request.ts'
import type { RequestContext } from './request-state.ts'

/** Tells what a request asked for and does not get: in a `Warning` header each (RFC 7234, 5.5), and in its record. */
export function warn({ res, state }: RequestContext, warnings: readonly string[]): void {
  if (warnings.length === 0) return
  const noted = state.record?.warnings
  noted?.push(...warnings.slice(0, maxWarnings).filter((text) => !noted.includes(text)))
  if (res.headersSent) return
  const before = [res.getHeader('Warning') ?? []].flat().map(String)
  const values = warnings.slice(0, maxWarnings).map((text) => `299 - "${quotable(text)}"`)
  res.setHeader('Warning', [...before, ...values].join(', '))
}

/** Tells that another model stands in for a name that is not known. */
export function warnOfStandIn(context: RequestContext, { id, standIn }: ChatModel): void {
  if (standIn !== undefined)
    warn(context, [`there is no model ${id.slice(0, 100)} here: ${standIn} answers in its place`])
}

/** A request of a thousand odd parts is told of the first of them. */
const maxWarnings = 8

/** Names in it are the client's own. */
const quotable = (text: string): string =>
  text
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/["\\]/g, "'")
    .slice(0, 300)
