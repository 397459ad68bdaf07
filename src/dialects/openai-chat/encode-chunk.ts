import type { FinishReason } from '../../core/chat-event.ts'
import type { Usage } from './measure-usage.ts'
import type { Piece } from './present-reasoning.ts'

/** What every chunk of one answer repeats (CLIENTS rule 10). */
export interface AnswerIdentity {
  readonly id: string
  /** Seconds since the epoch. */
  readonly created: number
  readonly model: string
}

/** In UTF-16 units. One becomes 6 bytes at most, so with its head a line stays under 16 KiB (CLIENTS rule 7). */
const maxDeltaLength = 2048

/** Encodes the chunks of one stream; their fixed head is made once. Each result is whole SSE events. */
export function createChunkEncoder({ id, created, model }: AnswerIdentity) {
  const head = `data: {"id":${toLine(id)},"object":"chat.completion.chunk","created":${created},"model":${toLine(model)},`
  const chunk = (delta: string, finishReason: FinishReason | null = null) =>
    `${head}"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${JSON.stringify(finishReason)}}]}\n\n`

  return {
    role: () => chunk('{"role":"assistant","content":""}'),
    piece({ field, text }: Piece): string {
      let chunks = ''
      for (const part of splitText(text)) chunks += chunk(`{"${field}":${toLine(part)}}`)
      return chunks
    },
    finish: (reason: FinishReason) => chunk('{}', reason),
    usage: (usage: Usage) => `${head}"choices":[],"usage":${JSON.stringify(usage)}}\n\n`,
  }
}

/** Splits at `maxDeltaLength`, never inside a surrogate pair. */
function splitText(text: string): readonly string[] {
  if (text.length <= maxDeltaLength) return [text]
  const parts: string[] = []
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + maxDeltaLength, text.length)
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1
    parts.push(text.slice(start, end))
    start = end
  }
  return parts
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

/** JSON without the line breaks that it leaves bare: some clients cut lines at them. */
function toLine(text: string): string {
  return JSON.stringify(text).replace(/[\u0085\u2028\u2029]/g, escapeUnit)
}

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
