import { UpstreamError } from '../../core/errors.ts'
import type { Answer } from '../answer.ts'
import { recogniseSpeaking } from '../failures/recognise-event.ts'
import { isRecord } from '../parse-event.ts'
import { tellsOfSpentCredits } from './recognise-vendor-reply.ts'

/** The grammar of OpenAI's chunks; `[DONE]` is none. Contract: `DecodeEvent`. Source: UPSTREAM 11 */
export function decodeVendorChunk(event: Readonly<Record<string, unknown>>, answer: Answer): boolean {
  const { choices, error, model } = event
  if (error !== undefined && error !== null) throw recogniseError(event)
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

/** An error within the stream speaks for the service, never for the model. */
function recogniseError(event: Readonly<Record<string, unknown>>): UpstreamError {
  if (tellsOfSpentCredits(JSON.stringify(event.error))) return new UpstreamError('quota-spent')
  return recogniseSpeaking(event) ?? new UpstreamError('unavailable')
}
