import { liveDeadline } from '../core/deadline.ts'
import type { Logger } from '../core/logger.ts'
import type { LiveCatalogue, SiteLists } from './catalogue.ts'

export interface ListRefreshOptions {
  /** Asks the site. */
  readonly modelLists: (signal: AbortSignal) => Promise<SiteLists>
  readonly catalogue: Pick<LiveCatalogue, 'update'>
  readonly random: () => number
  readonly logger: Logger
}

const hourMs = 60 * 60 * 1000
const refreshEveryMs = 6 * hourMs
const retryAfterMs = hourMs / 4
const deadlineMs = 60_000

/** Keeps the catalogue up with the site's own lists, in the background: at the start and every six hours, a quarter of an
 *  hour after a failure, each up to a tenth later so that replicas do not ask together. No request ever waits for it. */
export function createListRefresh({ modelLists, catalogue, random, logger }: ListRefreshOptions) {
  const stopped = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  async function refresh(): Promise<void> {
    const succeeded = await attempt()
    if (stopped.signal.aborted) return
    const waitMs = succeeded ? refreshEveryMs : retryAfterMs
    timer = setTimeout(run, waitMs * (1 + random() / 10)).unref()
  }

  async function attempt(): Promise<boolean> {
    const cut = new AbortController()
    const stopDeadline = liveDeadline(deadlineMs, () => cut.abort(new Error('no answer in time')))
    try {
      const lists = await modelLists(AbortSignal.any([stopped.signal, cut.signal]))
      catalogue.update(lists)
      logger.debug(
        { text: lists.text.length, image: lists.image.length },
        'model lists of the site taken over',
      )
      return true
    } catch (error) {
      if (!stopped.signal.aborted) {
        const reason = error instanceof Error ? error.message : String(error)
        logger.info({ reason }, 'the site gave no model lists: the catalogue stays as it is')
      }
      return false
    } finally {
      stopDeadline()
    }
  }

  function run(): void {
    running = refresh()
  }

  return {
    start: run,
    /** Resolves when nothing is under way any more. */
    async stop(): Promise<void> {
      stopped.abort()
      clearTimeout(timer)
      await running
    },
  }
}
