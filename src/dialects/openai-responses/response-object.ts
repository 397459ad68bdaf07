import { z } from 'zod'
import type { TokenUsage } from '../../core/chat-event.ts'
import type { ChatModel } from '../../core/chat-request.ts'
import { InvalidRequestError, type ServiceError } from '../../core/errors.ts'
import { toLine } from '../event-text.ts'
import { lenientBoolean, wholeNumber } from '../lenient-fields.ts'

/** A response as the vendor's SDK types it, with every field that it demands. */
export interface ResponseObject extends EchoedFields {
  readonly id: string
  readonly object: 'response'
  /** Seconds since the epoch, like `completed_at`. */
  readonly created_at: number
  readonly completed_at: number | null
  readonly status: ResponseStatus
  readonly error: ResponseFailure | null
  readonly incomplete_details: { readonly reason: 'max_output_tokens' | 'content_filter' } | null
  /** As asked. */
  readonly model: string
  readonly output: readonly OutputItem[]
  readonly usage: ResponseUsage | null
}

export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled'

export interface ResponseFailure {
  readonly code: 'server_error' | 'rate_limit_exceeded' | 'invalid_prompt'
  readonly message: string
}

export type ResponseUsage = ReturnType<typeof encodeResponseUsage>

export interface ResponseIdentity {
  readonly id: string
  /** Seconds since the epoch. */
  readonly created: number
  readonly model: Pick<ChatModel, 'id'>
  readonly echo: EchoedFields
}

/** A response without output. */
export function createResponse(
  { id, created, model, echo }: ResponseIdentity,
  status: 'queued' | 'in_progress',
): ResponseObject {
  return {
    id,
    object: 'response',
    created_at: created,
    completed_at: null,
    status,
    error: null,
    incomplete_details: null,
    model: model.id,
    output: [],
    usage: null,
    ...echo,
  }
}

export function encodeResponseUsage({
  prompt,
  completion,
  reasoning,
  cached = 0,
  cacheWritten = 0,
}: TokenUsage) {
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWritten },
    output_tokens: completion,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: prompt + completion,
  }
}

/** Why a response failed, in the vendor's few codes. Codex repeats the request after all of them but `invalid_prompt`; after
 *  `rate_limit_exceeded` it waits as long as the message says. */
export function encodeFailure(error: ServiceError): ResponseFailure {
  const { message } = error
  if (error instanceof InvalidRequestError) return { code: 'invalid_prompt', message }
  if (error.type !== 'rate_limit_error') return { code: 'server_error', message }
  const seconds = error.retryAfterSeconds
  if (seconds === undefined) return { code: 'rate_limit_exceeded', message }
  return { code: 'rate_limit_exceeded', message: `${message} Please try again in ${seconds}s.` }
}

/** Writes out the states of one response, each once. What a response repeats of its request, which may be hundreds of tools, is
 *  written out a single time for all of them. */
export function createStateEncoder(response: ResponseObject): (state: ResponseObject) => string {
  const own = ownFields(response)
  const echoed = Object.entries(response).filter(([field]) => !(field in own))
  let echoText: string | undefined
  let last: ResponseObject | undefined
  let lastText = ''
  return (state) => {
    if (state === last) return lastText
    echoText ??= toLine(Object.fromEntries(echoed)).slice(1)
    last = state
    lastText = `${toLine(ownFields(state)).slice(0, -1)},${echoText}`
    return lastText
  }
}

/** All but what is repeated of the request. */
const ownFields = (response: ResponseObject): Omit<ResponseObject, keyof EchoedFields> => ({
  id: response.id,
  object: response.object,
  created_at: response.created_at,
  completed_at: response.completed_at,
  status: response.status,
  error: response.error,
  incomplete_details: response.incomplete_details,
  model: response.model,
  output: response.output,
  usage: response.usage,
})

/** What the output of a response is made of, in the vendor's types. */
export type OutputItem =
  | MessageItem
  | ReasoningItem
  | FunctionCallItem
  | CustomCallItem
  | ToolSearchItem
  | CompactionItem

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

export interface MessageItem {
  readonly type: 'message'
  readonly id: string
  readonly status: ItemStatus
  readonly role: 'assistant'
  readonly content: readonly MessagePart[]
}

export type MessagePart =
  | {
      readonly type: 'output_text'
      readonly text: string
      readonly annotations: readonly []
      readonly logprobs: readonly []
    }
  | { readonly type: 'refusal'; readonly refusal: string }

export interface ReasoningItem {
  readonly type: 'reasoning'
  readonly id: string
  readonly summary: readonly SummaryPart[]
}

export interface SummaryPart {
  readonly type: 'summary_text'
  readonly text: string
}

