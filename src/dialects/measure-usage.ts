import type { ChatEvent, TokenUsage } from '../core/chat-event.ts'
import type { ChatRequest, ChatTurn, ToolUse } from '../core/chat-request.ts'

export interface UsageMeter {
  /** Begins to count in the background when much text waits. */
  add(event: ChatEvent): void
  /** Call once, at the end. */
  total(): Promise<TokenUsage>
}

/** In UTF-16 units: what is kept of an answer until it is counted. */
const maxWaitingLength = 64 * 1024

/** Measures one request. Counting waits for the end of the answer, so that it does not delay the first event; only of a long
 *  answer the parts are counted as they come, and none of it is kept. */
export function createUsageMeter(
  request: Pick<ChatRequest, 'messages' | 'tools'>,
  countTokens: (text: string) => Promise<number>,
): UsageMeter {
  const waiting = { text: '', reasoning: '' }
  const tokens = { text: 0, reasoning: 0 }

  let counting: Promise<void> = Promise.resolve()
  let told: TokenUsage | undefined

  function count(): void {
    const { text, reasoning } = waiting
    waiting.text = ''
    waiting.reasoning = ''
    counting = counting.then(() => add(text, reasoning))
    counting.catch(() => {})
  }

  async function add(text: string, reasoning: string): Promise<void> {
    if (text) tokens.text += await countTokens(text)
    if (reasoning) tokens.reasoning += await countTokens(reasoning)
  }

  return {
    add(event) {
      if (event.type === 'text-delta') waiting.text += event.text
      else if (event.type === 'reasoning-delta') waiting.reasoning += event.text
      else if (event.type === 'refusal') waiting.text += event.text
      else if (event.type === 'tool-call-started') waiting.text += event.name
      else if (event.type === 'tool-call-delta') waiting.text += event.argumentsText
      else if (event.type === 'finished') told = event.usage
      if (waiting.text.length + waiting.reasoning.length > maxWaitingLength) count()
    },
    async total() {
      if (told) return told
      count()
      await counting
      const prompt = await countPrompt(request, countTokens)
      return { prompt, completion: tokens.text + tokens.reasoning, reasoning: tokens.reasoning }
    },
  }
}

/** Of all texts of a request, its tools included; pictures and files count for nothing. */
export async function countPrompt(
  { messages, tools }: Pick<ChatRequest, 'messages' | 'tools'>,
  countTokens: (text: string) => Promise<number>,
): Promise<number> {
  let prompt = 0
  for (const turn of messages) prompt += await countTokens(textOf(turn))
  if (tools) prompt += await countTokens(textOfTools(tools))
  return prompt
}

function textOf(turn: ChatTurn): string {
  const texts = turn.parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  const calls = 'toolCalls' in turn ? turn.toolCalls.map((call) => `${call.name} ${call.argumentsText}`) : []
  return [...texts, ...calls].join('\n')
}

const textOfTools = ({ definitions }: ToolUse): string =>
  definitions
    .map(({ name, description, parameters }) => `${name} ${description ?? ''} ${JSON.stringify(parameters)}`)
    .join('\n')
