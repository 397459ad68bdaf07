import type { Server, ServerResponse } from 'node:http'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'

export interface OpenResponses {
  readonly count: number
  /** @returns true when the last response ended, false when `timeoutMs` passed before */
  whenNone(timeoutMs: number): Promise<boolean>
  /** Resolves when for `quietMs` no request has come and no response has ended, since the end of one brings the next; after
   *  `timeoutMs` at the latest. */
  whenQuiet(options: { readonly quietMs: number; readonly timeoutMs: number }): Promise<void>
}

/** Keeps count of the responses that a server has not ended yet, so that closing can wait for them. */
export function trackOpenResponses(server: Server): OpenResponses {
  const open = new Set<ServerResponse>()
  const waiting = new Set<() => void>()
  let lastActive = Number.NEGATIVE_INFINITY
  server.on('request', (_request, response) => {
    lastActive = performance.now()
    open.add(response)
    response.once('close', () => {
      lastActive = performance.now()
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
    async whenQuiet({ quietMs, timeoutMs }) {
      const deadline = performance.now() + timeoutMs
      for (;;) {
        await socketsRead()
        const waitMs = Math.min(lastActive + quietMs, deadline) - performance.now()
        if (waitMs <= 0) return
        await delay(waitMs)
      }
    },
  }
}

/** A timer fires before Node reads its sockets: one turn of the loop accepts a connection, the next reads its first request. */
async function socketsRead(): Promise<void> {
  await nextTurn()
  await nextTurn()
}
