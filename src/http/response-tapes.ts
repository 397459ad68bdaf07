import type { ChatEventBatch } from '../core/chat-event.ts'
import { ServiceError } from '../core/errors.ts'
import type { EncodeResponseOptions } from '../dialects/openai-responses/encode-response.ts'

/** What has come of an answer that is made in the background, for those who want to see it come: they may leave, and be back. */
export interface ResponseTape {
  readonly owner: string
  readonly isEnded: boolean
  /** A usage meter counts for one reader. */
  readonly encodeOptions: () => EncodeResponseOptions
  /** Passes an answer on and keeps what came. */
  record(events: AsyncIterable<ChatEventBatch>): AsyncIterable<ChatEventBatch>
  /** From the beginning. @throws whatever the answer breaks with */
  follow(signal: AbortSignal): AsyncGenerator<ChatEventBatch, void>
  /** @param error  what the answer broke with */
  end(error?: unknown): void
}

function createTape(owner: string, encodeOptions: () => EncodeResponseOptions): ResponseTape {
  const batches: ChatEventBatch[] = []
  let ended: { readonly error?: unknown } | undefined
  let changed = Promise.withResolvers<void>()
  const tell = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }

  return {
    owner,
    encodeOptions,
    get isEnded() {
      return ended !== undefined
    },
    async *record(events) {
      for await (const batch of events) {
        batches.push([...batch])
        tell()
        yield batch
      }
    },
    async *follow(signal) {
      const leave = () => tell()
      signal.addEventListener('abort', leave, { once: true })
      try {
        for (let at = 0; !signal.aborted; ) {
          const batch = batches[at]
          if (batch) {
            at += 1
            yield batch
          } else if (!ended) await changed.promise
          else if (ended.error === undefined) return
          else throw ended.error
        }
      } finally {
        signal.removeEventListener('abort', leave)
      }
    },
    end(error) {
      ended ??= { ...(error !== undefined && { error }) }
      tell()
    },
  }
}

/** Those of this process, by the ids of their responses: all whose work goes on, and the last that ended, since a client may be
 *  back for the end. */
export function createResponseTapes() {
  const tapes = new Map<string, ResponseTape>()
  return {
    begin(id: string, owner: string, encodeOptions: ResponseTape['encodeOptions']): ResponseTape {
      const tape = createTape(owner, encodeOptions)
      tapes.set(id, tape)
      for (const [oldId, old] of tapes) {
        if (tapes.size <= maxKept) break
        if (old.isEnded) tapes.delete(oldId)
      }
      return tape
    },
    remove: (id: string) => tapes.delete(id),
    find(id: string, owner: string): ResponseTape | undefined {
      const tape = tapes.get(id)
      return tape?.owner === owner ? tape : undefined
    },
  }
}

export type ResponseTapes = ReturnType<typeof createResponseTapes>

const maxKept = 16

/** What a follower is told of a response that was given up. */
export const givenUp = (): ServiceError =>
  new ServiceError('not_found', { message: 'The response was cancelled or removed.' })
