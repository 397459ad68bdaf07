import type { ItemStart, OpenItem } from './open-item.ts'
import type { ReasoningItem, SummaryPart } from './output-item.ts'
import type { DeltaHead } from './response-event.ts'

/** What the model thought, as one part of a summary: clients show nothing else of reasoning. */
export function openReasoning({ place, tell }: ItemStart): OpenItem {
  const { item_id: id, output_index } = place
  const at = { ...place, summary_index: 0 }
  const head: DeltaHead = { type: 'response.reasoning_summary_text.delta', ...at }
  let text = ''

  const item = (summary: readonly SummaryPart[]): ReasoningItem => ({ type: 'reasoning', id, summary })
  const part = (): SummaryPart => ({ type: 'summary_text', text })

  tell({ type: 'response.output_item.added', output_index, item: item([]) })
  tell({ type: 'response.reasoning_summary_part.added', ...at, part: part() })
  return {
    type: 'reasoning',
    add(event) {
      if (event.type !== 'reasoning-delta') return false
      text += event.text
      if (event.text) tell({ type: 'delta', head, delta: event.text })
      return true
    },
    close() {
      tell({ type: 'response.reasoning_summary_text.done', ...at, text })
      tell({ type: 'response.reasoning_summary_part.done', ...at, part: part() })
      const whole = item([part()])
      tell({ type: 'response.output_item.done', output_index, item: whole })
      return whole
    },
  }
}
