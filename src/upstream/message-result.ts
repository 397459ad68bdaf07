import type { FinishReason } from '../core/chat-event.ts'
import type { UpstreamError } from '../core/errors.ts'
import { recogniseNotice } from './failures/notices.ts'
import { recogniseEvent } from './failures/recognise-event.ts'
import { isRecord } from './parse-event.ts'

type Event = Readonly<Record<string, unknown>>

/** What a `message_result` says: at its top level in gen 1, in its `message` in gen 2. Source: UPSTREAM 4.7, 5.4 */
export interface MessageResult {
  readonly ofAssistant: boolean
  readonly content: string
  readonly servedModel: string | undefined
  readonly finishReason: FinishReason
}

/** @param begun  text came before, so that the words of the result prove nothing
 *  @throws {UpstreamError} for a notice in the place of an answer. Source: UPSTREAM 4.11, 5.10 */
export function parseMessageResult(event: Event, begun: boolean): MessageResult {
  const message = isRecord(event.message) ? event.message : event
  const state = isRecord(message.session_state) ? message.session_state : {}
  const written = stringOf(state.answer)
  const content = stringOf(message.content) ?? written ?? ''
  const servedModel = stringOf(message._llm_model) ?? stringOf(state._llm_model)
  const byModel = servedModel !== undefined || written !== undefined
  const failure: UpstreamError | undefined =
    recogniseEvent(event) ?? (begun ? undefined : recogniseNotice(content, { byModel }))
  if (failure) throw failure
  return {
    ofAssistant: message.role === undefined || message.role === 'assistant',
    content,
    servedModel,
    finishReason: message._finish_reason === 'length' ? 'length' : 'stop',
  }
}

/** @returns undefined for an empty string too */
const stringOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined
