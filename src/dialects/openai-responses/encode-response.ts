import type { ChatAnswer, ChatEvent, ChatEventBatch, FinishReason } from '../../core/chat-event.ts'
import { type ServiceError, UpstreamError } from '../../core/errors.ts'
import { lengthOf, maxAnswerLength } from '../collect-answer.ts'
import type { UsageMeter } from '../measure-usage.ts'
import { encodeError as encodeOpenAiError } from '../openai-chat/encode-error.ts'
import type { StreamEncoder } from '../stream-encoder.ts'
import type { ToolForms } from '../tools.ts'
import {
  type ItemStart,
  type OpenItem,
  openCompaction,
  openCustomCall,
  openFunctionCall,
  openMessage,
  openReasoning,
  openToolSearch,
  type StartedCall,
} from './open-items.ts'
import { createEventWriter, ignoredEvents, type ResponseEvents } from './response-events.ts'
import {
  createStateEncoder,
  encodeFailure,
  encodeResponseUsage,
  type ItemKind,
  itemId,
  type OutputItem,
  type ResponseObject,
} from './response-object.ts'

export interface EncodeResponseOptions {
  /** In progress, without output. */
  readonly response: ResponseObject
  /** How calls are given back that are not plain ones of a function. */
  readonly toolForms: ToolForms
  /** The answer is a summary, and becomes one item that holds it. */
  readonly compacts: boolean
  readonly reasoningHidden: boolean
  readonly usage: UsageMeter
  /** Seconds since the epoch. */
  readonly now: () => number
  /** Called with the whole response before its end is sent: the client may read it by its id right after that.
   *  @param encoded  gives it as JSON; a stream writes that anyhow */
  readonly keep: (response: ResponseObject, encoded: () => string) => Promise<void>
}

/** The body of a response that is not streamed. When the answer breaks there is none.
 *  @throws whatever the answer breaks with */
export async function encodeResponse(
  answer: Promise<ChatAnswer>,
  options: EncodeResponseOptions,
): Promise<ResponseObject> {
  const { events } = await answer
  const growing = createGrowingResponse(options, ignoredEvents)
  const encode = createStateEncoder(options.response)
  for await (const batch of events) {
    growing.add(batch)
    if (growing.isFull) break
  }
  const response = await growing.end()
  await options.keep(response, () => encode(response))
  return response
}

/** Encodes a streamed response: from `response.created` to `response.completed` or `response.incomplete`. */
export function createResponseStreamEncoder(options: EncodeResponseOptions): StreamEncoder {
  const encode = createStateEncoder(options.response)
  const writer = createEventWriter(encode)
  const growing = createGrowingResponse(options, writer)
  return {
    encode(batch) {
      growing.add(batch)
      return writer.flush()
    },
    get isFull() {
      return growing.isFull
    },
    async end() {
      const response = await growing.end()
      await options.keep(response, () => encode(response))
      const type = response.status === 'incomplete' ? 'response.incomplete' : 'response.completed'
      writer.emit({ type, response })
      return writer.flush()
    },
    encodeError(error) {
      growing.fail(error)
      return writer.flush()
    },
  }
}

/** The one state machine of an answer in this dialect, streamed or not: chat events in, response events out. */
function createGrowingResponse(options: EncodeResponseOptions, events: ResponseEvents) {
  const { response, toolForms, compacts, reasoningHidden, usage, now } = options
  const output: OutputItem[] = []
  let item: OpenItem | undefined
  let reason: FinishReason | undefined
  let begun = false
  /** Of all texts so far, in UTF-16 units. */
  let length = 0

  function begin(): void {
    if (begun) return
    begun = true
    events.emit({ type: 'response.created', response })
    events.emit({ type: 'response.in_progress', response })
  }

  function addEvent(event: ChatEvent): void {
    if (item?.add(event)) {
      length += lengthOf(event)
      return
    }
    switch (event.type) {
      case 'text-delta':
        if (!event.text) break
        if (compacts) open('cmp', event, openCompaction)
        else open('msg', event, openMessage)
        break
      case 'refusal':
        open('msg', event, openMessage)
        break
      case 'reasoning-delta':
        if (event.text && !reasoningHidden && !compacts) open('rs', event, openReasoning)
        break
      case 'tool-call-started':
        closeItem(false)
        item = openCall(event)
        break
      case 'tool-call-delta':
        throw new Error('a delta of a call came before its start')
      case 'finished':
        finish(event.reason)
        break
      case 'progress':
        events.emitProgress(event)
        break
      case 'project-started':
        break
      default:
        event satisfies never
    }
  }

  function openCall({ id, name }: StartedCall): OpenItem {
    const form = toolForms.get(name)
    if (!form) return openFunctionCall({ id, name }, startOf('fc'))
    const call = { id, name: form.name, namespace: form.namespace }
    switch (form.kind) {
      case 'function':
        return openFunctionCall(call, startOf('fc'))
      case 'custom':
        return openCustomCall(call, startOf('ctc'))
      case 'tool-search':
        return openToolSearch(call, startOf('tsc'))
    }
  }

  function open(kind: ItemKind, event: ChatEvent, openItem: (start: ItemStart) => OpenItem): void {
    closeItem(false)
    item = openItem(startOf(kind))
    item.add(event)
    length += lengthOf(event)
  }

  function startOf(kind: ItemKind): ItemStart {
    const output_index = output.length
    return { place: { item_id: itemId(kind, response.id, output_index), output_index }, events }
  }

  function finish(why: FinishReason): void {
    closeItem(isCut(why))
    reason = why
  }

  function closeItem(cut: boolean): void {
    if (item) output.push(item.close(cut))
    item = undefined
  }

  const isFull = () => length > maxAnswerLength

  return {
    get isFull() {
      return isFull()
    },

    add(batch: ChatEventBatch): void {
      begin()
      for (const event of batch) {
        usage.add(event)
        addEvent(event)
      }
    },

    /** The response as it is at its end, of which no event is emitted yet.
     *  @throws {UpstreamError} `reset` when the answer never finished */
    async end(): Promise<ResponseObject> {
      if (isFull()) {
        // A call that the cut may have halved is left out.
        if (item && isCall[item.type]) item = undefined
        finish('length')
      }
      if (!reason) throw new UpstreamError('reset')
      const cut = isCut(reason)
      const counted = encodeResponseUsage(await usage.total())
      return {
        ...response,
        status: cut ? 'incomplete' : 'completed',
        completed_at: cut ? null : now(),
        incomplete_details: cut
          ? { reason: reason === 'length' ? 'max_output_tokens' : 'content_filter' }
          : null,
        output,
        usage: counted,
      }
    },

    /** The vendor sends a failure twice: as an `error`, which its SDK throws, and as the state of the response, which Codex reads.
     *  An item that is not whole is left out. */
    fail(error: ServiceError): void {
      begin()
      const { code, message, param } = encodeOpenAiError(error).error
      events.emit({ type: 'error', code, message, param })
      const failed: ResponseObject = { ...response, status: 'failed', output, error: encodeFailure(error) }
      events.emit({ type: 'response.failed', response: failed })
    },
  }
}

const isCall = {
  message: false,
  reasoning: false,
  compaction: false,
  function_call: true,
  custom_tool_call: true,
  tool_search_call: true,
} as const

const isCut = (reason: FinishReason): boolean => reason === 'length' || reason === 'content-filter'
