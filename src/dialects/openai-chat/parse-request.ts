// Dialect `openai-chat`: the Chat Completions format, parsed and encoded; one ChatEvent stream feeds both encoders.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP.

import { z } from 'zod'
import type { ChatModel, ChatRequest, OutputFormat } from '../../core/chat-request.ts'
import { checkShape } from '../check-shape.ts'
import { samplingFields, samplingOf } from '../sampling.ts'
import { type CallStyle, type ReasoningFormat, reasoningFormats } from './encode-stream.ts'
import { parseMessages } from './parse-messages.ts'
import { parseTools, toolFields } from './parse-tools.ts'

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

/** Ignores the fields that are not read here: clients send many, and the site knows no sampling.
 *  @param resolve  the catalogue's lookup, which knows a model for every name
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault */
export async function parseRequest(
  body: unknown,
  resolve: (model: string) => ChatModel,
): Promise<ParsedChatRequest> {
  const request = checkShape(requestSchema, body)
  const speaksOfTools = request.tools ?? request.functions ?? request.tool_choice
  const { tools, callStyle } = speaksOfTools ? parseTools(request) : noTools
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
      ...samplingOf(request),
    },
    choices: request.n ?? 1,
    callStyle,
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    reasoningFormat: request.reasoning_format ?? undefined,
  }
}

/** @returns undefined for plain text. A `json_schema` without a schema asks for nothing but JSON. */
function parseOutput(given: z.infer<typeof outputField>): OutputFormat | undefined {
  if (!given || given.type === 'text') return undefined
  if (given.type === 'json_object' || !given.json_schema.schema) return { type: 'json-object' }
  const { name, description, schema } = given.json_schema
  return { type: 'json-schema', name: name || 'response', description: description ?? undefined, schema }
}

const noTools = { tools: undefined, callStyle: 'tool-calls' } as const

/** An empty sequence would end every answer before its first word. */
const parseStop = (given: string | readonly string[] | null | undefined): readonly string[] =>
  [given ?? []].flat().filter(Boolean)

/** OpenAI takes 4 sequences; the bounds are there for the work that they make. */
const stopSequence = z.string().max(256)
const stopField = z.union([stopSequence, z.array(stopSequence).max(32)], {
  error: 'expected a string or a list of up to 32, each of up to 256 characters',
})

/** `response_format` */
const outputField = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      json_schema: z.object({
        name: z.string().max(256).nullish(),
        description: z.string().nullish(),
        schema: z.record(z.string(), z.unknown()).nullish(),
      }),
    }),
  ])
  .nullish()

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
  ...samplingFields,
})
