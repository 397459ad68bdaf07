import type { Middleware, RequestState, Writable } from '../request-state.ts'

/** `state.signal`: aborted when the client's connection closes before the response is out, or with the reason of `shutdown`. */
export function clientSignal(shutdown: AbortSignal): Middleware {
  const open = new Set<AbortController>()
  shutdown.addEventListener('abort', () => {
    for (const controller of open) controller.abort(shutdown.reason)
  })
  return (context, next) => {
    const { res } = context
    const controller = new AbortController()
    const state: Writable<RequestState> = context.state
    state.signal = controller.signal
    open.add(controller)
    res.once('close', () => {
      open.delete(controller)
      if (!res.writableFinished) controller.abort()
    })
    if (shutdown.aborted) controller.abort(shutdown.reason)
    return next()
  }
}
