import type { Answer } from '../answer.ts'
import { isRecord } from '../parse-event.ts'
import { recogniseStreamError } from './recognise-stream-error.ts'

type Event = Readonly<Record<string, unknown>>

/** The grammar of Anthropic's events. Contract: `DecodeEvent`.
 *  Source: UPSTREAM 11, platform.claude.com/docs/en/build-with-claude/streaming */
export function decodeAnthropicEvent(event: Event, answer: Answer): boolean {
  const failure = recogniseStreamError(event)
  if (failure) throw failure
  switch (event.type) {
    case 'content_block_delta':
      return addDelta(event, answer)
    case 'message_start':
      if (isRecord(event.message) && typeof event.message.model === 'string')
        answer.servedModel = event.message.model
      return true
    case 'message_delta':
      noteStop(event, answer)
      return true
    case 'message_stop':
      answer.closed = true
      return true
    case 'content_block_start':
    case 'content_block_stop':
      return true
    case 'ping':
      return false
    default:
      return answer.unknown(event)
  }
}

function addDelta(event: Event, answer: Answer): boolean {
  const delta = isRecord(event.delta) ? event.delta : {}
  switch (delta.type) {
    case 'text_delta':
      if (typeof delta.text === 'string') answer.text(delta.text)
      return true
    case 'thinking_delta':
      if (typeof delta.thinking === 'string') answer.reasoning(delta.thinking)
      return true
    // Only for who sends the thinking back.
    case 'signature_delta':
      return true
    default:
      return answer.unknown(event)
  }
}

/** With its stop reason the message is whole. */
function noteStop({ delta }: Event, answer: Answer): void {
  if (!isRecord(delta) || typeof delta.stop_reason !== 'string') return
  if (lengthReasons.has(delta.stop_reason)) answer.finishReason = 'length'
  answer.complete = true
}

const lengthReasons: ReadonlySet<string> = new Set(['max_tokens', 'model_context_window_exceeded'])
