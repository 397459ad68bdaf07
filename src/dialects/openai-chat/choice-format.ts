import type { FinishReason, TokenUsage } from '../../core/chat-event.ts'

/** Where a client sees the reasoning; `hidden` drops it. */
export const reasoningFormats = ['reasoning-content', 'think-tags', 'hidden'] as const
export type ReasoningFormat = (typeof reasoningFormats)[number]

/** How a client speaks of calls: in `tools` and `tool_calls`, or in the older `functions` and `function_call`. It is answered in
 *  kind. */
export type CallStyle = 'tool-calls' | 'function-call'

/** The same in every chunk of an answer: clients tell answers apart by them. */
export interface AnswerIdentity {
  readonly id: string
  /** Seconds since the epoch. */
  readonly created: number
  readonly model: string
}

export interface ChoiceOptions extends AnswerIdentity {
  readonly reasoning: ReasoningFormat
  readonly callStyle: CallStyle
}

export function encodeFinishReason(reason: FinishReason, style: CallStyle) {
  if (reason !== 'tool-calls') return reason
  return style === 'tool-calls' ? 'tool_calls' : 'function_call'
}

export function encodeChatUsage({ prompt, completion, reasoning }: TokenUsage) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}
