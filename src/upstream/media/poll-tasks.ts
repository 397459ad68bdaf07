import { setTimeout as delay } from 'node:timers/promises'
import { UpstreamError, type UpstreamFailureKind } from '../../core/errors.ts'
import { isMissingRoute } from '../call-site.ts'
import type { MediaWork } from './media-work.ts'
import type { TaskSource } from './task-sources.ts'

export interface PollOptions {
  readonly sources: readonly TaskSource[]
  /** Wait after the first poll; it grows to two and a half of it. */
  readonly pollIntervalMs: number
  readonly signal: AbortSignal
}

/** What passes: the same question may well be answered the next time. */
const passing: ReadonlySet<UpstreamFailureKind> = new Set([
  ...(['reset', 'unavailable', 'overloaded', 'rate-limited', 'empty', 'malformed'] as const),
  ...(['first-event-timeout', 'idle-timeout'] as const),
])

const maxFailuresInARow = 5
const longestWaitMs = 30_000

/** Polls until every task has ended; yields whenever more have. The work goes on at the site whatever becomes of a poll, so
 *  one that fails is made again. @throws {UpstreamError} for what does not pass @throws `signal.reason` */
export async function* pollTasks(
  work: MediaWork,
  { sources, pollIntervalMs, signal }: PollOptions,
): AsyncGenerator<void> {
  let current = 0
  let failures = 0
  for (let intervalMs = pollIntervalMs; !work.isDone; ) {
    const source = sources[current]
    if (!source) throw new UpstreamError('unavailable', { message: 'Genspark no longer tells of its tasks.' })
    let waitMs = intervalMs
    try {
      for await (const states of source(work.pendingIds(), signal)) {
        const { done } = work
        work.update(states)
        if (work.done > done) yield
        if (work.isDone) return
      }
      failures = 0
      intervalMs = Math.min(intervalMs * 1.25, pollIntervalMs * 2.5)
    } catch (error) {
      signal.throwIfAborted()
      if (isMissingRoute(error)) {
        current += 1
        continue
      }
      failures += 1
      if (!(error instanceof UpstreamError) || !passing.has(error.kind) || failures > maxFailuresInARow)
        throw error
      waitMs = Math.max(waitMs, Math.min(error.retryAfterMs ?? 0, longestWaitMs))
    }
    await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}
