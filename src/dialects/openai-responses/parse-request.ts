// Dialect `openai-responses`: OpenAI's Responses format, parsed and encoded; one state machine feeds both encoders.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP, and kept responses come as texts.

import { z } from 'zod'
import type { ChatMessage, ChatModel, ChatRequest, OutputFormat } from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { samplingOf } from '../sampling.ts'
import { createKeptReader, type ReadKept } from './kept-response.ts'
import { type InputItem, parseInput, parseItems, toKeptItem } from './parse-items.ts'
import { parseTools } from './parse-tools.ts'
import { type EchoedFields, echoedSchema, echoRequest } from './response-object.ts'

export interface ParsedResponseRequest {
  readonly chat: ChatRequest
  readonly stream: boolean
  /** Answer at once and make the response in the background. */
  readonly background: boolean
  readonly store: boolean
  readonly customTools: ReadonlySet<string>
  readonly echo: EchoedFields
  /** The items of this request alone, as they are kept. */
  readonly input: readonly InputItem[]
}

export interface ParseRequestOptions {
  /** RESPONSES_STORE: for requests that do not say `store`. Default true. */
  readonly storedByDefault?: boolean
  /** Of the response that is to be made. */
  readonly id: string
  /** The catalogue's lookup, which knows a model for every name. */
  readonly resolve: (model: string) => ChatModel
  readonly readKept: ReadKept
}

/** Ignores the fields that are not read here: clients send many.
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault, `previous_response_not_found` */
export async function parseRequest(
  body: unknown,
  { id, resolve, readKept, storedByDefault }: ParseRequestOptions,
): Promise<ParsedResponseRequest> {
  const request = checkShape(requestSchema, body)
  refuseMissing(request)
  const echo = echoRequest(request, storedByDefault)
  const { tools, customTools } = parseTools({
    tools: request.tools ?? [],
    choice: request.tool_choice ?? 'auto',
    parallel: echo.parallel_tool_calls,
  })
  const output = parseFormat(request.text?.format)

  const kept = createKeptReader(readKept)
  const given = await kept.resolve(parseInput(request.input))
  const history = request.previous_response_id ? await kept.history(request.previous_response_id) : []
  const turns = await parseItems([...history, ...given])
  if (turns.length === 0) throw invalidValue('input', 'there is nothing in it that a model could answer')

  return {
    chat: {
      model: resolve(request.model),
      messages: request.instructions ? [systemMessage(request.instructions), ...turns] : turns,
      ...(tools && { tools }),
      ...(output && { output }),
      ...(request.max_output_tokens && { maxTokens: request.max_output_tokens }),
      ...samplingOf({ ...request, reasoning_effort: request.reasoning?.effort }),
    },
    stream: request.stream ?? false,
    background: echo.background,
    store: echo.store,
    customTools,
    echo,
    input: given.map(({ item }, index) => toKeptItem(item, id, index)),
  }
}

const requestSchema = echoedSchema.extend({
  model: z.string().trim().min(1).max(256),
  input: z.unknown().optional(),
  stream: z.boolean().nullish(),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
})

/** Refuses what this service does not have and could not ignore without changing the meaning of the request. */
function refuseMissing(request: z.infer<typeof requestSchema>): void {
  if (request.conversation)
    throw invalidValue('conversation', 'no conversations are kept here; use previous_response_id')
  if (request.prompt) throw invalidValue('prompt', 'no prompts are kept here; send the text itself')
  if (!request.background) return
  if (request.store === false)
    throw invalidValue('store', 'a background response has to be kept: it is asked for later')
  if (request.stream)
    throw invalidValue('stream', 'a background response is not streamed here; ask for it by its id')
}

function parseFormat(given: unknown): OutputFormat | undefined {
  if (!given) return undefined
  const format = checkShape(formatSchema, given, 'text.format')
  switch (format.type) {
    case 'text':
      return undefined
    case 'json_object':
      return { type: 'json-object' }
    case 'json_schema': {
      const { name, description, schema } = format
      return { type: 'json-schema', name, description: description ?? undefined, schema }
    }
  }
}

const formatSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    name: z.string().max(256),
    description: z.string().nullish(),
    schema: z.record(z.string(), z.unknown()),
  }),
])

const systemMessage = (text: string): ChatMessage => ({ role: 'system', parts: [{ type: 'text', text }] })
