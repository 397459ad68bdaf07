import { randomUUID } from 'node:crypto'
import type { Middleware, RequestState, Writable } from '../request-state.ts'

/** Every reply bears `x-request-id` and, as Anthropic's clients know it, `request-id`; the logs do too. The client's own is not
 *  taken over: leases are named by it. */
export function assignRequestId(): Middleware {
  return (context, next) => {
    const state: Writable<RequestState> = context.state
    state.requestId = randomUUID()
    context.set({ 'x-request-id': state.requestId, 'request-id': state.requestId })
    return next()
  }
}
