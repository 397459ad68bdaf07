import type { ItemStart, OpenItem } from './open-item.ts'
import type { CustomCallItem, FunctionCallItem, ItemStatus } from './output-item.ts'
import type { DeltaHead } from './response-event.ts'

export interface StartedCall {
  readonly id: string
  readonly name: string
}

/** A call of a function: its arguments are told as they come. */
export function openFunctionCall({ id: call_id, name }: StartedCall, { place, tell }: ItemStart): OpenItem {
  const { item_id: id, output_index } = place
  const head: DeltaHead = { type: 'response.function_call_arguments.delta', ...place }
  let text = ''

  const item = (status: ItemStatus): FunctionCallItem => ({
    type: 'function_call',
    id,
    call_id,
    name,
    arguments: text,
    status,
  })

  tell({ type: 'response.output_item.added', output_index, item: item('in_progress') })
  return {
    type: 'function_call',
    add(event) {
      if (event.type !== 'tool-call-delta') return false
      text += event.argumentsText
      if (event.argumentsText) tell({ type: 'delta', head, delta: event.argumentsText })
      return true
    },
    close() {
      const whole = item('completed')
      tell({ type: 'response.function_call_arguments.done', ...place, arguments: text })
      tell({ type: 'response.output_item.done', output_index, item: whole })
      return whole
    },
  }
}

/** A call of a tool that takes free text. The model was taught it as a function with the one argument `input`, so nothing can be
 *  told before that is whole. */
export function openCustomCall({ id: call_id, name }: StartedCall, { place, tell }: ItemStart): OpenItem {
  const { item_id: id, output_index } = place
  let argumentsText = ''

  const item = (input: string, status: ItemStatus): CustomCallItem => ({
    type: 'custom_tool_call',
    id,
    call_id,
    name,
    input,
    status,
  })

  tell({ type: 'response.output_item.added', output_index, item: item('', 'in_progress') })
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
      const head: DeltaHead = { type: 'response.custom_tool_call_input.delta', ...place }
      if (input) tell({ type: 'delta', head, delta: input })
      tell({ type: 'response.custom_tool_call_input.done', ...place, input })
      tell({ type: 'response.output_item.done', output_index, item: whole })
      return whole
    },
  }
}

function readInput(argumentsText: string): string {
  const { input }: { input?: unknown } = JSON.parse(argumentsText || '{}')
  return typeof input === 'string' ? input : argumentsText
}
