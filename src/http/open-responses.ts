import type { Server, ServerResponse } from 'node:http'

export interface OpenResponses {
  readonly count: number
  /** @returns true when the last response ended, false when `timeoutMs` passed before */
  whenNone(timeoutMs: number): Promise<boolean>
}

/** Keeps count of the responses that a server has not ended yet, so that closing can wait for them. */
export function trackOpenResponses(server: Server): OpenResponses {
  const open = new Set<ServerResponse>()
  const waiting = new Set<() => void>()
  server.on('request', (_request, response) => {
    open.add(response)
    response.once('close', () => {
      open.delete(response)
      if (open.size === 0) for (const resolve of waiting) resolve()
    })
  })
  return {
    get count() {
      return open.size
    },
    whenNone(timeoutMs) {
      if (open.size === 0) return Promise.resolve(true)
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const done = () => settle(true)
      const timer = setTimeout(() => settle(false), timeoutMs)
      const settle = (none: boolean) => {
        clearTimeout(timer)
        waiting.delete(done)
        resolve(none)
      }
      waiting.add(done)
      return promise
    },
  }
}
