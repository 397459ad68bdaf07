// Several answers to one request (`n`): how they become one stream, and one usage.

import type { ChatAnswer, ChatEventBatch, TokenUsage } from '../../core/chat-event.ts'
import type { ChatRequest } from '../../core/chat-request.ts'
import { createUsageMeter, type UsageMeter } from '../measure-usage.ts'

/** A batch of one of them. */
export interface ChoiceBatch {
  /** From 0 on. */
  readonly choice: number
  readonly batch: ChatEventBatch
}

/** Merges the answers into one stream of batches, in the order in which they come. Resolves when the first of them has begun.
 *  @throws what breaks first, before that moment or behind it; all answers are left then, as they are when the stream is left */
export async function mergeChoices(
  answers: readonly Promise<ChatAnswer>[],
): Promise<{ readonly events: AsyncIterable<ChoiceBatch> }> {
  const merged = mergeStreams(answers.map(batchesOf))
  let first: IteratorResult<ChoiceBatch> | undefined = await merged.next()

  async function next(): Promise<IteratorResult<ChoiceBatch>> {
    const result = first ?? (await merged.next())
    first = undefined
    return result
  }

  const iterator = { next, return: () => merged.return(undefined) }
  return { events: { [Symbol.asyncIterator]: () => iterator } }
}

async function* batchesOf(answer: Promise<ChatAnswer>, choice: number): AsyncGenerator<ChoiceBatch> {
  for await (const batch of (await answer).events) yield { choice, batch }
}

/** The pieces of all sources as they come, until the last source has ended. A source is pulled again when its piece was taken, and
 *  no piece is held after that, however long another source takes. Left or broken, it leaves all sources.
 *  @throws what the first source fails with */
export async function* mergeStreams<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const arrived: Arrival<T>[] = []
  let arrival = Promise.withResolvers<void>()
  let open = sources.length

  function pull(source: AsyncGenerator<T>): void {
    const result = source.next()
    const arrive = () => {
      arrived.push({ source, result })
      arrival.resolve()
    }
    result.then(arrive, arrive)
  }

  try {
    sources.forEach(pull)
    while (open > 0) {
      await arrival.promise
      arrival = Promise.withResolvers()
      // In the order of their arrival: a source that is always ready must not keep the others waiting.
      for (const { source, result } of arrived.splice(0)) {
        const { done, value } = await result
        if (done) {
          open -= 1
          continue
        }
        yield value
        pull(source)
      }
    }
  } finally {
    // Not awaited: a generator that waits for its upstream ends when that does.
    for (const source of sources) source.return(undefined).catch(() => {})
  }
}

interface Arrival<T> {
  readonly source: AsyncGenerator<T>
  /** Settled. */
  readonly result: Promise<IteratorResult<T>>
}

/** One meter for each choice. The prompt that they share is counted once. */
export function createChoiceMeters(
  choices: number,
  request: ChatRequest,
  countTokens: (text: string) => Promise<number>,
): readonly UsageMeter[] {
  return Array.from({ length: choices }, (_, index) =>
    createUsageMeter(index === 0 ? request : { messages: [] }, countTokens),
  )
}

/** Of all choices together. Call once, at the end. */
export async function totalUsage(meters: readonly UsageMeter[]): Promise<TokenUsage> {
  const total = { prompt: 0, completion: 0, reasoning: 0 }
  let cached: number | undefined
  for (const meter of meters) {
    const { prompt, completion, reasoning, ...cache } = await meter.total()
    // The site tells the prompt that they share with each of them.
    total.prompt = Math.max(total.prompt, prompt)
    total.completion += completion
    total.reasoning += reasoning
    cached = cache.cached ?? cached
  }
  return cached === undefined ? total : { ...total, cached }
}
