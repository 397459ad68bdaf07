import type { ChatMessage } from '../../core/chat-request.ts'
import { parseContent } from './parse-content.ts'

/** The system prompt, a string or text blocks: one message, or none.
 *  @throws {InvalidRequestError} `invalid_value` */
export async function parseSystem(system: unknown, at: string): Promise<ChatMessage[]> {
  const parts = await parseContent(withoutBilling(system), at)
  return parts.length > 0 ? [{ role: 'system', parts }] : []
}

/** Claude Code's first block is for the vendor's books and differs from turn to turn; no model should read it. */
function withoutBilling(system: unknown): unknown {
  if (!Array.isArray(system)) return system
  const [first] = system
  return /^x-anthropic-billing-header:/.test(String(first?.text)) ? system.slice(1) : system
}
