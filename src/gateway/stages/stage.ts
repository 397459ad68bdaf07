// Module `gateway/stages`: gives a plain answer what the site does not know of: tools, structured output, stop sequences, a limit.
// Touches `core`, and of `models` the type of the token count; asks the site only through the function that it is given.

import type { ChatAnswer, ChatEvent, ChatEventBatch } from '../../core/chat-event.ts'
import type { ChatMessage, ChatPrompt, ChatRole } from '../../core/chat-request.ts'

/** One step on the way of an answer. It returns promises only where it has to wait, so that a delta costs none. */
export interface Stage {
  /** @returns what may go out now; the batch itself where nothing is changed */
  push(batch: ChatEventBatch): ChatEventBatch | Promise<ChatEventBatch>
  /** Nothing more is to be read of this answer: the upstream is closed. */
  readonly isOver: boolean
  /** Called when an answer that the stage has ended is closed. @returns the answer to go on with, if there is one */
  resume?(): Promise<AsyncIterable<ChatEventBatch> | undefined>
}

/** Sends an answer through a stage. Written out as an iterator: an async generator costs several times as much a read. */
export function runStage(answer: AsyncIterable<ChatEventBatch>, stage: Stage): AsyncIterable<ChatEventBatch> {
  let events: AsyncIterator<ChatEventBatch> | undefined = answer[Symbol.asyncIterator]()
  let isLeft = false

  async function next(): Promise<IteratorResult<ChatEventBatch, undefined>> {
    while (events) {
      if (stage.isOver) {
        await close()
        events = (await stage.resume?.())?.[Symbol.asyncIterator]()
        // The reader may leave while the site is asked again.
        if (isLeft) await close()
        continue
      }
      let read: IteratorResult<ChatEventBatch, unknown> | undefined
      try {
        read = await events.next()
        if (read.done) break
        const pushed = stage.push(read.value)
        const batch = pushed instanceof Promise ? await pushed : pushed
        if (batch.length > 0) return { done: false, value: batch }
      } catch (error) {
        // An answer that broke is closed already; one that the stage rejects is not.
        if (read) await close().catch(() => {})
        events = undefined
        throw error
      }
    }
    events = undefined
    return { done: true, value: undefined }
  }

  async function close(): Promise<void> {
    const left = events
    events = undefined
    await left?.return?.()
  }

  const iterator: AsyncIterableIterator<ChatEventBatch> = {
    [Symbol.asyncIterator]: () => iterator,
    next,
    async return() {
      isLeft = true
      await close()
      return { done: true, value: undefined }
    },
  }
  return iterator
}

/** Asks for an answer in plain text. Resolves once the answer has begun.
 *  @throws {ServiceError} when no account gives one */
export type AskPlain = (prompt: ChatPrompt) => Promise<ChatAnswer>

/** One more turn of the same conversation: what the model said, and what is wrong with it.
 *  @returns what it says then
 *  @throws {ServiceError} as the first ask does */
export type AskAgain = (said: string, complaint: string) => Promise<AsyncIterable<ChatEventBatch>>

export function createAskAgain(ask: AskPlain, prompt: ChatPrompt): AskAgain {
  return async (said, complaint) => {
    const answer = said.trim() === '' ? [] : [message('assistant', said)]
    const messages = [...prompt.messages, ...answer, message('user', complaint)]
    return (await ask({ ...prompt, messages })).events
  }
}

const message = (role: ChatRole, text: string): ChatMessage => ({ role, parts: [{ type: 'text', text }] })

type Finished = Extract<ChatEvent, { type: 'finished' }>

/** The site counts one ask. An answer that took two has no count but our own. */
export function withoutUsage({ usage: _, ...finished }: Finished): Finished {
  return finished
}
