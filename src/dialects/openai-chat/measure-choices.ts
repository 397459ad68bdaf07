import type { TokenUsage } from '../../core/chat-event.ts'
import type { ChatRequest } from '../../core/chat-request.ts'
import { createUsageMeter, type UsageMeter } from '../measure-usage.ts'

/** One meter for each choice. The prompt that they share is counted once. */
export function createChoiceMeters(
  choices: number,
  request: ChatRequest,
  countTokens: (text: string) => Promise<number>,
): readonly UsageMeter[] {
  return Array.from({ length: choices }, (_, index) =>
    createUsageMeter(index === 0 ? request : { messages: [] }, countTokens),
  )
}

/** Of all choices together. Call once, at the end. */
export async function totalUsage(meters: readonly UsageMeter[]): Promise<TokenUsage> {
  const total = { prompt: 0, completion: 0, reasoning: 0 }
  for (const meter of meters) {
    const { prompt, completion, reasoning } = await meter.total()
    // The first choice tells it alone, unless the site tells it with every one.
    total.prompt = Math.max(total.prompt, prompt)
    total.completion += completion
    total.reasoning += reasoning
  }
  return total
}
