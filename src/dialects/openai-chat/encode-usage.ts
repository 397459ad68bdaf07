import type { Usage } from '../measure-usage.ts'

export function encodeUsage({ prompt, completion, reasoning }: Usage) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}
