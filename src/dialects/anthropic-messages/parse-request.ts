// Dialect `anthropic-messages`: Anthropic's Messages API, parsed and encoded; one ChatEvent stream feeds both encoders.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP.

import { z } from 'zod'
import type { ChatModel, ChatRequest } from '../../core/chat-request.ts'
import { checkShape, invalidValue } from '../check-shape.ts'
import {
  lenientBoolean,
  limitFields,
  outputFields,
  readLimits,
  readOutput,
  readSampling,
  tellWithoutEffect,
} from '../lenient-fields.ts'
import { parseTools } from '../tools.ts'
import { conversationFields, readConversation } from '../turns.ts'

export interface ParsedMessagesRequest {
  readonly chat: ChatRequest
  readonly stream: boolean
  /** The client asked to see what the model thinks. */
  readonly showThinking: boolean
  /** What the request asks for and does not get, in words for its client. */
  readonly warnings: readonly string[]
}

/** Ignores the fields that are not read here, and every `anthropic-beta`. `max_tokens` may be left out.
 *  @param resolve  the catalogue's lookup, which knows a model for every name
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault */
export async function parseRequest(
  body: unknown,
  resolve: (model: string) => ChatModel,
): Promise<ParsedMessagesRequest> {
  const request = checkShape(requestSchema, body)
  const conversation = await readConversation(request, rules)
  const { turns } = conversation
  if (turns.every(({ role }) => role === 'system'))
    throw invalidValue('messages', 'at least one message must have content')
  const { tools, search, warnings } = parseTools({
    tools: request.tools,
    tool_choice: request.tool_choice,
    parallel: isParallel(request),
    more: conversation.tools,
  })
  const output = readOutput(request)
  const model = resolve(request.model)
  return {
    chat: {
      model: search ? { ...model, search } : model,
      messages: turns,
      ...(tools && { tools }),
      ...(output && { output }),
      ...readLimits(request),
      ...readSampling(request),
    },
    stream: request.stream ?? false,
    showThinking: isShown(request.thinking),
    warnings: [...tellWithoutEffect(request), ...conversation.warnings, ...warnings],
  }
}

const rules = { joinTexts: true, dropEmpty: true, unknownParts: 'tell' } as const

function isParallel({ tool_choice, parallel_tool_calls }: Request): boolean {
  const { data } = parallelSchema.safeParse(tool_choice)
  return !(data?.disable_parallel_tool_use ?? false) && (parallel_tool_calls ?? true)
}

const parallelSchema = z.object({ disable_parallel_tool_use: z.boolean().nullish() })

/** `display: omitted` keeps the thinking with the vendor; every type but `disabled` (`enabled`, `adaptive`) shows it. */
function isShown(thinking: Request['thinking']): boolean {
  return thinking ? thinking.type !== 'disabled' && thinking.display !== 'omitted' : false
}

/** Messages and tools are checked one by one, so that a list of a million wrong ones ends at the first. */
const requestSchema = z.looseObject({
  model: z.string().trim().min(1).max(256),
  ...conversationFields,
  tools: z.array(z.unknown()).nullish(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: lenientBoolean.nullish(),
  ...limitFields,
  stream: lenientBoolean.nullish(),
  thinking: z.looseObject({ type: z.string(), display: z.string().nullish() }).nullish(),
  ...outputFields,
})

type Request = z.infer<typeof requestSchema>
