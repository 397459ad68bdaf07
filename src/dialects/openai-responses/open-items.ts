import type { ChatEvent } from '../../core/chat-event.ts'
import { writeCompaction } from '../compaction.ts'
import type { ContentPlace, DeltaHead, ItemPlace, ResponseEvents } from './response-events.ts'
import type {
  CompactionItem,
  CustomCallItem,
  FunctionCallItem,
  ItemStatus,
  MessageItem,
  MessagePart,
  OutputItem,
  ReasoningItem,
  SummaryPart,
  ToolSearchItem,
} from './response-object.ts'

/** An item of the output while it grows. It emits its own events, from `added` to `done`. */
export interface OpenItem {
  readonly type: OutputItem['type']
  /** @returns false when the event does not belong to this item, which is to be closed then */
  add(event: ChatEvent): boolean
  /** @param cut  the answer ended within this item */
  close(cut: boolean): OutputItem
}

/** How a new item begins. */
export interface ItemStart {
  readonly place: ItemPlace
  readonly events: ResponseEvents
}

/** A message of the assistant: text, and a refusal in its own part. */
export function openMessage({ place, events }: ItemStart): OpenItem {
  const { item_id: id, output_index } = place
  const content: MessagePart[] = []
  let part: OpenPart | undefined

  const message = (status: ItemStatus): MessageItem => ({
    type: 'message',
    id,
    status,
    role: 'assistant',
    content: [...content],
  })

  function grow(type: MessagePart['type'], delta: string): void {
    if (part?.type !== type) {
      closePart()
      part = openPart(type)
    }
    part.text += delta
    if (delta) events.emitDelta(part.head, delta)
  }

  function openPart(type: MessagePart['type']): OpenPart {
    const content_index = content.length
    events.emit({ type: 'response.content_part.added', ...place, content_index, part: partOf(type, '') })
    return { type, text: '', head: headOf(type, { ...place, content_index }) }
  }

  function closePart(): void {
    if (!part) return
    const at = { ...place, content_index: content.length }
    const { type, text } = part
    if (type === 'output_text') events.emit({ type: 'response.output_text.done', ...at, text, logprobs: [] })
    else events.emit({ type: 'response.refusal.done', ...at, refusal: text })
    const whole = partOf(type, text)
    events.emit({ type: 'response.content_part.done', ...at, part: whole })
    content.push(whole)
    part = undefined
  }

  events.emit({ type: 'response.output_item.added', output_index, item: message('in_progress') })
  return {
    type: 'message',
    add(event) {
      if (event.type === 'text-delta') grow('output_text', event.text)
      else if (event.type === 'refusal') grow('refusal', event.text)
      else return false
      return true
    },
    close(cut) {
      closePart()
      const item = message(cut ? 'incomplete' : 'completed')
      events.emit({ type: 'response.output_item.done', output_index, item })
      return item
    },
  }
}

interface OpenPart {
  readonly type: MessagePart['type']
  readonly head: DeltaHead
  text: string
}

const partOf = (type: MessagePart['type'], text: string): MessagePart =>
  type === 'output_text' ? { type, text, annotations: [], logprobs: [] } : { type, refusal: text }

const headOf = (type: MessagePart['type'], place: ContentPlace): DeltaHead =>
  type === 'output_text'
    ? { type: 'response.output_text.delta', ...place, logprobs: [] }
    : { type: 'response.refusal.delta', ...place }

/** The reasoning, as one part of a summary: clients show no other form of it. */
export function openReasoning({ place, events }: ItemStart): OpenItem {
  const { item_id: id, output_index } = place
  const at = { ...place, summary_index: 0 }
  const head: DeltaHead = { type: 'response.reasoning_summary_text.delta', ...at }
  let text = ''

  const item = (summary: readonly SummaryPart[]): ReasoningItem => ({ type: 'reasoning', id, summary })
  const part = (): SummaryPart => ({ type: 'summary_text', text })

  events.emit({ type: 'response.output_item.added', output_index, item: item([]) })
  events.emit({ type: 'response.reasoning_summary_part.added', ...at, part: part() })
  return {
    type: 'reasoning',
    add(event) {
      if (event.type !== 'reasoning-delta') return false
      text += event.text
      if (event.text) events.emitDelta(head, event.text)
      return true
    },
    close() {
      events.emit({ type: 'response.reasoning_summary_text.done', ...at, text })
      events.emit({ type: 'response.reasoning_summary_part.done', ...at, part: part() })
      const whole = item([part()])
      events.emit({ type: 'response.output_item.done', output_index, item: whole })
      return whole
    },
  }
}

