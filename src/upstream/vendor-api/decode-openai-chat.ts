import type { Answer } from '../answer.ts'
import { isRecord } from '../parse-event.ts'
import { recogniseStreamError } from './recognise-stream-error.ts'

/** The grammar of OpenAI's chunks; `[DONE]` is none. Contract: `DecodeEvent`. Source: UPSTREAM 11 */
export function decodeOpenAiChunk(event: Readonly<Record<string, unknown>>, answer: Answer): boolean {
  const failure = recogniseStreamError(event)
  if (failure) throw failure
  const { choices, model } = event
  if (!Array.isArray(choices)) return answer.unknown(event)
  if (typeof model === 'string') answer.servedModel = model
  const [choice] = choices
  // The usage comes without a choice.
  if (!isRecord(choice)) return false
  const delta = isRecord(choice.delta) ? choice.delta : {}
  if (typeof delta.reasoning_content === 'string') answer.reasoning(delta.reasoning_content)
  if (typeof delta.content === 'string') answer.text(delta.content)
  if (typeof choice.finish_reason === 'string') {
    if (choice.finish_reason === 'length') answer.finishReason = 'length'
    answer.closed = true
  }
  return true
}
