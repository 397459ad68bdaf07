import type { ChatEvent, FinishReason, TokenUsage } from '../../core/chat-event.ts'
import type { ServiceError } from '../../core/errors.ts'
import { encodeError, encodeFailure } from './encode-error.ts'
import { type ItemKind, itemId } from './item-ids.ts'
import { openCustomCall, openFunctionCall } from './open-call.ts'
import type { ItemStart, OpenItem } from './open-item.ts'
import { openMessage } from './open-message.ts'
import { openReasoning } from './open-reasoning.ts'
import type { OutputItem } from './output-item.ts'
import type { ResponseEvent } from './response-event.ts'
import { encodeUsage, type ResponseObject } from './response-object.ts'

export interface GrowingResponseOptions {
  /** In progress, without output. */
  readonly response: ResponseObject
  /** Names of the tools that take free text. */
  readonly customTools: ReadonlySet<string>
  readonly reasoningHidden: boolean
}

/** The one state machine of an answer in this dialect, streamed or not: chat events in, response events out. */
export class GrowingResponse {
  /** Of all texts so far, in UTF-16 units. */
  length = 0
  /** Why the answer ended; undefined while it has not. */
  reason: FinishReason | undefined
  #response: ResponseObject
  readonly #options: GrowingResponseOptions
  readonly #output: OutputItem[] = []
  #item: OpenItem | undefined
  #begun = false
  #told: ResponseEvent[] = []

  constructor(options: GrowingResponseOptions) {
    this.#options = options
    this.#response = options.response
  }

  /** As far as it is. */
  get response(): ResponseObject {
    return this.#response
  }

  /** What was told since the last time. */
  take(): readonly ResponseEvent[] {
    const told = this.#told
    this.#told = []
    return told
  }

  begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#tell({ type: 'response.created', response: this.#response })
    this.#tell({ type: 'response.in_progress', response: this.#response })
  }

  add(event: ChatEvent): void {
    if (this.#item?.add(event)) {
      this.length += lengthOf(event)
      return
    }
    switch (event.type) {
      case 'text-delta':
        if (event.text) this.#open('msg', event, openMessage)
        break
      case 'refusal':
        this.#open('msg', event, openMessage)
        break
      case 'reasoning-delta':
        if (event.text && !this.#options.reasoningHidden) this.#open('rs', event, openReasoning)
        break
      case 'tool-call-started':
        this.#closeItem(false)
        if (this.#options.customTools.has(event.name)) this.#item = openCustomCall(event, this.#start('ctc'))
        else this.#item = openFunctionCall(event, this.#start('fc'))
        break
      case 'tool-call-delta':
        throw new Error('a delta of a call came before its start')
      case 'finished':
        this.finish(event.reason)
        break
      case 'progress':
        this.#tell(event)
        break
      case 'project-started':
        break
      default:
        event satisfies never
    }
  }

  finish(reason: FinishReason): void {
    this.#closeItem(reason === 'length')
    this.reason = reason
  }

  /** Ends an answer that is too long. A call that the cut may have halved is no part of it. */
  cut(): void {
    if (this.#item && isCall[this.#item.type]) this.#item = undefined
    this.finish('length')
  }

  /** The response as it is at its end. The client is not told of it yet. */
  end(usage: TokenUsage, completedAt: number): ResponseObject {
    const cut = this.reason === 'length'
    this.#response = {
      ...this.#response,
      status: cut ? 'incomplete' : 'completed',
      completed_at: cut ? null : completedAt,
      incomplete_details: cut ? { reason: 'max_output_tokens' } : null,
      output: this.#output,
      usage: encodeUsage(usage),
    }
    return this.#response
  }

  tellEnd(): void {
    const type = this.reason === 'length' ? 'response.incomplete' : 'response.completed'
    this.#tell({ type, response: this.#response })
  }

  /** The vendor tells a failure twice: as an `error` that its SDK throws, and as the state of the response, which Codex reads.
   *  An item that is not whole is no part of it. */
  fail(error: ServiceError): void {
    this.begin()
    this.#response = {
      ...this.#response,
      status: 'failed',
      output: this.#output,
      error: encodeFailure(error),
    }
    this.#tell({ type: 'error', ...encodeError(error) })
    this.#tell({ type: 'response.failed', response: this.#response })
  }

  #open(kind: ItemKind, event: ChatEvent, open: (start: ItemStart) => OpenItem): void {
    this.#closeItem(false)
    this.#item = open(this.#start(kind))
    this.#item.add(event)
    this.length += lengthOf(event)
  }

  #start(kind: ItemKind): ItemStart {
    const output_index = this.#output.length
    const item_id = itemId(kind, this.#response.id, output_index)
    return { place: { item_id, output_index }, tell: (event) => this.#tell(event) }
  }

  #closeItem(cut: boolean): void {
    if (this.#item) this.#output.push(this.#item.close(cut))
    this.#item = undefined
  }

  #tell(event: ResponseEvent): void {
    this.#told.push(event)
  }
}

const isCall = { message: false, reasoning: false, function_call: true, custom_tool_call: true } as const

function lengthOf(event: ChatEvent): number {
  if ('text' in event) return event.text.length
  return event.type === 'tool-call-delta' ? event.argumentsText.length : 0
}
