/** Time that counts against somebody else is counted while our own event loop turns. A process that stood still (a busy machine, a
 *  paused container, a long computation) has read nothing meanwhile, so a timer that fires afterwards proves nothing. */

/** Parts into which a deadline is cut. What a part takes beyond `slack` parts is our own standing still. */
const parts = 8
const slack = 2
const shortestPartMs = 10
const longestPartMs = 1000

/** Calls back once after `ms` of live time, by the monotonic clock: the time in which the loop stood still does not count, and before
 *  the verdict the loop gets one more turn, in which it reads what lies in its sockets.
 *  @returns stop: nothing is called from then on */
export function liveDeadline(ms: number, onPassed: () => void): () => void {
  const partMs = Math.min(Math.max(ms / parts, shortestPartMs), longestPartMs)
  let leftMs = ms
  let armedMs = performance.now()
  let isStopped = false
  let timer = setTimeout(pass, Math.min(partMs, leftMs))

  function pass(): void {
    const nowMs = performance.now()
    leftMs -= Math.min(nowMs - armedMs, slack * partMs)
    armedMs = nowMs
    if (leftMs > earlyMs) timer = setTimeout(pass, Math.min(partMs, leftMs))
    // From a timer the loop reads its sockets before it comes to this.
    else setImmediate(accuse)
  }

  function accuse(): void {
    if (isStopped) return
    isStopped = true
    onPassed()
  }

  return () => {
    isStopped = true
    clearTimeout(timer)
  }
}

/** Timers fire up to a millisecond early by the clock that is read here. */
const earlyMs = 1

/** @returns what `work` comes to, or a rejection with `late()` after `ms` of live time; `work` itself goes on */
export function withinLive<Result>(ms: number, work: Promise<Result>, late: () => Error): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>()
  const stop = liveDeadline(ms, () => reject(late()))
  work.then(
    (result) => {
      stop()
      resolve(result)
    },
    (error) => {
      stop()
      reject(error)
    },
  )
  return promise
}
