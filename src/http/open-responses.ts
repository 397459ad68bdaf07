import type { Server, ServerResponse } from 'node:http'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'

export interface OpenResponses {
  readonly count: number
  /** @returns true when the last response ended, false when `timeoutMs` passed before */
  whenNone(timeoutMs: number): Promise<boolean>
  /** Resolves once nobody sends requests any more who did from `since` on (of `performance.now()`): none has come for `quietMs`.
   *  Waits no longer than `timeoutMs`. */
  whenQuiet(options: {
    readonly since: number
    readonly quietMs: number
    readonly timeoutMs: number
  }): Promise<void>
}

/** Keeps count of the responses that a server has not ended yet, so that closing can wait for them. */
export function trackOpenResponses(server: Server): OpenResponses {
  const open = new Set<ServerResponse>()
  const waiting = new Set<() => void>()
  let lastCame = Number.NEGATIVE_INFINITY
  server.on('request', (_request, response) => {
    lastCame = performance.now()
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
    async whenQuiet({ since, quietMs, timeoutMs }) {
      const deadline = performance.now() + timeoutMs
      // Timers come before reads: what lies in the sockets is taken up first. The second turn is for what came with a connection.
      for (let turn = 0; turn < 2; turn += 1) await nextTurn()
      while (lastCame >= since && performance.now() < Math.min(lastCame + quietMs, deadline)) {
        await delay(Math.min(lastCame + quietMs, deadline) - performance.now())
        for (let turn = 0; turn < 2; turn += 1) await nextTurn()
      }
    },
  }
}
