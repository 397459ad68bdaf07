// Dialect `anthropic-messages`: Anthropic's Messages API, parsed and encoded; one ChatEvent stream feeds both encoders.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP.

import { z } from 'zod'
import type { ChatMessage, ChatModel, ChatRequest, ChatTurn, OutputFormat } from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { samplingFields, samplingOf } from '../sampling.ts'
import { parseContent } from './parse-content.ts'
import { parseMessage } from './parse-messages.ts'
import { parseTools } from './parse-tools.ts'

export interface ParsedMessagesRequest {
  readonly chat: ChatRequest
  readonly stream: boolean
  /** The client asked to see what the model thinks. */
  readonly showThinking: boolean
}

/** Ignores the fields that are not read here, and every `anthropic-beta`. `max_tokens` may be left out.
 *  @param resolve  the catalogue's lookup, which knows a model for every name
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault */
export async function parseRequest(
  body: unknown,
  resolve: (model: string) => ChatModel,
): Promise<ParsedMessagesRequest> {
  const request = checkShape(requestSchema, body)
  const messages: ChatTurn[] = await parseSystem(request.system, 'system')
  for (const [index, message] of request.messages.entries()) {
    messages.push(...(await parseMessage(message, `messages[${index}]`)))
  }
  if (messages.every(({ role }) => role === 'system'))
    throw invalidValue('messages', 'none of them says anything')
  const tools = parseTools(request)
  const output = outputFormat(request.output_config?.format ?? request.output_format)
  const stop = request.stop_sequences?.filter((sequence) => sequence !== '')
  return {
    chat: {
      model: resolve(request.model),
      messages,
      ...(tools && { tools }),
      ...(output && { output }),
      ...(stop?.length && { stop }),
      ...(request.max_tokens && { maxTokens: request.max_tokens }),
      ...samplingOf({
        ...request,
        reasoning_effort: request.output_config?.effort,
        thinking_tokens: thinkingTokens(request.thinking),
      }),
    },
    stream: request.stream ?? false,
    showThinking: isShown(request.thinking),
  }
}

/** The system prompt, a string or text blocks: one message, or none. */
async function parseSystem(system: unknown, at: string): Promise<ChatMessage[]> {
  const parts = await parseContent(withoutBilling(system), at)
  return parts.length > 0 ? [{ role: 'system', parts }] : []
}

/** The first block of Claude Code is for the vendor's billing and differs from turn to turn; no model should read it. */
function withoutBilling(system: unknown): unknown {
  if (!Array.isArray(system)) return system
  const [first] = system
  const isBilling = typeof first?.text === 'string' && first.text.startsWith('x-anthropic-billing-header:')
  return isBilling ? system.slice(1) : system
}

/** `adaptive` leaves it to the model. */
const thinkingTokens = (thinking: Request['thinking']): number | undefined =>
  thinking && thinking.type !== 'disabled' ? (thinking.budget_tokens ?? 0) : undefined

/** `display: omitted` keeps the thinking with the vendor; every type but `disabled` (`enabled`, `adaptive`) shows it. */
function isShown(thinking: Request['thinking']): boolean {
  return thinking ? thinking.type !== 'disabled' && thinking.display !== 'omitted' : false
}

function outputFormat(format: Format): OutputFormat | undefined {
  if (format?.type !== 'json_schema' || !format.schema) return undefined
  return { type: 'json-schema', name: 'response', description: undefined, schema: format.schema }
}

const formatSchema = z
  .object({ type: z.string(), schema: z.record(z.string(), z.unknown()).nullish() })
  .nullish()

/** Messages and tools are checked one by one, so that a list of a million wrong ones ends at the first. */
const requestSchema = z.object({
  model: z.string().trim().min(1).max(256),
  messages: z.array(z.unknown()).min(1),
  system: z.unknown().optional(),
  tools: z.array(z.unknown()).nullish(),
  tool_choice: z.unknown().optional(),
  max_tokens: z.int().min(1).nullish(),
  stop_sequences: z.array(z.string().max(4096)).max(256).nullish(),
  stream: z.boolean().nullish(),
  thinking: z
    .object({ type: z.string(), display: z.string().nullish(), budget_tokens: z.int().min(0).nullish() })
    .nullish(),
  output_config: z.object({ format: formatSchema, effort: z.string().max(20).nullish() }).nullish(),
  temperature: samplingFields.temperature,
  top_p: samplingFields.top_p,
  output_format: formatSchema,
})

type Request = z.infer<typeof requestSchema>
type Format = z.infer<typeof formatSchema>
