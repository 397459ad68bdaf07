import { liveDeadline } from '../core/deadline.ts'

/** Waits for `work` or for the signal, whichever is first; Playwright's own calls know no signal.
 *  The work goes on unseen after an abort. @throws the signal's reason */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

export interface Deadline {
  readonly ms: number
  /** Makes the error of a missed deadline, at that moment. */
  readonly reason: () => unknown
  /** Ends the work earlier, with its own reason. */
  readonly signal: AbortSignal
}

/** Runs `work` with a signal that aborts at the deadline; no timer or listener is left behind. */
export async function withDeadline<T>(
  { ms, reason, signal }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const stop = liveDeadline(ms, () => controller.abort(reason()))
  const onAbort = () => controller.abort(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await abortable(work(controller.signal), controller.signal)
  } finally {
    stop()
    signal.removeEventListener('abort', onAbort)
  }
}

/** Whether `work` settled within `ms`. */
export async function settles(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const stop = liveDeadline(ms, () => resolve(false))
  const settled = work.then(
    () => true,
    () => true,
  )
  try {
    return await Promise.race([settled, promise])
  } finally {
    stop()
  }
}
