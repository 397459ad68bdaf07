import type { ChatAnswer, ChatEvent } from '../../core/chat-event.ts'
import { UpstreamError } from '../../core/errors.ts'
import { encodeBatch } from '../encode-batch.ts'
import { encodeProgress } from '../encode-progress.ts'
import type { UsageMeter } from '../measure-usage.ts'
import type { CallStyle } from './call-style.ts'
import { type AnswerIdentity, createChunkEncoder } from './encode-chunk.ts'
import { createReasoningPresenter, type Piece, type ReasoningFormat } from './present-reasoning.ts'

export interface ChoiceOptions extends AnswerIdentity {
  readonly reasoning: ReasoningFormat
  readonly callStyle: CallStyle
}

export interface ChoiceEncoder {
  /** From the role to the finish, one string of whole SSE events for each upstream read.
   *  @throws whatever the answer breaks with */
  encode(answer: Promise<ChatAnswer>): AsyncGenerator<string>
  /** A last text delta, of a choice that has not finished. */
  breakOff(text: string): string
}

/** Encodes one choice of a stream.
 *  @param usage  counts what goes by; undefined when the client did not ask */
export function createChoiceEncoder(
  options: ChoiceOptions,
  index: number,
  usage: UsageMeter | undefined,
): ChoiceEncoder {
  const chunks = createChunkEncoder(options, index, options.callStyle)
  const presenter = createReasoningPresenter(options.reasoning)
  let begun = false
  let finished = false
  let calls = 0

  function encodeEvent(event: ChatEvent): string {
    if (event.type === 'project-started') return ''
    if (event.type === 'progress') return encodeProgress(event)
    const head = begin(startsWithoutWords(event) ? null : '')
    return head + encodePieces(presenter.present(event)) + encodeRest(event)
  }

  function begin(content: '' | null): string {
    if (begun) return ''
    begun = true
    return chunks.role(content)
  }

  function encodePieces(pieces: readonly Piece[]): string {
    let output = ''
    for (const piece of pieces) output += chunks.piece(piece)
    return output
  }

  function encodeRest(event: ChatEvent): string {
    switch (event.type) {
      case 'tool-call-started':
        calls += 1
        return chunks.callStart(calls - 1, event)
      case 'tool-call-delta':
        return chunks.callDelta(calls - 1, event.argumentsText)
      case 'finished':
        finished = true
        return chunks.finish(event.reason)
      default:
        return ''
    }
  }

  return {
    async *encode(answer) {
      for await (const batch of (await answer).events) {
        for (const event of batch) usage?.add(event)
        yield* encodeBatch(batch, encodeEvent)
      }
      if (!finished) throw new UpstreamError('reset')
    },

    breakOff(text) {
      if (finished) return ''
      return begin('') + encodePieces([...presenter.close(), { field: 'content', text }])
    },
  }
}

const startsWithoutWords = ({ type }: ChatEvent): boolean =>
  type === 'tool-call-started' || type === 'refusal'