export interface FunctionCallItem {
  readonly type: 'function_call'
  readonly id: string
  readonly call_id: string
  readonly name: string
  /** The group that the tool is of: Codex finds it by both. */
  readonly namespace?: string
  readonly arguments: string
  readonly status: ItemStatus
}

/** A call of a tool that takes free text. */
export interface CustomCallItem {
  readonly type: 'custom_tool_call'
  readonly id: string
  readonly call_id: string
  readonly name: string
  readonly namespace?: string
  readonly input: string
  readonly status: ItemStatus
}

/** Codex looks for tools among its own. */
export interface ToolSearchItem {
  readonly type: 'tool_search_call'
  readonly id: string
  readonly call_id: string
  readonly execution: 'client'
  readonly arguments: unknown
  readonly status: ItemStatus
}

/** The conversation in short. */
export interface CompactionItem {
  readonly type: 'compaction'
  readonly id: string
  readonly encrypted_content: string
}

export const createResponseId = (requestId: string): string => `resp_${requestId.replaceAll('-', '')}`

/** The prefix of an item's id. */
export type ItemKind = 'msg' | 'rs' | 'fc' | 'ctc' | 'tsc' | 'cmp' | 'in'

/** The id of an item holds that of its response, so that a reference finds it without an index.
 *  @param index  of the output, or of the input for `in` */
export const itemId = (kind: ItemKind, responseId: string, index: number): string =>
  `${kind}_${responseId.slice('resp_'.length)}${String(index).padStart(2, '0')}`

/** @returns undefined for an id that was not given here */
export function responseIdOf(id: string): string | undefined {
  const [, hex] = /^[a-z]{2,3}_([0-9a-f]{32})\d{2,}$/.exec(id) ?? []
  return hex && `resp_${hex}`
}

const numberField = z.union(
  [
    z.number(),
    z
      .string()
      .trim()
      .regex(/^-?\d+(\.\d+)?$/)
      .transform(Number),
  ],
  {
    error: 'expected a number',
  },
)

/** The fields of a request that its response repeats; the site knows none of the settings of sampling. */
export const echoedSchema = z.looseObject({
  background: lenientBoolean.nullish(),
  instructions: z.string().nullish(),
  max_output_tokens: wholeNumber.nullish(),
  max_tool_calls: wholeNumber.nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  parallel_tool_calls: lenientBoolean.nullish(),
  previous_response_id: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  reasoning: z.looseObject({ effort: z.string().nullish(), summary: z.string().nullish() }).nullish(),
  safety_identifier: z.string().nullish(),
  service_tier: z.string().nullish(),
  store: lenientBoolean.nullish(),
  temperature: numberField.nullish(),
  text: z.looseObject({ format: z.looseObject({ type: z.string() }).nullish() }).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })]).nullish(),
  tools: z.array(z.looseObject({ type: z.string().nullish() })).nullish(),
  top_logprobs: wholeNumber.nullish(),
  top_p: numberField.nullish(),
  truncation: z.string().nullish(),
  user: z.string().nullish(),
})

/** Fields that were left out have the vendor's defaults. */
export function echoRequest(asked: z.infer<typeof echoedSchema>, storedByDefault = true) {
  return {
    access_programs: null,
    background: asked.background ?? false,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    max_tool_calls: asked.max_tool_calls ?? null,
    metadata: asked.metadata ?? {},
    parallel_tool_calls: asked.parallel_tool_calls ?? true,
    previous_response_id: asked.previous_response_id ?? null,
    prompt_cache_key: asked.prompt_cache_key ?? null,
    reasoning: { effort: null, summary: null, ...asked.reasoning },
    safety_identifier: asked.safety_identifier ?? null,
    service_tier: servedTier(asked.service_tier),
    // What is made in the background is asked for later.
    store: asked.store ?? (asked.background === true || storedByDefault),
    temperature: asked.temperature ?? 1,
    text: { ...asked.text, format: asked.text?.format ?? { type: 'text' } },
    tool_choice: asked.tool_choice ?? 'auto',
    tools: asked.tools?.map(echoTool) ?? [],
    top_logprobs: asked.top_logprobs ?? 0,
    top_p: asked.top_p ?? 1,
    truncation: asked.truncation ?? 'disabled',
    user: asked.user ?? null,
  }
}

export type EchoedFields = ReturnType<typeof echoRequest>

const servedTier = (asked: string | null | undefined): string =>
  !asked || asked === 'auto' ? 'default' : asked

/** Credentials of a tool are neither sent back nor kept. */
function echoTool({ authorization: _key, headers: _headers, ...tool }: Readonly<Record<string, unknown>>) {
  const { type, function: nested, ...flat } = tool
  if (type !== 'function' && type !== undefined && type !== null) return tool
  const own = typeof nested === 'object' ? nested : flat
  return { type: 'function', description: null, parameters: null, strict: false, ...own }
}
