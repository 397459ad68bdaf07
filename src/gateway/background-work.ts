import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'

/** Work that no client waits for. */
export interface BackgroundWork {
  /** @param work  ends soon after its signal is aborted; what it throws is logged
   *  @throws {UnavailableError} `queue_full` when too much is being done, `shutting_down` */
  begin(id: string, work: (signal: AbortSignal) => Promise<void>): void
  /** Gives up the work of this id if it runs in this process, and waits until it has ended. */
  cancel(id: string): Promise<void>
  /** Resolves when nothing is being done. */
  whenNone(): Promise<void>
  has(id: string): boolean
  readonly count: number
  /** Gives up everything, with the reason `shutting_down`. */
  close(): Promise<void>
}

export interface BackgroundWorkOptions {
  readonly logger: Logger
  /** What is made, for messages. Default `response`. */
  readonly product?: 'response' | 'video'
  /** Running at once. Default 100. */
  readonly maxRunning?: number
}

/** No work runs for longer: one that is unfinished after that has been lost with its process. */
export const maxBackgroundMs = 2 * 60 * 60 * 1000

export function createBackgroundWork(options: BackgroundWorkOptions): BackgroundWork {
  const { logger, product = 'response', maxRunning = 100 } = options
  const running = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>()
  let isClosed = false

  return {
    begin(id, work) {
      if (isClosed) throw new UnavailableError('shutting_down')
      if (running.size >= maxRunning)
        throw new UnavailableError('queue_full', {
          message: `Too many ${product}s are being made in the background.`,
        })
      const abort = new AbortController()
      const limit = setTimeout(() => abort.abort(tooLong(product)), maxBackgroundMs)
      const done = work(abort.signal)
        .catch((error: unknown) => logger.error({ id, err: error }, 'a background work was lost'))
        .finally(() => {
          // Ends what the work left open, such as an answer that nobody reads.
          abort.abort()
          clearTimeout(limit)
          running.delete(id)
        })
      running.set(id, { abort, done })
    },
    has: (id) => running.has(id),
    async whenNone() {
      while (running.size > 0) await Promise.all([...running.values()].map(({ done }) => done))
    },
    get count() {
      return running.size
    },
    async cancel(id) {
      const found = running.get(id)
      found?.abort.abort()
      await found?.done
    },
    async close() {
      isClosed = true
      const open = [...running.values()]
      for (const { abort } of open) abort.abort(new UnavailableError('shutting_down'))
      await Promise.all(open.map(({ done }) => done))
    },
  }
}

const tooLong = (product: string): UnavailableError =>
  new UnavailableError('upstream_total_timeout', { message: `This ${product} took too long.` })
