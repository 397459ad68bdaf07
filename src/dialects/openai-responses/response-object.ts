import type { TokenUsage } from '../../core/chat-event.ts'
import type { ChatModel } from '../../core/chat-request.ts'
import type { EchoedFields } from './echo-request.ts'
import type { OutputItem } from './output-item.ts'

/** A response as the vendor's SDK types it, with every field that it demands. */
export interface ResponseObject extends EchoedFields {
  readonly id: string
  readonly object: 'response'
  /** Seconds since the epoch, like `completed_at`. */
  readonly created_at: number
  readonly completed_at: number | null
  readonly status: ResponseStatus
  readonly error: ResponseFailure | null
  readonly incomplete_details: { readonly reason: 'max_output_tokens' } | null
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

export type ResponseUsage = ReturnType<typeof encodeUsage>

export interface ResponseIdentity {
  readonly id: string
  /** Seconds since the epoch. */
  readonly created: number
  readonly model: Pick<ChatModel, 'id'>
  readonly echo: EchoedFields
}

/** A response of which nothing is there yet. */
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

export function encodeUsage({ prompt, completion, reasoning }: TokenUsage) {
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: completion,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: prompt + completion,
  }
}
