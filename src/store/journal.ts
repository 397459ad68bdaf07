import type { Logger } from '../core/logger.ts'

export interface JournalOptions<Detail> {
  /** In a log line. */
  readonly name: string
  /** Sends what stands under an id. */
  readonly send: (id: string, detail: Detail) => Promise<unknown>
  /** Whose fault a failure is: `entry` says that it failed for itself and the others may go on; anything else ends the replay. */
  readonly blames: (error: unknown) => 'entry' | 'way'
  /** So many failures of its own drop an entry. */
  readonly maxFailures: number
  /** Beyond it the oldest go. */
  readonly maxEntries?: number
  readonly logger: Pick<Logger, 'warn'>
}

/** What was done here first and has to be done elsewhere too: replayed in order, each id once with its newest detail, and dropped after
 *  some failures of its own, so that one that cannot be sent never holds up the rest. */
export interface Journal<Detail> {
  /** In the place of an earlier one of this id. */
  add(id: string, detail: Detail): void
  get(id: string): Detail | undefined
  has(id: string): boolean
  /** @returns whether it was there */
  delete(id: string): boolean
  ids(): string[]
  readonly size: number
  /** @returns how many were sent @throws what ended it; the rest stays */
  replay(): Promise<number>
}

interface Entry<Detail> {
  detail: Detail
  failures: number
}

/** On their way at once; one connection keeps their order. */
const windowSize = 100

export function createJournal<Detail>(options: JournalOptions<Detail>): Journal<Detail> {
  const { name, send, blames, maxFailures, maxEntries = Number.POSITIVE_INFINITY, logger } = options
  const entries = new Map<string, Entry<Detail>>()

  function fail(id: string, entry: Entry<Detail>, error: unknown): void {
    entry.failures += 1
    if (entry.failures < maxFailures || entries.get(id) !== entry) return
    entries.delete(id)
    logger.warn({ what: name, err: error }, 'Redis was not sent this: it failed again and again')
  }

  async function sendWindow(batch: readonly (readonly [string, Entry<Detail>])[]): Promise<number> {
    const outcomes = await Promise.allSettled(batch.map(([id, { detail }]) => send(id, detail)))
    let sent = 0
    let stopped: { readonly reason: unknown } | undefined
    for (const [index, outcome] of outcomes.entries()) {
      const [id, entry] = batch[index] as readonly [string, Entry<Detail>]
      if (outcome.status === 'fulfilled') {
        sent += 1
        // One that was added anew meanwhile has not been sent.
        if (entries.get(id) === entry) entries.delete(id)
      } else if (blames(outcome.reason) === 'entry') fail(id, entry, outcome.reason)
      else stopped ??= outcome
    }
    if (stopped) throw stopped.reason
    return sent
  }

  return {
    add(id, detail) {
      entries.delete(id)
      entries.set(id, { detail, failures: 0 })
      if (entries.size > maxEntries) entries.delete(entries.keys().next().value as string)
    },
    get: (id) => entries.get(id)?.detail,
    has: (id) => entries.has(id),
    delete: (id) => entries.delete(id),
    ids: () => [...entries.keys()],
    get size() {
      return entries.size
    },
    async replay() {
      const waiting = [...entries]
      let sent = 0
      for (let from = 0; from < waiting.length; from += windowSize)
        sent += await sendWindow(waiting.slice(from, from + windowSize))
      return sent
    },
  }
}
