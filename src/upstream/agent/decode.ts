import type { TokenUsage } from '../../core/chat-event.ts'
import type { Answer, DecodeEvent } from '../answer.ts'
import { FieldText, parseMessageResult } from '../decode-parts.ts'
import { recogniseMessageResult } from '../failures.ts'

type Event = Readonly<Record<string, unknown>>

interface Message {
  /** A tool's or the user's own words are no part of the answer. */
  ofAssistant: boolean
  readonly text: FieldText
}

/** The grammar of gen-2 events, made anew for each answer. Source: WIRE 5.4, 5.5 */
export function createAgentDecoder(): DecodeEvent {
  const messages = new Map<unknown, Message>()
  let lastWritten: Message | undefined
  let isCounted = true

  return (event, answer) => {
    switch (event.type) {
      case 'message_field_delta':
        return addField(event, event.delta, 'delta', answer)
      case 'message_field':
        return addField(event, event.field_value, 'value', answer)
      case 'project_start':
        if (typeof event.id === 'string') answer.projectStarted(event.id)
        return true
      case 'agent_notification':
        return typeof event.notification === 'string' && event.notification !== 'keepalive'
      case 'message_start':
        messageOf(event).ofAssistant = isAssistant(event.role)
        answer.complete = false
        return true
      case 'message_result':
        closeMessage(event, answer)
        return true
      case 'project_field':
        if (event.field_name === 'status') answer.closed = event.field_value === 'FINISHED'
        else answer.noteLimit(event)
        return true
      case 'project_end':
        answer.closed = true
        return true
      default:
        return answer.unknown(event)
    }
  }

  function addField(event: Event, value: unknown, form: 'delta' | 'value', answer: Answer): boolean {
    const name = event.field_name
    if (name === 'content') {
      const message = messageOf(event)
      if (typeof value === 'string' && message.ofAssistant) write(message, message.text[form](value), answer)
      return true
    }
    if (name === '_updatetime') return false
    if (answer.noteLimit(event) || (typeof name === 'string' && isBookkeeping(name))) return true
    return answer.unknown(event)
  }

  function closeMessage(event: Event, answer: Answer): void {
    const result = parseMessageResult(event)
    const message = messageOf(event)
    message.ofAssistant &&= result.ofAssistant
    if (!message.ofAssistant) return
    const failure = answer.begun ? undefined : recogniseMessageResult(event, result)
    if (failure) throw failure
    answer.servedModel = result.servedModel ?? answer.servedModel
    answer.finishReason = result.finishReason
    answer.complete = true
    count(result.usage, answer)
    write(message, message.text.closing(result.content), answer)
  }

  /** A tool turn has several messages with figures of their own; a sum is told only if all have them. */
  function count(usage: TokenUsage | undefined, answer: Answer): void {
    isCounted &&= usage !== undefined
    const sum = answer.usage
    if (!isCounted || !usage) answer.usage = undefined
    else if (!sum) answer.usage = usage
    else {
      answer.usage = {
        prompt: sum.prompt + usage.prompt,
        completion: sum.completion + usage.completion,
        reasoning: sum.reasoning + usage.reasoning,
      }
    }
  }

  /** A tool turn has several messages; the page shows each in its own bubble. */
  function write(message: Message, text: string, answer: Answer): void {
    if (text === '') return
    answer.text(lastWritten === undefined || lastWritten === message ? text : `\n\n${text}`)
    lastWritten = message
  }

  function messageOf({ message_id: id }: Event): Message {
    const known = messages.get(id)
    if (known) return known
    const message = { ofAssistant: true, text: new FieldText() }
    messages.set(id, message)
    return message
  }
}

/** A message without a role is the assistant's: only others are told apart. */
const isAssistant = (role: unknown): boolean => role === undefined || role === null || role === 'assistant'

/** Known fields that are not shown: tool calls, encrypted reasoning, the state of the page. */
function isBookkeeping(name: string): boolean {
  return name.includes('tool_calls') || name.startsWith('reasoning_') || name.startsWith('session_state')
}
