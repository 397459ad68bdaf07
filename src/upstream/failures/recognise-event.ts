import { UpstreamError } from '../../core/errors.ts'
import { isRecord } from '../parse-event.ts'
import { recogniseNotice } from './notices.ts'

/** What a JSON object says that is no part of an answer: an `error` event, a `{"status":-5}` object, a quota action.
 *  Looks at its structure and at the fields that speak for the site, never at an answer's text.
 *  Source: UPSTREAM 4.11 F2, F5; 5.10 A1, A10, A13, A14 */
export function recogniseEvent(event: Readonly<Record<string, unknown>>): UpstreamError | undefined {
  if (isQuotaAction(event)) return new UpstreamError('quota-spent')
  if (typeof event.type === 'string' && event.type !== 'error') return undefined
  if (event.status === -5) return new UpstreamError('signed-out')
  if (event.status === -8) return new UpstreamError('quota-spent')
  return recogniseSpeaking(event) ?? (event.type === 'error' ? new UpstreamError('unavailable') : undefined)
}

/** The quota flags of a `message_result`, at the top (gen 1) or in its `message` (gen 2). */
function isQuotaAction(event: Readonly<Record<string, unknown>>): boolean {
  const { action, session_state: state } = isRecord(event.message) ? event.message : event
  return (
    (isRecord(action) && action.type === 'ACTION_QUOTA_EXCEEDED') ||
    (isRecord(state) && state.consume_usage_quota_exceeded === true)
  )
}

const speakingFields = [
  ...['message', 'error', 'detail', 'content', 'reason', 'field_value', 'value'],
  ...['code', 'error_code', 'error_message'],
]

/** Tests the texts of the fields in which an error speaks, also within objects. For an object that is no part of an answer. */
export function recogniseSpeaking(
  object: Readonly<Record<string, unknown>>,
  depth = 0,
): UpstreamError | undefined {
  for (const field of speakingFields) {
    const value = object[field]
    const found =
      typeof value === 'string'
        ? recogniseNotice(value)
        : isRecord(value) && depth < 2
          ? recogniseSpeaking(value, depth + 1)
          : undefined
    if (found) return found
  }
  return undefined
}
