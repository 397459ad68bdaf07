import { randomUUID } from 'node:crypto'
import type { ChatEvent, ChatEventBatch, FinishReason, TokenUsage } from '../core/chat-event.ts'
import { UpstreamError } from '../core/errors.ts'
import type { EventConsumer } from './ask-stream.ts'
import { parseEvent, parseUsage } from './decode-parts.ts'
import { limitField, recogniseEvent, recogniseLimit, recognisePage, recogniseWords } from './failures.ts'

/** Tells the answer what one event means. @returns whether the event brings the answer forward; a keepalive does not */
export type DecodeEvent = (event: Readonly<Record<string, unknown>>, answer: Answer) => boolean

export interface AnswerOptions {
  readonly decodeEvent: DecodeEvent
  /** The ask went on with a chat: an empty answer then means that the chat is gone (WIRE 5.10 A15). */
  readonly bound: boolean
  readonly countUnknown: () => void
}

const maxOddInARow = 10

/** Accumulates one answer from its events, as the decoder of its grammar reads them. */
export class Answer implements EventConsumer<ChatEventBatch> {
  /** The last event has come. */
  closed = false
  /** The message is whole; enough when the stream ends without a last event. */
  complete = false
  servedModel: string | undefined
  finishReason: FinishReason = 'stop'
  /** The stop sequence that ended the text. */
  stopSequence: string | undefined
  /** What the site counted. */
  usage: TokenUsage | undefined
  #events: ChatEvent[] = []
  #begun = false
  #isUnderstood = false
  #oddInARow = 0
  /** Calls by their number in the answer; the first that is not whole goes out as it comes, later ones wait. */
  readonly #calls: { id: string; name: string; waiting: string }[] = []
  #callNumbers = new Map<number, number>()
  #openCall = -1
  #limit: UpstreamError | undefined
  #options: AnswerOptions

  constructor(options: AnswerOptions) {
    this.#options = options
  }

  /** Text or reasoning has come: from here on words are no evidence of a failure. */
  get begun(): boolean {
    return this.#begun
  }

  /** The window that a limit event called used up. */
  get limit(): UpstreamError | undefined {
    return this.#limit
  }

  /** Decodes the data of one event. @returns as `DecodeEvent` @throws {UpstreamError} for an event that is a failure */
  decode(data: string): boolean {
    if (data === '[DONE]') return false
    const event = parseEvent(data)
    if (this.closed) {
      // Only usage still counts: OpenAI's style sends it last.
      this.usage = parseUsage(event?.usage) ?? this.usage
      return false
    }
    if (event) {
      this.#isUnderstood = true
      this.#oddInARow = 0
      return this.#options.decodeEvent(event, this)
    }
    return this.#odd(data)
  }

  /** One event that is no JSON object among good ones costs that event, not the answer, which is paid for. Words are evidence only
   *  where no event was ever understood. */
  #odd(data: string): boolean {
    const known = this.#isUnderstood ? undefined : (recognisePage(data) ?? recogniseWords(data))
    if (known) throw known
    this.#options.countUnknown()
    this.#oddInARow += 1
    if (this.#oddInARow === maxOddInARow) throw new UpstreamError('malformed')
    return false
  }

  projectStarted(projectId: string): void {
    this.#events.push({ type: 'project-started', projectId })
  }

  text(text: string): void {
    if (text === '') return
    this.#begun = true
    this.#events.push({ type: 'text-delta', text })
  }

  reasoning(text: string): void {
    if (text === '') return
    this.#begun = true
    this.#events.push({ type: 'reasoning-delta', text })
  }

  /** The vendor's seal on what was thought. */
  signature(signature: string): void {
    this.#events.push({ type: 'reasoning-delta', text: '', signature })
  }

  /** A piece of a call. Calls may come piece by piece in turn; they are handed on one after another.
   *  @param number  the call's own, counted by the vendor
   *  @param id  '' where this piece names none */
  call(
    number: number,
    { id, name, argumentsText }: Readonly<Record<'id' | 'name' | 'argumentsText', string>>,
  ): void {
    this.#begun = true
    let at = this.#callNumbers.get(number)
    if (at === undefined) {
      at = this.#calls.length
      this.#callNumbers.set(number, at)
      this.#calls.push({ id, name, waiting: '' })
      if (this.#openCall === -1) this.#openCall = at
      if (this.#openCall === at) this.#start(at)
    }
    const call = this.#calls[at]
    if (!call || argumentsText === '') return
    if (this.#openCall === at) this.#events.push({ type: 'tool-call-delta', argumentsText })
    else call.waiting += argumentsText
  }

  #start(at: number): void {
    const call = this.#calls[at]
    if (!call) return
    const id = call.id || `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`
    this.#events.push({ type: 'tool-call-started', id, name: call.name })
  }

  /** Those that waited for the first one to end. */
  #flushCalls(): void {
    for (let at = this.#openCall + 1; at < this.#calls.length; at += 1) {
      this.#start(at)
      const argumentsText = this.#calls[at]?.waiting
      if (argumentsText) this.#events.push({ type: 'tool-call-delta', argumentsText })
    }
    this.#openCall = -1
    // A call that the limit cut short is not whole.
    if (this.finishReason === 'stop') this.finishReason = 'tool-calls'
  }

  /** A used-up window may be told in passing: it counts when no text comes. @returns whether the event tells of one
   *  Source: WIRE 5.6, limit event */
  noteLimit(event: Readonly<Record<string, unknown>>): boolean {
    if (event.field_name !== limitField) return false
    this.#limit = recogniseLimit(event) ?? this.#limit
    return true
  }

  /** An event that no grammar knows: a failure by its shape, or else ignored and counted. It shows that the site is at work.
   *  Once text has come a failure ends the answer and says nothing of the account. */
  unknown(event: Readonly<Record<string, unknown>>): boolean {
    const failure = recogniseEvent(event)
    if (failure) throw this.#begun ? new UpstreamError('unavailable') : failure
    this.#options.countUnknown()
    return true
  }

  take(): ChatEvent[] | undefined {
    const events = this.#events
    if (events.length === 0) return undefined
    this.#events = []
    return events
  }

  finish(): ChatEventBatch {
    if (!this.#begun && this.#oddInARow > 0) throw new UpstreamError('malformed')
    if (!this.#begun && this.finishReason !== 'content-filter')
      throw this.#limit ?? new UpstreamError(this.#options.bound ? 'binding-stale' : 'empty')
    if (!this.closed && !this.complete) throw new UpstreamError('reset')
    if (this.#openCall === -1) return [this.#finished(this.finishReason)]
    this.#flushCalls()
    return [...(this.take() ?? []), this.#finished(this.finishReason)]
  }

  /** A whole answer is whole, however its connection ends, and one that went on to the total cap is an answer of that length. */
  finishInSpiteOf(error: unknown): ChatEventBatch {
    if (!(error instanceof UpstreamError)) throw error
    if (this.closed) return this.finish()
    if (error.kind === 'total-timeout' && this.#begun) return [this.#finished('length')]
    throw error
  }

  #finished(reason: FinishReason): ChatEvent {
    return {
      type: 'finished',
      reason,
      ...(this.servedModel !== undefined && { servedModel: this.servedModel }),
      ...(this.stopSequence !== undefined && { stopSequence: this.stopSequence }),
      ...(this.usage && { usage: this.usage }),
    }
  }
}
