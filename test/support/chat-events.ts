import fc from 'fast-check'
import type { ChatEvent, ChatEventBatch } from '../../src/core/chat-event.ts'

export const text = (content: string): ChatEvent => ({ type: 'text-delta', text: content })
export const reasoning = (content: string): ChatEvent => ({ type: 'reasoning-delta', text: content })
export const finished: ChatEvent = { type: 'finished', reason: 'stop' }

/** The events of a whole call. */
export const call = (name: string, ...argumentsTexts: readonly string[]): readonly ChatEvent[] => [
  { type: 'tool-call-started', id: `call_${name}`, name },
  ...argumentsTexts.map((argumentsText): ChatEvent => ({ type: 'tool-call-delta', argumentsText })),
]

export interface AnswerDouble extends AsyncIterable<ChatEventBatch> {
  /** How many batches were read, and whether the reader left before the end. */
  readonly read: number
  readonly left: boolean
}

/** An answer of these batches, a single event being one. */
export function answerOf(...batches: readonly (ChatEvent | ChatEventBatch)[]): AnswerDouble {
  const state = { read: 0, left: false }
  async function* events(): AsyncGenerator<ChatEventBatch> {
    try {
      for (const batch of batches) {
        state.read += 1
        yield 'type' in batch ? [batch] : batch
      }
    } finally {
      state.left = state.read < batches.length
    }
  }
  const iterator = events()
  return Object.assign(state, { [Symbol.asyncIterator]: () => iterator })
}

export async function readAll(events: AsyncIterable<ChatEventBatch>): Promise<ChatEvent[]> {
  const all: ChatEvent[] = []
  for await (const batch of events) all.push(...batch)
  return all
}

export const textIn = (events: readonly ChatEvent[]): string =>
  events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')

/** Every way to cut a text into deltas. */
export const splitsOf = (content: string): fc.Arbitrary<readonly string[]> =>
  fc.uniqueArray(fc.nat(content.length), { maxLength: content.length }).map((cuts) => {
    const places = [0, ...cuts.toSorted((one, other) => one - other), content.length]
    return places.slice(1).map((place, index) => content.slice(places[index], place))
  })
