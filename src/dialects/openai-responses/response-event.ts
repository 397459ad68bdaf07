import type { MessagePart, OutputItem, SummaryPart } from './output-item.ts'
import type { ResponseObject } from './response-object.ts'

/** What happens to a response, in the vendor's events; `sequence_number` is given where they are written. */
export type ResponseEvent = WholeEvent | DeltaEvent | ProgressEvent

/** An event of the wire, as it is. */
export type WholeEvent =
  | {
      readonly type:
        | 'response.created'
        | 'response.in_progress'
        | 'response.completed'
        | 'response.incomplete'
        | 'response.failed'
      readonly response: ResponseObject
    }
  | {
      readonly type: 'response.output_item.added' | 'response.output_item.done'
      readonly output_index: number
      readonly item: OutputItem
    }
  | ({
      readonly type: 'response.content_part.added' | 'response.content_part.done'
      readonly part: MessagePart
    } & ContentPlace)
  | ({
      readonly type: 'response.output_text.done'
      readonly text: string
      readonly logprobs: readonly []
    } & ContentPlace)
  | ({ readonly type: 'response.refusal.done'; readonly refusal: string } & ContentPlace)
  | ({
      readonly type: 'response.reasoning_summary_part.added' | 'response.reasoning_summary_part.done'
      readonly part: SummaryPart
    } & SummaryPlace)
  | ({ readonly type: 'response.reasoning_summary_text.done'; readonly text: string } & SummaryPlace)
  | ({ readonly type: 'response.function_call_arguments.done'; readonly arguments: string } & ItemPlace)
  | ({ readonly type: 'response.custom_tool_call_input.done'; readonly input: string } & ItemPlace)
  | {
      readonly type: 'error'
      readonly code: string
      readonly message: string
      readonly param: string | null
    }

/** `head` with a `delta`. All deltas of a part share one head, so that it is encoded once. */
export interface DeltaEvent {
  readonly type: 'delta'
  readonly head: DeltaHead
  readonly delta: string
}

export type DeltaHead =
  | ({ readonly type: 'response.output_text.delta'; readonly logprobs: readonly [] } & ContentPlace)
  | ({ readonly type: 'response.refusal.delta' } & ContentPlace)
  | ({ readonly type: 'response.reasoning_summary_text.delta' } & SummaryPlace)
  | ({
      readonly type: 'response.function_call_arguments.delta' | 'response.custom_tool_call_input.delta'
    } & ItemPlace)

/** Not of the vendor's: how far pictures and videos are that are made in a chat. */
export interface ProgressEvent {
  readonly type: 'progress'
  readonly done: number
  readonly tasks: number
}

export interface ItemPlace {
  readonly item_id: string
  readonly output_index: number
}

export interface ContentPlace extends ItemPlace {
  readonly content_index: number
}

export interface SummaryPlace extends ItemPlace {
  readonly summary_index: number
}
