// Dialect `openai-responses`: OpenAI's Responses format, parsed and encoded; one state machine feeds both encoders.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP, and kept responses come as texts.

import { z } from 'zod'
import type { ChatMessage, ChatModel, ChatRequest, ChatTurn } from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import { compactionPrompt } from '../compaction.ts'
import {
  lenientBoolean,
  limitFields,
  outputFields,
  readLimits,
  readOutput,
  readSampling,
  tellWithoutEffect,
} from '../lenient-fields.ts'
import { parseTools, type ToolForms } from '../tools.ts'
import { createTurnReader } from '../turns.ts'
import { createKeptReader, type ReadKept } from './kept-response.ts'
import { type InputItem, parseInput, toKeptItem } from './parse-items.ts'
import { type EchoedFields, echoedSchema, echoRequest } from './response-object.ts'

export interface ParsedResponseRequest {
  readonly chat: ChatRequest
  readonly stream: boolean
  /** Answer at once and make the response in the background. */
  readonly background: boolean
  readonly store: boolean
  readonly toolForms: ToolForms
  /** The conversation in short is asked for, in the place of an answer. */
  readonly compacts: boolean
  readonly echo: EchoedFields
  /** The items of this request alone, as they are kept. */
  readonly input: readonly InputItem[]
  /** What the request asks for and does not get, in words for its client. */
  readonly warnings: readonly string[]
}

export interface ParseRequestOptions {
  /** RESPONSES_STORE: for requests that do not say `store`. Default true. */
  readonly storedByDefault?: boolean
  /** Of the response that is to be made. */
  readonly id: string
  /** The catalogue's lookup, which knows a model for every name. */
  readonly resolve: (model: string) => ChatModel
  readonly readKept: ReadKept
  /** `/v1/responses/compact`: without a sign of it in the input. */
  readonly compacts?: boolean
}

/** Ignores the fields that are not read here: clients send many.
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault, `previous_response_not_found` */
export async function parseRequest(
  body: unknown,
  { id, resolve, readKept, storedByDefault, compacts: alwaysCompacts = false }: ParseRequestOptions,
): Promise<ParsedResponseRequest> {
  const request = checkShape(requestSchema, body)
  refuseMissing(request)
  const echo = echoRequest(request, storedByDefault)
  const output = readOutput(request)

  const kept = createKeptReader(readKept)
  const field = (request.input ?? undefined) === undefined && request.messages ? 'messages' : 'input'
  const given = await kept.resolve(parseInput(request[field], field))
  const history = request.previous_response_id ? await kept.history(request.previous_response_id) : []
  const reader = createTurnReader(rules)
  for (const { item, at } of [...history, ...given]) await reader.add(item, at)
  const { turns } = reader
  if (turns.length === 0) throw invalidValue(field, 'must contain at least one message')
  const { tools, forms, search, warnings } = parseTools({
    tools: request.tools,
    tool_choice: request.tool_choice,
    parallel: echo.parallel_tool_calls,
    more: reader.tools,
  })

  const compacts = alwaysCompacts || reader.compacts
  const model = resolve(request.model)
  return {
    chat: {
      model: search ? { ...model, search } : model,
      messages: messagesOf(request.instructions, turns, compacts),
      ...(tools && !compacts && { tools }),
      ...(output && !compacts && { output }),
      ...readLimits(request),
      ...readSampling(request),
    },
    stream: request.stream ?? false,
    background: echo.background,
    store: echo.store,
    toolForms: forms,
    compacts,
    echo,
    input: given.map(({ item }, index) => toKeptItem(item, id, index)),
    warnings: [...tellWithoutEffect(request), ...reader.warnings, ...warnings],
  }
}

const rules = { joinTexts: false, dropEmpty: true, unknownParts: 'refuse' } as const

function messagesOf(
  instructions: string | null | undefined,
  turns: readonly ChatTurn[],
  compacts: boolean,
): readonly ChatTurn[] {
  const messages = instructions ? [message('system', instructions), ...turns] : turns
  return compacts ? [...messages, message('user', compactionPrompt)] : messages
}

const { text: _echoed, ...otherOutputFields } = outputFields

const requestSchema = echoedSchema.extend({
  model: z.string().trim().min(1).max(256),
  input: z.unknown().optional(),
  messages: z.unknown().optional(),
  stream: lenientBoolean.nullish(),
  conversation: z.unknown().optional(),
  prompt: z.unknown().optional(),
  ...limitFields,
  ...otherOutputFields,
})

/** Refuses what this service does not have and could not ignore without changing the meaning of the request. */
function refuseMissing(request: z.infer<typeof requestSchema>): void {
  if (request.conversation)
    throw invalidValue('conversation', 'conversations are not supported; use previous_response_id')
  if (request.prompt) throw invalidValue('prompt', 'prompts by id are not supported; send the text itself')
  if (!request.background) return
  if (request.store === false)
    throw invalidValue('store', 'a background response has to be kept: it is asked for later')
}

const message = (role: 'system' | 'user', text: string): ChatMessage => ({
  role,
  parts: [{ type: 'text', text }],
})
