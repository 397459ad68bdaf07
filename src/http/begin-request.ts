import { randomUUID } from 'node:crypto'
import type { Middleware, RequestState, Writable } from './request-state.ts'

export interface BeginRequestOptions {
  /** Aborted with a ServiceError when the service ends: so is every open request. */
  readonly shutdown: AbortSignal
  /** A response of which the client takes nothing for so long is closed. */
  readonly stallMs: number
}

/** Gives a request its id, its signal and its write deadline. */
export function beginRequest({ shutdown, stallMs }: BeginRequestOptions): Middleware {
  const open = new Set<AbortController>()
  shutdown.addEventListener('abort', () => {
    for (const controller of open) controller.abort(shutdown.reason)
  })
  return (context, next) => {
    const { req, res } = context
    const state: Writable<RequestState> = context.state
    // As Anthropic's clients know it, too. The client's own id is not taken over: leases are named by it.
    state.requestId = randomUUID()
    res.setHeader('x-request-id', state.requestId)
    res.setHeader('request-id', state.requestId)

    const controller = new AbortController()
    state.signal = controller.signal
    open.add(controller)
    res.once('close', () => {
      open.delete(controller)
      if (!res.writableFinished) controller.abort()
    })
    if (shutdown.aborted) controller.abort(shutdown.reason)

    // The socket's own timeout knows partial progress of a write and is put off by each. While nothing waits to be written it means
    // nothing: an upstream may think for long.
    const { socket } = req
    res.setTimeout(stallMs, () => {
      if (socket.writableLength > 0) socket.destroy()
    })
    return next()
  }
}
