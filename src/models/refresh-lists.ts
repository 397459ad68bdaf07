import { liveDeadline } from '../core/deadline.ts'
import type { KeyModel } from '../core/key-model.ts'
import type { Logger } from '../core/logger.ts'
import type { LiveCatalogue, SiteLists } from './catalogue.ts'
import type { KeyModels } from './key-models.ts'

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
  return createRefresh(random, async (stopped) => {
    try {
      const lists = await inTime(stopped, modelLists)
      catalogue.update(lists)
      logger.debug(
        { text: lists.text.length, image: lists.image.length },
        'model lists of the site taken over',
      )
      return true
    } catch (error) {
      if (!stopped.aborted) {
        const reason = error instanceof Error ? error.message : String(error)
        logger.info({ reason }, 'the site gave no model lists: the catalogue stays as it is')
      }
      return false
    }
  })
}

export interface KeyModelRefreshOptions<KeyAccount extends { readonly key: string; readonly label: string }> {
  /** The keys that there are now. */
  readonly accounts: () => readonly KeyAccount[]
  /** Asks the site. */
  readonly fetchModels: (account: KeyAccount, signal: AbortSignal) => Promise<readonly KeyModel[]>
  readonly keyModels: Pick<KeyModels, 'update' | 'retain' | 'isKnown'>
  readonly random: () => number
  readonly logger: Logger
}

/** The same for the models of each API key. `again` asks at once for keys that are new. */
export function createKeyModelRefresh<KeyAccount extends { readonly key: string; readonly label: string }>({
  accounts,
  fetchModels,
  keyModels,
  random,
  logger,
}: KeyModelRefreshOptions<KeyAccount>) {
  return createRefresh(random, async (stopped, newAlone) => {
    let succeeded = true
    const all = accounts()
    keyModels.retain(new Set(all.map(({ key }) => key)))
    for (const account of all) {
      if (newAlone && keyModels.isKnown(account.key)) continue
      try {
        const models = await inTime(stopped, (signal) => fetchModels(account, signal))
        if (models.length > 0) keyModels.update(account.key, models)
        logger.debug({ account: account.label, models: models.length }, 'models of an API key taken over')
      } catch (error) {
        if (stopped.aborted) return false
        succeeded = false
        const reason = error instanceof Error ? error.message : String(error)
        logger.info({ account: account.label, reason }, 'the models of an API key could not be read')
      }
    }
    return succeeded
  })
}

/** Ends what takes too long. */
async function inTime<T>(stopped: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController()
  const stopWaiting = liveDeadline(deadlineMs, () => over.abort())
  try {
    return await ask(AbortSignal.any([stopped, over.signal]))
  } finally {
    stopWaiting()
  }
}

/** @param attempt  with `newAlone` where something has changed; tells whether it succeeded */
function createRefresh(
  random: () => number,
  attempt: (stopped: AbortSignal, newAlone: boolean) => Promise<boolean>,
) {
  const stopped = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined

  async function refresh(newAlone: boolean): Promise<void> {
    if (stopped.signal.aborted) return
    const succeeded = await attempt(stopped.signal, newAlone)
    if (stopped.signal.aborted) return
    const waitMs = succeeded ? refreshEveryMs : retryAfterMs
    clearTimeout(timer)
    timer = setTimeout(() => run(false), waitMs * (1 + random() / 10)).unref()
  }

  /** One at a time. */
  function run(newAlone: boolean): void {
    const before = running
    running = before ? before.then(() => refresh(newAlone)) : refresh(newAlone)
    const mine = running.finally(() => {
      if (running === mine) running = undefined
    })
    running = mine
  }

  return {
    start: () => run(false),
    again: () => run(true),
    /** Resolves when nothing is under way any more. */
    async stop(): Promise<void> {
      stopped.abort()
      clearTimeout(timer)
      await running
    },
  }
}
