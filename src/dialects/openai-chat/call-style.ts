import type { FinishReason } from '../../core/chat-event.ts'

/** How a client speaks of calls: in `tools` and `tool_calls`, or in their elders `functions` and `function_call`. It is
 *  answered in kind. */
export type CallStyle = 'tool-calls' | 'function-call'

export function encodeFinishReason(reason: FinishReason, style: CallStyle) {
  if (reason !== 'tool-calls') return reason
  return style === 'tool-calls' ? 'tool_calls' : 'function_call'
}
