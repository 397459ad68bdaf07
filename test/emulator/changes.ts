/** Waiting for a condition without sleeping: it is tried anew whenever something changed. */
export function createChanges() {
  const waiters = new Set<() => void>()
  const failures = new Set<(error: Error) => void>()

  return {
    notify: () => {
      for (const look of [...waiters]) look()
    },

    /** @throws after `timeoutMs` */
    until: (predicate: () => boolean, timeoutMs = 10_000): Promise<void> =>
      new Promise((resolve, reject) => {
        const settle = () => {
          clearTimeout(timer)
          waiters.delete(look)
          failures.delete(fail)
        }
        const fail = (error: Error) => {
          settle()
          reject(error)
        }
        const look = () => {
          if (!predicate()) return
          settle()
          resolve()
        }
        const timer = setTimeout(
          () => fail(new Error(`not so within ${timeoutMs} ms: ${predicate}`)),
          timeoutMs,
        )
        waiters.add(look)
        failures.add(fail)
        look()
      }),

    close: () => {
      for (const fail of [...failures]) fail(new Error('the emulator was closed'))
    },
  }
}
