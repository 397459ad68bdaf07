import { graceOf } from '../core/deadline.ts'
import { UpstreamError } from '../core/errors.ts'

export interface DeadlineLimits {
  /** From the ask to the first event that is no keepalive. */
  readonly firstEventTimeoutMs: number
  /** Between two events that are no keepalives. */
  readonly idleTimeoutMs: number
  /** From the ask to its end. */
  readonly totalTimeoutMs: number
}

/** How long a stream may take to close once its answer is whole, so that the account's next ask does not overlap it. */
const closingMs = 250

const never = Number.POSITIVE_INFINITY

/** The three deadlines of one ask, and the one for its closing, on one timer that events do not re-arm: when it fires
 *  it checks what has arrived meanwhile. The idle clock stops while our own consumer is not pulling. One that passed while our
 *  own process stood still is not missed yet: what came meanwhile is read first. */
export function createDeadlines(limits: DeadlineLimits, onExpire: (error: UpstreamError) => void) {
  const started = performance.now()
  const totalAt = started + limits.totalTimeoutMs
  let firstAt = started + limits.firstEventTimeoutMs
  let idleAt = never
  let closingAt = never
  let pausedAt: number | undefined
  let timer: NodeJS.Timeout | undefined
  let timerAt = never
  /** The deadline that had its grace. */
  let excused = never
  arm()

  return {
    /** Events arrived. A model may think for long before its first word, so that each of them counts, shown or not.
     *  @param useful  at least one is no keepalive */
    heard(useful: boolean): void {
      if (closingAt !== never || !useful) return
      firstAt = never
      idleAt = performance.now() + limits.idleTimeoutMs
      if (idleAt < timerAt) arm()
    },
    /** The answer is whole, only the connection is still open. */
    closing(): void {
      if (closingAt !== never) return
      closingAt = performance.now() + closingMs
      firstAt = never
      idleAt = never
      arm()
    },
    pause(): void {
      pausedAt = performance.now()
    },
    resume(): void {
      if (pausedAt === undefined) return
      idleAt += performance.now() - pausedAt
      pausedAt = undefined
      if (idleAt < timerAt) arm()
    },
    stop(): void {
      clearTimeout(timer)
    },
  }

  function soonest(): number {
    return Math.min(totalAt, firstAt, pausedAt === undefined ? idleAt : never, closingAt)
  }

  function arm(): void {
    clearTimeout(timer)
    timerAt = soonest()
    timer = setTimeout(fire, Math.max(0, timerAt - performance.now()))
  }

  function fire(): void {
    const now = performance.now()
    const due = soonest()
    const graceMs = due === excused ? 0 : graceOf(due, now)
    if (graceMs > 0) {
      excused = due
      timerAt = now + graceMs
      timer = setTimeout(fire, graceMs)
    } else if (now >= closingAt) onExpire(new UpstreamError('reset'))
    else if (now >= totalAt) onExpire(new UpstreamError('total-timeout'))
    else if (now >= firstAt) onExpire(new UpstreamError('first-event-timeout'))
    else if (now >= idleAt && pausedAt === undefined) onExpire(new UpstreamError('idle-timeout'))
    else arm()
  }
}

export interface Cut {
  readonly signal: AbortSignal
  abort(reason: unknown): void
  /** Stops following the signal. */
  release(): void
}

/** A signal of our own that also follows the caller's; `AbortSignal.any` costs more and cannot let go. */
export function createCut(signal: AbortSignal): Cut {
  const controller = new AbortController()
  const follow = () => controller.abort(signal.reason)
  if (signal.aborted) follow()
  else signal.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release: () => signal.removeEventListener('abort', follow),
  }
}
