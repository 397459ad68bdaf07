import type { ChatRequest } from '../core/chat-request.ts'
import type { InputTokens } from '../dialects/anthropic-messages/encode-message.ts'
import { countPrompt } from '../dialects/measure-usage.ts'

export interface InputCountOptions {
  readonly countTokens: (text: string) => Promise<number>
  /** Of the request: once it is over, nothing more is begun. */
  readonly signal: AbortSignal
  /** Default: 100 ms. */
  readonly headStartMs?: number
}

/** Counts a request for a format that tells its tokens in the first event and again at the end. The question goes to the site
 *  first and has a head start; while the site thinks, the tokens are counted, in slices between which others have their turn.
 *  An answer that is quicker is not kept waiting: it begins with the number that the length suggests, and ends with the one
 *  that was counted, which is what clients keep. */
export function beginInputCount(
  request: Pick<ChatRequest, 'messages' | 'tools'>,
  { countTokens, signal, headStartMs = 100 }: InputCountOptions,
): InputTokens {
  let counting: Promise<number> | undefined
  let counted: number | undefined

  async function count(): Promise<number> {
    counted = await countPrompt(request, countTokens)
    return counted
  }

  function exact(): Promise<number> {
    clearTimeout(headStart)
    counting ??= count()
    return counting
  }

  const headStart = setTimeout(() => exact().catch(() => {}), headStartMs)
  signal.addEventListener('abort', () => clearTimeout(headStart), { once: true })
  let suggested = 0
  void countPrompt(request, suggestTokens).then((tokens) => {
    suggested = tokens
  })
  return { soFar: () => counted ?? suggested, exact }
}

/** Four bytes are a token, of English and of Chinese alike. */
const suggestTokens = async (text: string): Promise<number> => Math.ceil(Buffer.byteLength(text) / 4)
