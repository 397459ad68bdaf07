import type { ChatAnswer, ChatEventBatch } from '../core/chat-event.ts'
import { UnavailableError } from '../core/errors.ts'

/** Asks for several answers of one request (`n`), each an ask of its own. They never stand in one another's way: where no account is
 *  free but those that the request has itself, a choice is asked for once another one of them has ended.
 *  @param answerChat  asks for one; it rejects when `signal` is aborted
 *  @returns to be called once for each choice */
export function createAnswerChoices(
  answerChat: () => Promise<ChatAnswer>,
  signal: AbortSignal,
): () => Promise<ChatAnswer> {
  /** Choices that are asked for or being answered. */
  let active = 0
  let ended = Promise.withResolvers<void>()

  function wakeOthers(): void {
    ended.resolve()
    ended = Promise.withResolvers()
  }

  async function* untilEnd(events: ChatAnswer['events']): AsyncGenerator<ChatEventBatch> {
    try {
      yield* events
    } finally {
      active -= 1
      wakeOthers()
    }
  }

  return async function answerChoice() {
    for (;;) {
      active += 1
      try {
        const answer = await answerChat()
        return { ...answer, events: untilEnd(answer.events) }
      } catch (error) {
        active -= 1
        // Where all are turned away, others have the accounts; those that wait for this one are to learn it.
        if (active === 0) wakeOthers()
        if (!isBusy(error) || active === 0) throw error
        await ended.promise
        signal.throwIfAborted()
      }
    }
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof UnavailableError && (error.code === 'queue_full' || error.code === 'queue_timeout')
