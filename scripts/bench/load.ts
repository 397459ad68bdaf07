import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Of a body: it becomes another number in each request, so that no two are the same text. */
export const serial = '%serial%'

export interface LoadJob {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** `serial` in it becomes a number of its own in each request. */
  readonly body: string
  /** In every whole answer. */
  readonly tokens: number
  /** Closed loop: each of the connections asks again as soon as it is answered. */
  readonly connections?: number
  /** The loop ends after so many requests, or so much time. */
  readonly requests?: number
  readonly durationMs?: number
  /** Open loop: one request after another at even steps, whatever becomes of those before. */
  readonly streams?: number
  readonly overMs?: number
  /** All clients leave together when each of them has had so many tokens. */
  readonly leaveAfter?: number
}

export interface LoadResult {
  /** Whole answers. */
  readonly answers: number
  readonly failures: number
  readonly firstFailure?: string
  readonly elapsedMs: number
  readonly latencyMs: Spread
  readonly firstTokenMs: Spread
  /** Between two reads of one answer that brought tokens. */
  readonly gapMs: Spread
  /** When the clients left, by process.hrtime. */
  readonly leftNs?: string
}

export interface Spread {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export interface LoadGenerator {
  readonly pid: number
  run(job: LoadJob): Promise<LoadResult>
  stop(): Promise<void>
}

/** A process that asks: it must not share a thread with what it measures. */
export function startLoadGenerator(): LoadGenerator {
  const child: ChildProcess = fork(join(import.meta.dirname, 'load-worker.ts'), {
    stdio: 'inherit',
    serialization: 'advanced',
  })
  const ended = once(child, 'exit')
  return {
    pid: child.pid ?? 0,
    async run(job) {
      child.send(job)
      const [result] = await Promise.race([once(child, 'message'), ended])
      if (typeof result !== 'object' || result === null) throw new Error('the load generator ended')
      return result as LoadResult
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
