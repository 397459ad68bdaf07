// Dialect `openai-chat`: the Chat Completions format, parsed and encoded; one ChatEvent stream feeds both encoders.
// Pure: touches `core` and zod, knows no HTTP.

import { z } from 'zod'
import type { ChatMessage, ChatModel, ChatRequest } from '../../core/chat-request.ts'
import { checkShape } from '../check-shape.ts'
import { parseMessage } from './parse-message.ts'
import { type ReasoningFormat, reasoningFormats } from './present-reasoning.ts'

export interface ParsedChatRequest {
  readonly chat: ChatRequest
  readonly stream: boolean
  /** `stream_options.include_usage` */
  readonly includeUsage: boolean
  /** `reasoning_format`; undefined leaves it to the settings. */
  readonly reasoningFormat: ReasoningFormat | undefined
}

/** Fields that are not read here are ignored (CLIENTS rule 12).
 *  @param resolve  the catalogue's lookup, which knows a model for every name
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault */
export async function parseRequest(
  body: unknown,
  resolve: (model: string) => ChatModel,
): Promise<ParsedChatRequest> {
  const request = checkShape(requestSchema, body)
  const messages: ChatMessage[] = []
  for (const [index, message] of request.messages.entries()) {
    messages.push(await parseMessage(message, `messages[${index}]`))
  }
  return {
    chat: { model: resolve(request.model), messages },
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    reasoningFormat: request.reasoning_format ?? undefined,
  }
}

/** Messages are checked one by one, so that a list of a million wrong ones ends at the first. */
const requestSchema = z.object({
  model: z.string().trim().min(1).max(256),
  messages: z.array(z.unknown()).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  reasoning_format: z.enum(reasoningFormats).nullish(),
})
