// Dialect `openai-chat`: the Chat Completions format, parsed and encoded; one ChatEvent stream feeds both encoders.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP.

import { z } from 'zod'
import type { ChatModel, ChatRequest, ToolChoice, ToolUse } from '../../core/chat-request.ts'
import { checkShape } from '../check-shape.ts'
import {
  lenientBoolean,
  limitFields,
  outputFields,
  readLimits,
  readOutput,
  readSampling,
  tellWithoutEffect,
  wholeNumber,
} from '../lenient-fields.ts'
import { createToolUse, parseFunction, parseTools, type ToolForms } from '../tools.ts'
import { conversationFields, readConversation, type TurnReader } from '../turns.ts'
import { type CallStyle, type ReasoningFormat, reasoningFormats } from './encode-stream.ts'

export interface ParsedChatRequest {
  readonly chat: ChatRequest
  /** `n`: as many answers are asked for. */
  readonly choices: number
  readonly callStyle: CallStyle
  readonly toolForms: ToolForms
  readonly stream: boolean
  /** `stream_options.include_usage` */
  readonly includeUsage: boolean
  /** `reasoning_format`; undefined leaves it to the settings. */
  readonly reasoningFormat: ReasoningFormat | undefined
  /** What the request asks for and does not get, in words for its client. */
  readonly warnings: readonly string[]
}

/** Takes the spellings of the other dialects too: Cursor posts bodies of Responses here, and parts of any.
 *  @param resolve  the catalogue's lookup, which knows a model for every name
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault */
export async function parseRequest(
  body: unknown,
  resolve: (model: string) => ChatModel,
): Promise<ParsedChatRequest> {
  const request = checkShape(requestSchema, body)
  const conversation = await readConversation(request, rules)
  const { tools, callStyle, forms, search, warnings } = readTools(request, conversation)
  const output = readOutput(request)
  const model = resolve(request.model)
  const searches = search || (request.web_search_options ?? undefined) !== undefined
  return {
    chat: {
      model: searches ? { ...model, search: true } : model,
      messages: conversation.turns,
      ...(tools && { tools }),
      ...(output && { output }),
      ...readLimits(request),
      ...readSampling(request),
    },
    choices: request.n ?? 1,
    callStyle,
    toolForms: forms,
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    reasoningFormat: request.reasoning_format ?? undefined,
    warnings: [...tellWithoutEffect(request), ...conversation.warnings, ...warnings],
  }
}

const rules = { joinTexts: false, dropEmpty: false, unknownParts: 'refuse' } as const

interface ReadTools {
  readonly tools: ToolUse | undefined
  readonly callStyle: CallStyle
  readonly forms: ToolForms
  readonly search: boolean
  readonly warnings: readonly string[]
}

const noTools: ReadTools = {
  tools: undefined,
  callStyle: 'tool-calls',
  forms: new Map(),
  search: false,
  warnings: [],
}

/** @throws {InvalidRequestError} `invalid_value` */
function readTools(request: Request, conversation: TurnReader): ReadTools {
  const { tools, functions, tool_choice, parallel_tool_calls: parallel } = request
  const more = conversation.tools
  if (!tools?.length && functions?.length) {
    const definitions = functions.map((value, index) => parseFunction(value, `functions[${index}]`))
    const choice = parseFunctionCall(request.function_call)
    const use = createToolUse(definitions, choice, false, 'functions', 'function_call')
    return { ...noTools, tools: use, callStyle: 'function-call' }
  }
  if (!tools && (tool_choice ?? undefined) === undefined && more.length === 0) return noTools
  return { ...parseTools({ tools, tool_choice, parallel, more, isNested: true }), callStyle: 'tool-calls' }
}

/** `function_call` of a request. */
function parseFunctionCall(value: unknown): 'none' | ToolChoice {
  if (value === 'none') return 'none'
  if (value === 'auto' || value === undefined || value === null) return { type: 'auto' }
  return { type: 'named', name: checkShape(nameSchema, value, 'function_call').name }
}

const nameSchema = z.object({ name: z.string() })

/** Messages are checked one by one, so that a list of a million wrong ones ends at the first. */
const requestSchema = z.looseObject({
  model: z.string().trim().min(1).max(256),
  ...conversationFields,
  tools: z.array(z.unknown()).nullish(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: lenientBoolean.nullish(),
  functions: z.array(z.unknown()).nullish(),
  function_call: z.unknown().optional(),
  web_search_options: z.unknown().optional(),
  ...outputFields,
  ...limitFields,
  n: wholeNumber.pipe(z.number().max(16)).nullish().transform(atLeastOne),
  stream: lenientBoolean.nullish(),
  stream_options: z.object({ include_usage: lenientBoolean.nullish() }).nullish(),
  reasoning_format: z.enum(reasoningFormats).nullish(),
})

function atLeastOne(count: number | null | undefined): number {
  return Math.max(count ?? 1, 1)
}

type Request = z.infer<typeof requestSchema>
