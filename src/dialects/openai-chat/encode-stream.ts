import type { ChatAnswer, FinishReason } from '../../core/chat-event.ts'
import { type ServiceError, UpstreamError } from '../../core/errors.ts'
import { type AnswerIdentity, createChunkEncoder } from './encode-chunk.ts'
import { encodeError } from './encode-error.ts'
import type { UsageMeter } from './measure-usage.ts'
import { createReasoningPresenter, type Piece, type ReasoningFormat } from './present-reasoning.ts'

export interface ChatStreamOptions extends AnswerIdentity {
  readonly reasoning: ReasoningFormat
  /** Write a failure in the middle also as a short text delta: some clients show nothing else (CLIENTS rule 3). */
  readonly streamErrorText: boolean
  /** Given when the client asked for usage; nothing is counted without. */
  readonly usage: UsageMeter | undefined
}

export interface ChatStreamEncoder {
  /** Strings of whole SSE events, one for each upstream read, in the order of CLIENTS rule 9.
   *  @throws whatever the answer breaks with; `encodeError` then writes it */
  encode(answer: Promise<ChatAnswer>): AsyncGenerator<string>
  /** The last words of a stream that broke: no success `finish_reason`, no `[DONE]`. */
  encodeError(error: ServiceError): string
}

/** A piece of a large read is handed over at this length, so that a slow reader has little of it in memory. */
const maxOutputLength = 64 * 1024

/** A comment: nothing of it reaches the text, and no client times out meanwhile. */
const progressComment = ({ done, tasks }: { readonly done: number; readonly tasks: number }): string =>
  `: progress ${done}/${tasks}\n\n`

/** One encoder a stream. */
export function createChatStreamEncoder(options: ChatStreamOptions): ChatStreamEncoder {
  const { streamErrorText, usage } = options
  const chunks = createChunkEncoder(options)
  const presenter = createReasoningPresenter(options.reasoning)
  let begun = false

  function begin(): string {
    if (begun) return ''
    begun = true
    return chunks.role()
  }

  function encodePieces(pieces: readonly Piece[]): string {
    let output = ''
    for (const piece of pieces) output += chunks.piece(piece)
    return output
  }

  return {
    async *encode(answer) {
      let finishReason: FinishReason | undefined
      for await (const batch of (await answer).events) {
        let output = ''
        for (const event of batch) {
          if (event.type === 'progress') {
            output += progressComment(event)
            continue
          }
          output += begin() + encodePieces(presenter.present(event))
          usage?.add(event)
          if (event.type === 'finished') finishReason = event.reason
          if (output.length < maxOutputLength) continue
          yield output
          output = ''
        }
        if (usage?.isFull()) await usage.count()
        if (output) yield output
      }
      if (!finishReason) throw new UpstreamError('reset')
      const counted = usage ? chunks.usage(await usage.total()) : ''
      yield `${chunks.finish(finishReason)}${counted}data: [DONE]\n\n`
    },

    encodeError(error) {
      let output = ''
      if (streamErrorText) {
        const text = `\n\n[${error.message}]`
        output = begin() + encodePieces([...presenter.close(), { field: 'content', text }])
      }
      return `${output}data: ${JSON.stringify(encodeError(error))}\n\n`
    },
  }
}
