import type { FinishReason, TokenUsage } from '../../core/chat-event.ts'
import type { ToolCall } from '../../core/chat-request.ts'
import { splitText, toLine } from '../delta-text.ts'
import { type CallStyle, encodeFinishReason } from './call-style.ts'
import { encodeUsage } from './encode-usage.ts'
import type { Piece } from './present-reasoning.ts'

/** What every chunk of one answer repeats (CLIENTS rule 10). */
export interface AnswerIdentity {
  readonly id: string
  /** Seconds since the epoch. */
  readonly created: number
  readonly model: string
}

/** Encodes the chunks of one choice of a stream; their fixed head is made once. Each result is whole SSE events. */
export function createChunkEncoder(identity: AnswerIdentity, index: number, callStyle: CallStyle) {
  const head = `${headOf(identity)}"choices":[{"index":${index},"delta":`
  const chunk = (delta: string, finishReason = 'null') =>
    `${head}${delta},"logprobs":null,"finish_reason":${finishReason}}]}\n\n`
  const call = (position: number, fields: string, definition: string) =>
    callStyle === 'tool-calls'
      ? chunk(`{"tool_calls":[{"index":${position},${fields}"function":{${definition}}}]}`)
      : chunk(`{"function_call":{${definition}}}`)

  return {
    /** @param content  null when the answer begins with something else than words */
    role: (content: '' | null) => chunk(`{"role":"assistant","content":${JSON.stringify(content)}}`),
    piece({ field, text }: Piece): string {
      let chunks = ''
      for (const part of splitText(text)) chunks += chunk(`{"${field}":${toLine(part)}}`)
      return chunks
    },
    /** The id once and `arguments` empty: NextChat counts on both (CLIENTS 3). */
    callStart: (position: number, { id, name }: Pick<ToolCall, 'id' | 'name'>) =>
      call(position, `"id":${toLine(id)},"type":"function",`, `"name":${toLine(name)},"arguments":""`),
    callDelta(position: number, argumentsText: string): string {
      let chunks = ''
      for (const part of splitText(argumentsText)) chunks += call(position, '', `"arguments":${toLine(part)}`)
      return chunks
    },
    finish: (reason: FinishReason) => chunk('{}', `"${encodeFinishReason(reason, callStyle)}"`),
  }
}

/** The chunk behind every choice, in a stream of which the client asked for the usage. */
export const encodeUsageChunk = (identity: AnswerIdentity, usage: TokenUsage): string =>
  `${headOf(identity)}"choices":[],"usage":${JSON.stringify(encodeUsage(usage))}}\n\n`

const headOf = ({ id, created, model }: AnswerIdentity): string =>
  `data: {"id":${toLine(id)},"object":"chat.completion.chunk","created":${created},"model":${toLine(model)},`
