import type { Middleware } from '../request-state.ts'

/** Closes a response of which the client has taken nothing for `stallMs`. The socket's own timeout knows partial progress of a
 *  write and is put off by each; while nothing waits to be written it means nothing, since an upstream may think for long. */
export function closeStalledResponse(stallMs: number): Middleware {
  return ({ req: { socket }, res }, next) => {
    res.setTimeout(stallMs, () => {
      if (socket.writableLength > 0) socket.destroy()
    })
    return next()
  }
}
