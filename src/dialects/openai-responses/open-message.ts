import type { ItemStart, OpenItem } from './open-item.ts'
import type { ItemStatus, MessageItem, MessagePart } from './output-item.ts'
import type { ContentPlace, DeltaHead } from './response-event.ts'

/** A message of the assistant: text, and a refusal in its own part. */
export function openMessage({ place, tell }: ItemStart): OpenItem {
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
    if (delta) tell({ type: 'delta', head: part.head, delta })
  }

  function openPart(type: MessagePart['type']): OpenPart {
    const content_index = content.length
    tell({ type: 'response.content_part.added', ...place, content_index, part: partOf(type, '') })
    return { type, text: '', head: headOf(type, { ...place, content_index }) }
  }

  function closePart(): void {
    if (!part) return
    const at = { ...place, content_index: content.length }
    const { type, text } = part
    if (type === 'output_text') tell({ type: 'response.output_text.done', ...at, text, logprobs: [] })
    else tell({ type: 'response.refusal.done', ...at, refusal: text })
    const whole = partOf(type, text)
    tell({ type: 'response.content_part.done', ...at, part: whole })
    content.push(whole)
    part = undefined
  }

  tell({ type: 'response.output_item.added', output_index, item: message('in_progress') })
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
      tell({ type: 'response.output_item.done', output_index, item })
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