export interface StartedCall {
  readonly id: string
  readonly name: string
  readonly namespace?: string | undefined
}

/** A call of a function: its arguments are sent as they come. */
export function openFunctionCall(
  { id: call_id, name, namespace }: StartedCall,
  { place, events }: ItemStart,
): OpenItem {
  const { item_id: id, output_index } = place
  const head: DeltaHead = { type: 'response.function_call_arguments.delta', ...place }
  let text = ''

  const item = (status: ItemStatus): FunctionCallItem => ({
    type: 'function_call',
    id,
    call_id,
    name,
    ...(namespace && { namespace }),
    arguments: text,
    status,
  })

  events.emit({ type: 'response.output_item.added', output_index, item: item('in_progress') })
  return {
    type: 'function_call',
    add(event) {
      if (event.type !== 'tool-call-delta') return false
      text += event.argumentsText
      if (event.argumentsText) events.emitDelta(head, event.argumentsText)
      return true
    },
    close() {
      const whole = item('completed')
      events.emit({ type: 'response.function_call_arguments.done', ...place, arguments: text })
      events.emit({ type: 'response.output_item.done', output_index, item: whole })
      return whole
    },
  }
}

/** A call of a tool that takes free text. The model was taught it as a function with the one argument `input`, so nothing can be
 *  sent before the arguments are whole. */
export function openCustomCall(
  { id: call_id, name, namespace }: StartedCall,
  { place, events }: ItemStart,
): OpenItem {
  const { item_id: id, output_index } = place
  let argumentsText = ''

  const item = (input: string, status: ItemStatus): CustomCallItem => ({
    type: 'custom_tool_call',
    id,
    call_id,
    name,
    ...(namespace && { namespace }),
    input,
    status,
  })

  events.emit({ type: 'response.output_item.added', output_index, item: item('', 'in_progress') })
  return {
    type: 'custom_tool_call',
    add(event) {
      if (event.type !== 'tool-call-delta') return false
      argumentsText += event.argumentsText
      return true
    },
    close() {
      const input = readInput(argumentsText)
      const whole = item(input, 'completed')
      if (input) events.emitDelta({ type: 'response.custom_tool_call_input.delta', ...place }, input)
      events.emit({ type: 'response.custom_tool_call_input.done', ...place, input })
      events.emit({ type: 'response.output_item.done', output_index, item: whole })
      return whole
    },
  }
}

/** A search for tools, which the client does: its arguments are an object. */
export function openToolSearch({ id: call_id }: StartedCall, { place, events }: ItemStart): OpenItem {
  const { item_id: id, output_index } = place
  let argumentsText = ''

  const item = (given: unknown, status: ItemStatus): ToolSearchItem => ({
    type: 'tool_search_call',
    id,
    call_id,
    execution: 'client',
    arguments: given,
    status,
  })

  events.emit({ type: 'response.output_item.added', output_index, item: item({}, 'in_progress') })
  return {
    type: 'tool_search_call',
    add(event) {
      if (event.type !== 'tool-call-delta') return false
      argumentsText += event.argumentsText
      return true
    },
    close() {
      const whole = item(JSON.parse(argumentsText || '{}'), 'completed')
      events.emit({ type: 'response.output_item.done', output_index, item: whole })
      return whole
    },
  }
}

/** The whole answer as a summary that the client keeps in the place of the conversation. */
export function openCompaction({ place, events }: ItemStart): OpenItem {
  const { item_id: id, output_index } = place
  let text = ''
  const item = (): CompactionItem => ({
    type: 'compaction',
    id,
    encrypted_content: text && writeCompaction(text),
  })

  events.emit({ type: 'response.output_item.added', output_index, item: item() })
  return {
    type: 'compaction',
    add(event) {
      if (event.type !== 'text-delta') return event.type === 'reasoning-delta'
      text += event.text
      return true
    },
    close() {
      const whole = item()
      events.emit({ type: 'response.output_item.done', output_index, item: whole })
      return whole
    },
  }
}

function readInput(argumentsText: string): string {
  const { input }: { input?: unknown } = JSON.parse(argumentsText || '{}')
  return typeof input === 'string' ? input : argumentsText
}
