import type { TokenUsage } from '../../core/chat-event.ts'

export function encodeUsage({ prompt, completion, reasoning }: TokenUsage) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}
