import type { Answer, DecodeEvent } from '../answer.ts'
import { FieldText, parseEvent, parseMessageResult } from '../decode-parts.ts'
import { recogniseMessageResult } from '../failures.ts'

type Event = Readonly<Record<string, unknown>>

/** The grammar of gen-1 events, made anew for each answer. Source: WIRE 4.7, 7.1 to 7.4
 *  @param search  a search answer may come as JSON in the closing event (WIRE 7.2) */
export function createCopilotDecoder(search: boolean): DecodeEvent {
  const fields = new Map<string, FieldText>()
  let textSeen = false

  return (event, answer) => {
    switch (event.type) {
      case 'message_field_delta':
        return addField(event, event.delta, 'delta', answer)
      case 'message_field':
        return addField(event, event.field_value, 'value', answer)
      case 'project_start':
        if (typeof event.id === 'string') answer.projectStarted(event.id)
        return true
      case 'project_field':
        return true
      case 'message_result':
        close(event, answer)
        return true
      default:
        return answer.unknown(event)
    }
  }

  function addField(event: Event, value: unknown, form: 'delta' | 'value', answer: Answer): boolean {
    const name = typeof event.field_name === 'string' ? event.field_name : ''
    const meaning = meaningOf(name)
    if (meaning === undefined) return answer.noteLimit(event) || answer.unknown(event)
    if (meaning === 'bookkeeping' || typeof value !== 'string') return name !== '_updatetime'
    const added = fieldText(name)[form](value)
    if (meaning === 'reasoning') answer.reasoning(added)
    else {
      textSeen ||= added !== ''
      answer.text(added)
    }
    return true
  }

  function fieldText(name: string): FieldText {
    const known = fields.get(name)
    if (known) return known
    const text = new FieldText()
    fields.set(name, text)
    return text
  }

  function close(event: Event, answer: Answer): void {
    const result = parseMessageResult(event)
    // A tool's or the user's own message is no answer, and not the last word either.
    if (!result.ofAssistant) return
    const failure = answer.begun ? undefined : recogniseMessageResult(event, result)
    if (failure) throw failure
    const { content } = result
    answer.closed = true
    answer.servedModel = result.servedModel
    answer.usage = result.usage
    if (!textSeen) answer.text((search && detailAnswer(content)) || content)
    // The last word may say more than the deltas did.
    else answer.text(fields.get('session_state.answer')?.closing(content) ?? '')
  }
}

/** What a field carries; `undefined` for one that is not known. */
function meaningOf(name: string): 'text' | 'reasoning' | 'bookkeeping' | undefined {
  if (name === 'session_state.answer') return 'text'
  if (name === 'session_state.answerthink') return 'reasoning'
  if (name.includes('session_state.streaming_detail_answer')) return 'text'
  if (name.startsWith('session_state.streaming_markmap')) return 'text'
  if (name.startsWith('session_state.layer_')) return 'reasoning'
  return bookkeeping.has(name) ? 'bookkeeping' : undefined
}

const bookkeeping = new Set([
  'content',
  '_updatetime',
  'session_state',
  'session_state.answer_is_finished',
  'session_state.answerthink_is_started',
  'session_state.answerthink_is_finished',
  'session_state.reflection',
])

/** A search answer's text out of the JSON that carries it. */
function detailAnswer(content: string): string | undefined {
  const answer = content.startsWith('{') ? parseEvent(content)?.detailAnswer : undefined
  return typeof answer === 'string' ? answer : undefined
}
