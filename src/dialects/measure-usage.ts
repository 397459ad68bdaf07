import type { ChatEvent, TokenUsage } from '../core/chat-event.ts'
import type { ChatRequest, ChatTurn, ToolUse } from '../core/chat-request.ts'

export interface UsageMeter {
  /** Starts to count in the background when much text waits. */
  add(event: ChatEvent): void
  /** What the site itself counted, where it tells; else our own count, which waits until here unless the answer is long. */
  total(): Promise<TokenUsage>
}

type Prompt = Pick<ChatRequest, 'messages' | 'tools'>
type CountTokens = (text: string) => Promise<number>

/** In UTF-16 units: what is kept of an answer until it is counted. */
const maxWaitingLength = 64 * 1024

/** Measures one request. Counting waits for the end of the answer, so that it does not delay the first event; only of a long
 *  answer the parts are counted as they come, and none of it is kept.
 *  @param promptTokens  where the prompt is counted elsewhere, too */
export function createUsageMeter(
  prompt: Prompt,
  countTokens: CountTokens,
  promptTokens: () => Promise<number> = () => countPrompt(prompt, countTokens),
): UsageMeter {
  const tokens = { text: 0, reasoning: 0 }
  let text = ''
  let reasoning = ''
  let counting: Promise<void> | undefined
  let siteUsage: TokenUsage | undefined

  function countWaiting(): Promise<void> {
    counting = count(text, reasoning, counting)
    text = ''
    reasoning = ''
    return counting
  }

  async function count(newText: string, newReasoning: string, before: Promise<void> | undefined) {
    await before
    if (newText) tokens.text += await countTokens(newText)
    if (newReasoning) tokens.reasoning += await countTokens(newReasoning)
  }

  return {
    add(event) {
      if (event.type === 'text-delta' || event.type === 'refusal') text += event.text
      else if (event.type === 'reasoning-delta') reasoning += event.text
      else if (event.type === 'tool-call-started') text += event.name
      else if (event.type === 'tool-call-delta') text += event.argumentsText
      else if (event.type === 'finished') siteUsage = event.usage
      // A failure of this is told by `total`.
      if (text.length + reasoning.length > maxWaitingLength) countWaiting().catch(() => {})
    },
    async total() {
      if (siteUsage) return siteUsage
      await countWaiting()
      const completion = tokens.text + tokens.reasoning
      return { prompt: await promptTokens(), completion, reasoning: tokens.reasoning }
    },
  }
}

/** Of all texts of a request, its tools included; pictures and files count for nothing. */
export async function countPrompt(prompt: Prompt, countTokens: CountTokens): Promise<number> {
  let tokens = 0
  for (const text of textsOf(prompt)) tokens += await countTokens(text)
  return tokens
}

export interface InputCount {
  /** What is known by now. */
  soFar(): number
  exact(): Promise<number>
}

export interface InputCountOptions {
  readonly countTokens: CountTokens
  /** Of the request: once it is over, nothing more is begun. */
  readonly signal: AbortSignal
  /** Default: 100 ms. */
  readonly headStartMs?: number
}

/** Counts a request for a format that tells its tokens in the first event and again at the end. The question goes to the site
 *  first and has a head start; while the site thinks, the tokens are counted. An answer that is quicker is not kept waiting: it
 *  begins with the number that the length suggests, and ends with the one that was counted, which is what clients keep. */
export function countInput(prompt: Prompt, options: InputCountOptions): InputCount {
  const { countTokens, signal, headStartMs = 100 } = options
  let counting: Promise<number> | undefined
  let counted: number | undefined

  async function count(): Promise<number> {
    counted = await countPrompt(prompt, countTokens)
    return counted
  }

  function exact(): Promise<number> {
    clearTimeout(headStart)
    counting ??= count()
    return counting
  }

  const headStart = setTimeout(() => {
    if (!signal.aborted) exact().catch(() => {})
  }, headStartMs)
  return { soFar: () => counted ?? suggestTokens(prompt), exact }
}

/** Four bytes are a token, of English and of Chinese alike. */
const suggestTokens = (prompt: Prompt): number =>
  textsOf(prompt).reduce((tokens, text) => tokens + Math.ceil(Buffer.byteLength(text) / 4), 0)

const textsOf = ({ messages, tools }: Prompt): readonly string[] =>
  tools ? [...messages.map(textOf), textOfTools(tools)] : messages.map(textOf)

function textOf(turn: ChatTurn): string {
  const texts = turn.parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  const calls = 'toolCalls' in turn ? turn.toolCalls.map((call) => `${call.name} ${call.argumentsText}`) : []
  return [...texts, ...calls].join('\n')
}

const textOfTools = ({ definitions }: ToolUse): string =>
  definitions
    .map(({ name, description, parameters }) => `${name} ${description ?? ''} ${JSON.stringify(parameters)}`)
    .join('\n')
