import type { ChatEvent } from '../../src/core/chat-event.ts'
import type { WireGeneration } from '../../src/core/wire-generation.ts'
import { Answer, type DecodeEvent } from '../../src/upstream/answer.ts'
import { wires } from '../../src/upstream/generation.ts'
import type { Outcome } from './support.ts'

export interface Decoded extends Outcome {
  readonly unknown: number
  readonly useful: readonly boolean[]
}

/** Decodes the data of whole events of a generation to the end of the stream. */
export const decode = (
  generation: WireGeneration,
  data: readonly (string | object)[],
  { search = false, bound = false } = {},
): Decoded => decodeWith(wires[generation].createDecoder(search), data, bound)

/** Decodes the data of whole events, as they would come from the wire, to the end of the stream. */
export function decodeWith(
  decodeEvent: DecodeEvent,
  data: readonly (string | object)[],
  bound = false,
): Decoded {
  let unknown = 0
  const answer = new Answer({
    decodeEvent,
    bound,
    countUnknown: () => {
      unknown += 1
    },
  })
  const events: ChatEvent[] = []
  const useful: boolean[] = []
  try {
    for (const item of data) {
      useful.push(answer.decode(typeof item === 'string' ? item : JSON.stringify(item)))
      events.push(...(answer.take() ?? []))
    }
    events.push(...answer.finish())
    return { events, batches: data.length, error: undefined, unknown, useful }
  } catch (error) {
    return { events, batches: data.length, error, unknown, useful }
  }
}

/** The data lines of a wire sample. */
export const dataOf = (wire: string): string[] =>
  wire.split('\n\n').flatMap((event) => event.slice('data: '.length) || [])
