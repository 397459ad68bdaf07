import { z } from 'zod'
import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { liveDeadline } from '../core/deadline.ts'
import { UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Store } from '../store/store.ts'

/** AUTO_DEL_CHAT: chats that were made for one answer, deleted on the site afterwards; one at a time for each account, tried
 *  again with a growing pause. What is left at a restart is kept in the store and taken up again. */
export interface ChatDeletions {
  /** Takes up what an earlier process left. Never rejects. */
  open(): Promise<void>
  /** Never throws and never waits: at its bound a chat is left on the site, with a warning. */
  add(account: Account, chatId: string): void
  /** Chats not deleted yet. */
  readonly size: number
  /** Breaks off what is under way and leaves it to the next start. */
  close(): Promise<void>
}

export interface ChatDeletionsOptions {
  readonly store: Pick<Store, 'records' | 'saveRecord' | 'removeRecord'>
  /** The account as it is now; undefined when it is gone. */
  readonly findAccount: (key: string) => Account | undefined
  /** MODEL_CHAT_MAP and SESSION_IMAGE_CHAT_MAP: the operator's own chats are never deleted. */
  readonly modelChatMap: ReadonlyMap<string, string>
  readonly sessionImageChatMap: ReadonlyMap<string, string>
  /** `Upstream.deleteProject`. */
  readonly deleteChat: (account: Account, chatId: string, signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
  /** Default 10,000. */
  readonly maxChats?: number
  /** Default 8: the last try comes about ten minutes after the first. */
  readonly maxTries?: number
  /** Pause after the first failure; it doubles each time. Default 5 s. */
  readonly firstPauseMs?: number
  /** Default 30 s. */
  readonly timeoutMs?: number
}

interface Deletion {
  readonly account: string
  readonly chatId: string
  tries: number
  dueMs: number
}

/** Of one account. */
interface Queue {
  readonly deletions: Deletion[]
  /** Ends the pause of its worker. */
  wake(): void
}

const recordSchema = z.object({
  account: z.string(),
  chatId: z.string(),
  tries: z.number().int().nonnegative(),
  dueMs: z.number(),
})

export function createChatDeletions(options: ChatDeletionsOptions): ChatDeletions {
  const { store, deleteChat, clock, logger } = options
  const { maxChats = 10_000, maxTries = 8, firstPauseMs = 5_000, timeoutMs = 30_000 } = options
  const pinned = new Set([...options.modelChatMap.values(), ...options.sessionImageChatMap.values()])
  const closing = new AbortController()
  /** By account key, in order of arrival; a queue that is there has a worker. */
  const queues = new Map<string, Queue>()
  const workers = new Set<Promise<void>>()
  let size = 0

  function enqueue(deletion: Deletion): void {
    size += 1
    const queue = queues.get(deletion.account)
    if (queue) {
      queue.deletions.push(deletion)
      return queue.wake()
    }
    queues.set(deletion.account, { deletions: [deletion], wake() {} })
    const worker = work(deletion.account).finally(() => workers.delete(worker))
    workers.add(worker)
  }

  async function work(account: string): Promise<void> {
    const queue = queues.get(account)
    if (!queue) return
    const { deletions } = queue
    for (let next = soonest(deletions); next; next = soonest(deletions)) {
      const waitMs = next.dueMs - clock.now()
      if (waitMs > 0) await pause(waitMs, queue, closing.signal)
      if (closing.signal.aborted) return
      // One that came meanwhile is due before it.
      if (next !== soonest(deletions)) continue
      if (!(await isOver(next))) continue
      deletions.splice(deletions.indexOf(next), 1)
      size -= 1
      await forget(next)
    }
    queues.delete(account)
  }

  /** One try. @returns whether nothing is left to do */
  async function isOver(deletion: Deletion): Promise<boolean> {
    const account = options.findAccount(deletion.account)
    if (!account || pinned.has(deletion.chatId)) return true
    const late = new AbortController()
    const stop = liveDeadline(timeoutMs, () => late.abort(new UpstreamError('first-event-timeout')))
    try {
      await deleteChat(account, deletion.chatId, AbortSignal.any([closing.signal, late.signal]))
      return true
    } catch (error) {
      // The site does not know the chat: somebody else has deleted it.
      if (error instanceof UpstreamError && error.kind === 'binding-stale') return true
      if (closing.signal.aborted) return false
      return await putOff(deletion, account.label, error)
    } finally {
      stop()
    }
  }

  async function putOff(deletion: Deletion, label: string, error: unknown): Promise<boolean> {
    deletion.tries += 1
    if (deletion.tries >= maxTries) {
      logger.warn(
        { account: label, tries: deletion.tries, err: error },
        'a chat could not be deleted: left there',
      )
      return true
    }
    deletion.dueMs = clock.now() + firstPauseMs * 2 ** (deletion.tries - 1)
    logger.debug({ account: label, tries: deletion.tries, err: error }, 'a chat could not be deleted yet')
    await save(deletion)
    return false
  }

  const save = (deletion: Deletion) =>
    store.saveRecord('chat-deletion', idOf(deletion), JSON.stringify(deletion)).catch(warn)
  const forget = (deletion: Deletion) => store.removeRecord('chat-deletion', idOf(deletion)).catch(warn)
  const warn = (error: unknown) =>
    logger.warn({ err: error }, 'the list of chats to delete could not be kept')

  async function takeUp(): Promise<void> {
    for (const text of (await store.records('chat-deletion')).values()) {
      const deletion = parseDeletion(text)
      if (deletion && size < maxChats) enqueue(deletion)
    }
  }

  return {
    open: () => takeUp().catch(warn),
    add({ key, label }, chatId) {
      if (size >= maxChats) {
        logger.warn({ account: label, waiting: size }, 'too many chats wait to be deleted: one is left there')
        return
      }
      const deletion = { account: key, chatId, tries: 0, dueMs: clock.now() }
      void save(deletion)
      if (!closing.signal.aborted) enqueue(deletion)
    },
    get size() {
      return size
    },
    async close() {
      closing.abort()
      await Promise.all(workers)
    },
  }
}

/** The first of those that are due soonest. */
const soonest = (queue: readonly Deletion[]): Deletion | undefined =>
  queue.length === 0 ? undefined : queue.reduce((one, other) => (other.dueMs < one.dueMs ? other : one))

const idOf = ({ account, chatId }: Deletion): string => `${account} ${chatId}`

function parseDeletion(text: string): Deletion | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** Ends early by the signal, or when the queue is woken. */
function pause(ms: number, queue: Queue, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  queue.wake = resolve
  const onAbort = () => resolve()
  // A clock that stepped meanwhile must not make it a pause of hours.
  const timer = setTimeout(resolve, Math.min(ms, longestPauseMs)).unref()
  signal.addEventListener('abort', onAbort)
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    queue.wake = () => {}
  })
}

const longestPauseMs = 60 * 60 * 1000
