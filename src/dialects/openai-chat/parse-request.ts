// Dialect `openai-chat`: the Chat Completions format, parsed and encoded; one ChatEvent stream feeds both encoders.
// Pure: touches `core` and zod, knows no HTTP.

import { z } from 'zod'
import type { ChatModel, ChatRequest } from '../../core/chat-request.ts'
import { checkShape } from '../check-shape.ts'
import type { CallStyle } from './call-style.ts'
import { parseMessages } from './parse-message.ts'
import { outputField, parseOutput } from './parse-output.ts'
import { parseTools, toolFields } from './parse-tools.ts'
import { type ReasoningFormat, reasoningFormats } from './present-reasoning.ts'

export interface ParsedChatRequest {
  readonly chat: ChatRequest
  /** `n`: as many answers are asked for. */
  readonly choices: number
  readonly callStyle: CallStyle
  readonly stream: boolean
  /** `stream_options.include_usage` */
  readonly includeUsage: boolean
  /** `reasoning_format`; undefined leaves it to the settings. */
  readonly reasoningFormat: ReasoningFormat | undefined
}

/** Fields that are not read here are ignored (CLIENTS rule 12): the site knows no sampling.
 *  @param resolve  the catalogue's lookup, which knows a model for every name
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault */
export async function parseRequest(
  body: unknown,
  resolve: (model: string) => ChatModel,
): Promise<ParsedChatRequest> {
  const request = checkShape(requestSchema, body)
  const { tools, callStyle } = parseTools(request)
  const output = parseOutput(request.response_format)
  const stop = parseStop(request.stop)
  const maxTokens = request.max_completion_tokens ?? request.max_tokens
  return {
    chat: {
      model: resolve(request.model),
      messages: await parseMessages(request.messages),
      ...(tools && { tools }),
      ...(output && { output }),
      ...(stop.length > 0 && { stop }),
      ...(maxTokens && { maxTokens }),
    },
    choices: request.n ?? 1,
    callStyle,
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    reasoningFormat: request.reasoning_format ?? undefined,
  }
}

/** An empty sequence would end every answer before its first word. */
const parseStop = (given: string | readonly string[] | null | undefined): readonly string[] =>
  [given ?? []].flat().filter(Boolean)

/** OpenAI takes 4 sequences; the bounds are there for the work that they make. */
const stopSequence = z.string().max(256)
const stopField = z.union([stopSequence, z.array(stopSequence).max(32)], {
  error: 'expected a string or a list of up to 32, each of up to 256 characters',
})

const tokenLimit = z.int().min(1).nullish()

/** Messages are checked one by one, so that a list of a million wrong ones ends at the first. */
const requestSchema = z.object({
  model: z.string().trim().min(1).max(256),
  messages: z.array(z.unknown()).min(1),
  ...toolFields,
  response_format: outputField,
  stop: stopField.nullish(),
  max_tokens: tokenLimit,
  max_completion_tokens: tokenLimit,
  n: z.int().min(1).max(16).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  reasoning_format: z.enum(reasoningFormats).nullish(),
})
