/** Deadlines, judged by a live loop: a timer that fires late because our own process stood still (a paused container, a resumed
 *  machine, a long task) accuses nobody yet. What came meanwhile lies unread in the sockets and is read first. */

/** Timers are never exact. */
const usualLatenessMs = 20
/** After a longer standstill the network has caught up, too. */
const longestGraceMs = 5_000

/** @returns how long to wait before a deadline that was due at `dueMs` counts as missed; 0: it is missed now */
export function graceOf(dueMs: number, nowMs = performance.now()): number {
  const lateMs = nowMs - dueMs
  return lateMs > usualLatenessMs ? Math.min(lateMs, longestGraceMs) : 0
}

/** Calls back once, `ms` from now; late by the loop's own fault, after as long again, at most 5 s, so that the reads go first.
 *  @returns stops it */
export function startDeadline(ms: number, onMissed: () => void): () => void {
  const dueMs = performance.now() + ms
  let timer = setTimeout(() => {
    const graceMs = graceOf(dueMs)
    if (graceMs === 0) onMissed()
    else timer = setTimeout(onMissed, graceMs)
  }, ms)
  return () => clearTimeout(timer)
}

/** As `AbortSignal.timeout`, by the same rule; keeps no process alive. */
export function deadlineSignal(ms: number): AbortSignal {
  const controller = new AbortController()
  const miss = () => controller.abort(new DOMException('The deadline passed.', 'TimeoutError'))
  const dueMs = performance.now() + ms
  setTimeout(() => {
    const graceMs = graceOf(dueMs)
    if (graceMs === 0) miss()
    else setTimeout(miss, graceMs).unref()
  }, ms).unref()
  return controller.signal
}
