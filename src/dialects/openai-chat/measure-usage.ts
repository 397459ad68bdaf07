import type { ChatEvent } from '../../core/chat-event.ts'
import type { ChatMessage } from '../../core/chat-request.ts'

/** Figures of our own tokenizer: the site tells none. */
export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly completion_tokens_details: { readonly reasoning_tokens: number }
}

export interface UsageMeter {
  add(event: ChatEvent): void
  /** Enough text is waiting that `count` should be called. */
  isFull(): boolean
  /** Counts what was added and lets go of its text. */
  count(): Promise<void>
  /** Call once, at the end. */
  total(): Promise<Usage>
}

/** In UTF-16 units: what is kept of an answer until it is counted. */
const maxWaitingLength = 64 * 1024

/** Measures one request. Counting waits for the end of the answer, so that it does not delay the first event; only of a long
 *  answer the parts are counted as they come, and none of it is kept. */
export function createUsageMeter(
  messages: readonly ChatMessage[],
  countTokens: (text: string) => Promise<number>,
): UsageMeter {
  const waiting = { text: '', reasoning: '' }
  const tokens = { text: 0, reasoning: 0 }

  async function count() {
    const { text, reasoning } = waiting
    waiting.text = ''
    waiting.reasoning = ''
    if (text) tokens.text += await countTokens(text)
    if (reasoning) tokens.reasoning += await countTokens(reasoning)
  }

  return {
    add(event) {
      if (event.type === 'text-delta') waiting.text += event.text
      else if (event.type === 'reasoning-delta') waiting.reasoning += event.text
    },
    isFull: () => waiting.text.length + waiting.reasoning.length > maxWaitingLength,
    count,
    async total() {
      await count()
      let prompt = 0
      for (const message of messages) prompt += await countTokens(textOf(message))
      const completion = tokens.text + tokens.reasoning
      return {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
        completion_tokens_details: { reasoning_tokens: tokens.reasoning },
      }
    },
  }
}

function textOf({ parts }: ChatMessage): string {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
}
