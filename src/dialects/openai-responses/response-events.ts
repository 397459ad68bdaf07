import type { ChatEvent } from '../../core/chat-event.ts'
import { encodeProgress, maxDeltaLength, splitText, toLine, toTextLine } from '../event-text.ts'
import type { MessagePart, OutputItem, ResponseObject, SummaryPart } from './response-object.ts'

/** Takes the events of a response in their order. */
export interface ResponseEvents {
  emit(event: WholeEvent): void
  /** All deltas of a part share one `head`, so that it is written out once. */
  emitDelta(head: DeltaHead, delta: string): void
  /** Pictures and videos that are made in a chat; the vendor has no event for that. */
  emitProgress(event: Extract<ChatEvent, { type: 'progress' }>): void
}

/** For a response that is not streamed. */
export const ignoredEvents: ResponseEvents = { emit() {}, emitDelta() {}, emitProgress() {} }

export interface ResponseEventWriter extends ResponseEvents {
  /** What was written since the last call: whole SSE events. */
  flush(): string
}

/** Writes the events of one stream and numbers them.
 *  @param encodeState  gives a response as JSON */
export function createEventWriter(encodeState: (response: ResponseObject) => string): ResponseEventWriter {
  let output = ''
  let number = 0
  let lastHead: DeltaHead | undefined
  let deltaHead = ''

  /** @param data  a JSON object without its closing brace */
  function write(type: string, data: string): void {
    output += `event: ${type}\ndata: ${data},"sequence_number":${number}}\n\n`
    number += 1
  }

  function writeDelta(delta: string): void {
    output += `${deltaHead}${toTextLine(delta)},"sequence_number":${number}}\n\n`
    number += 1
  }

  return {
    emit(event) {
      if ('response' in event)
        write(event.type, `{"type":"${event.type}","response":${encodeState(event.response)}`)
      else write(event.type, withoutBrace(toLine(event)))
    },
    emitDelta(head, delta) {
      if (head !== lastHead) {
        lastHead = head
        deltaHead = `event: ${head.type}\ndata: ${withoutBrace(toLine(head))},"delta":`
      }
      if (delta.length <= maxDeltaLength) writeDelta(delta)
      else for (const part of splitText(delta)) writeDelta(part)
    },
    emitProgress(event) {
      output += encodeProgress(event)
    },
    flush() {
      const taken = output
      output = ''
      return taken
    },
  }
}

const withoutBrace = (json: string): string => json.slice(0, -1)

/** An event of the wire but for its `sequence_number`. */
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

/** The fields of a delta but for `delta`. */
export type DeltaHead =
  | ({ readonly type: 'response.output_text.delta'; readonly logprobs: readonly [] } & ContentPlace)
  | ({ readonly type: 'response.refusal.delta' } & ContentPlace)
  | ({ readonly type: 'response.reasoning_summary_text.delta' } & SummaryPlace)
  | ({
      readonly type: 'response.function_call_arguments.delta' | 'response.custom_tool_call_input.delta'
    } & ItemPlace)

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
