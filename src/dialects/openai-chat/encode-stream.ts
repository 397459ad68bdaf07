import type { ChatAnswer } from '../../core/chat-event.ts'
import type { ServiceError } from '../../core/errors.ts'
import { toLine } from '../delta-text.ts'
import type { UsageMeter } from '../measure-usage.ts'
import { type ChoiceOptions, createChoiceEncoder } from './encode-choice.ts'
import { encodeUsageChunk } from './encode-chunk.ts'
import { encodeError } from './encode-error.ts'
import { totalUsage } from './measure-choices.ts'
import { mergeStreams } from './merge-streams.ts'

export interface ChatStreamOptions extends ChoiceOptions {
  /** `n`: how many answers the stream carries. */
  readonly choices: number
  /** Write a failure in the middle also as a short text delta: some clients show nothing else (CLIENTS rule 3). */
  readonly streamErrorText: boolean
  /** One a choice, given when the client asked for usage; nothing is counted without. */
  readonly usage: readonly UsageMeter[] | undefined
}

export interface ChatStreamEncoder {
  /** Strings of whole SSE events, in the order of CLIENTS rule 9.
   *  @param answerChoice  asked once for each choice, of all at the same time
   *  @throws whatever breaks first; `encodeError` then writes it */
  encode(answerChoice: () => Promise<ChatAnswer>): AsyncGenerator<string>
  /** The last words of a stream that broke: no success `finish_reason` of what is not whole, no `[DONE]`. */
  encodeError(error: ServiceError): string
}

/** One encoder a stream. */
export function createChatStreamEncoder(options: ChatStreamOptions): ChatStreamEncoder {
  const { choices, streamErrorText, usage } = options
  const encoders = Array.from({ length: choices }, (_, index) =>
    createChoiceEncoder(options, index, usage?.[index]),
  )
  return {
    async *encode(answerChoice) {
      const streams = encoders.map((encoder) => encoder.encode(answerChoice()))
      // The usual single one goes by without the toll of merging.
      yield* streams[1] ? mergeStreams(streams) : (streams[0] ?? [])
      const counted = usage ? encodeUsageChunk(options, await totalUsage(usage)) : ''
      yield `${counted}data: [DONE]\n\n`
    },

    encodeError(error) {
      let output = ''
      if (streamErrorText)
        for (const encoder of encoders) output += encoder.breakOff(`\n\n[${error.message}]`)
      return `${output}data: ${toLine(encodeError(error))}\n\n`
    },
  }
}
