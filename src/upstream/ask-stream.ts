import type { IncomingHttpHeaders } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import { createParser } from 'eventsource-parser'
import type { Account } from '../core/account.ts'
import { UpstreamError } from '../core/errors.ts'
import type { Metrics } from '../core/metrics.ts'
import type { Reply } from '../core/open-reply.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { type Cut, createCut, createDeadlines, type DeadlineLimits } from './deadlines.ts'
import { type ReplyEvidence, recogniseReply } from './failures.ts'
import type { AskKind } from './request-headers.ts'
import { maxTextLength, readFailure, type SiteAccess } from './site-calls.ts'

export interface AskOptions extends SiteAccess, DeadlineLimits {
  readonly metrics: Pick<Metrics, 'unknownEvents'>
}

export interface AskCall {
  readonly kind: AskKind
  readonly generation: WireGeneration
  readonly account: Account
  readonly path: string
  /** Besides those of every ask. */
  readonly headers?: Readonly<Record<string, string>>
  /** The verdict on a reply that is no event stream, to be thrown. Default: `recogniseReply`. */
  readonly recognise?: (evidence: ReplyEvidence) => Error
  /** Takes a whole JSON reply in the place of the stream. @returns whether it is an answer @throws {UpstreamError} */
  readonly decodeWhole?: (reply: unknown) => boolean
  /** A failure that the headers tell, whatever status and body say. */
  readonly recogniseHeaders?: (headers: IncomingHttpHeaders, nowMs: number) => Error | undefined
  /** Learns from the outcome whether the route is there. */
  readonly route?: RouteUse
  /** The ask goes on with a chat. */
  readonly bound: boolean
  /** Makes the body, with whatever has to be uploaded for it, under the ask's own deadlines. */
  encodeBody(signal: AbortSignal): object | Promise<object>
  readonly signal: AbortSignal
}

export interface RouteUse {
  /** The route has answered with events. */
  answered(): void
  /** @returns what to throw for `error` */
  failed(error: unknown): unknown
}

/** What the events of an ask go into. */
export interface EventConsumer<Batch> {
  /** Takes the data of one event. @returns whether it brings the answer forward; a keepalive does not */
  decode(data: string): boolean
  /** The last event has come. */
  readonly closed: boolean
  /** @returns what the last read brought; undefined to go on reading */
  take(): Batch | undefined
  /** The stream has ended, whole or not. @returns the last batch, if any @throws {UpstreamError} when it is not whole */
  finish(): Batch | undefined
  /** The stream broke. @returns the last batch of an answer that is good all the same @throws `error` for any other */
  finishInSpiteOf(error: unknown): Batch | undefined
}

/** How the request ended: by an error, or by the end of the stream. */
interface Ending {
  readonly error?: unknown
}

/** In characters, which are never more than the bytes. */
const maxEventLength = 8 * 1024 * 1024

/** A constant reason spares the AbortError that nobody would read. */
const over = 'over'

/** One ask, sent by the first `next()`. Reads, parses and decodes in one loop, one batch a read.
 *  Leaving it closes the request; so does whatever ends it before its time: the caller's signal, a deadline, a failure.
 *  @throws {UpstreamError} for a reply that is a failure, a stream that breaks, a deadline @throws `signal.reason` */
export class AskStream<Batch> implements AsyncIterableIterator<Batch, undefined> {
  readonly #access: SiteAccess & DeadlineLimits
  readonly #call: AskCall
  readonly #consumer: EventConsumer<Batch>
  readonly #decoder = new StringDecoder('utf8')
  readonly #parser = createParser({
    maxBufferSize: maxEventLength,
    onEvent: ({ data }) => {
      this.#events += 1
      this.#useful = this.#consumer.decode(data) || this.#useful
    },
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') throw new UpstreamError('event-too-large')
    },
  })
  /** Of the last read. */
  #events = 0
  #useful = false
  #cut: Cut | undefined
  #deadlines: ReturnType<typeof createDeadlines> | undefined
  #reply: Reply | undefined
  #isOver = false
  /** Set when the request is over and its last batch or its error is still to be delivered. */
  #ending: Ending | undefined

  constructor(access: SiteAccess & DeadlineLimits, call: AskCall, consumer: EventConsumer<Batch>) {
    this.#access = access
    this.#call = call
    this.#consumer = consumer
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#ending) return this.#end(this.#ending)
    if (this.#isOver) return { value: undefined, done: true }
    let ending: Ending = {}
    try {
      let batch: Batch | undefined
      let reply = this.#reply
      if (reply) this.#deadlines?.resume()
      else {
        reply = await this.#open()
        batch = this.#consumer.take()
      }
      // All in this one function: each async call on the way of a token is paid for with every token.
      let bytes: Uint8Array | undefined
      while (batch === undefined) {
        bytes = await reply.read()
        if (this.#isOver) break
        // The last line may lack its line feeds.
        this.#feed(bytes ? this.#decoder.write(bytes as Buffer) : `${this.#decoder.end()}\n\n`)
        if (!bytes) break
        batch = this.#consumer.take()
      }
      // `return()` was called meanwhile.
      if (this.#isOver) return { value: undefined, done: true }
      if (batch !== undefined) {
        this.#deadlines?.pause()
        this.#call.route?.answered()
        return { value: batch, done: false }
      }
    } catch (thrown) {
      if (this.#isOver) return { value: undefined, done: true }
      const { signal } = this.#call
      const error = this.#cut?.signal.aborted ? this.#cut.signal.reason : thrown
      if (signal.aborted) {
        this.#release()
        throw signal.reason
      }
      ending = { error }
    }
    return this.#close(ending)
  }

  async return(): Promise<IteratorResult<Batch, undefined>> {
    this.#ending = undefined
    this.#release()
    return { value: undefined, done: true }
  }

  /** Sends the ask, and tells an event stream from what may come in its place. The first bytes decide: failures come labelled
   *  as streams and streams under other labels (WIRE 2.2, 4.11). */
  async #open(): Promise<Reply> {
    const { kind, generation, account, path, bound, recognise = recogniseReply, signal } = this.#call
    const { baseUrl, headers, clock } = this.#access
    signal.throwIfAborted()
    const cut = createCut(signal)
    this.#cut = cut
    this.#deadlines = createDeadlines(this.#access, cut.abort)
    const reply = await this.#access.openReply({
      account,
      method: 'POST',
      url: new URL(path, baseUrl),
      headers: { ...headers.ask(account, generation, kind), ...this.#call.headers },
      body: JSON.stringify(await this.#call.encodeBody(cut.signal)),
      signal: cut.signal,
    })
    this.#reply = reply
    const evidence = { status: reply.status, headers: reply.headers, bound, nowMs: clock.now() }
    const told = this.#call.recogniseHeaders?.(reply.headers, evidence.nowMs)
    if (told) throw told
    if (reply.status !== 200) throw recognise({ ...evidence, text: await readFailure(reply) })
    let head = ''
    for (;;) {
      const bytes = await reply.read()
      head += bytes ? this.#decoder.write(bytes as Buffer) : this.#decoder.end()
      const text = head.trimStart()
      if (lineHeads.some((lineHead) => text.startsWith(lineHead))) {
        this.#feed(text)
        return reply
      }
      const { decodeWhole } = this.#call
      if (decodeWhole && bytes && head.length < maxEventLength && /^\uFEFF?[[{]/.test(text)) continue
      if (decodeWhole && !bytes && decodeWhole(parseJson(text.replace(/^\uFEFF/, '')))) return reply
      if (!bytes || head.length >= maxTextLength)
        throw recognise({ ...evidence, text: head.replace(/^\uFEFF/, '').slice(0, maxTextLength) })
    }
  }

  #feed(text: string): void {
    this.#events = 0
    this.#useful = false
    this.#parser.feed(text)
    if (this.#events === 0) return
    const { closed } = this.#consumer
    this.#deadlines?.heard(this.#useful)
    if (closed) this.#deadlines?.closing()
  }

  /** Ends the request. What has been decoded before is delivered first. */
  #close(ending: Ending): IteratorResult<Batch, undefined> {
    this.#release()
    this.#ending = ending
    const rest = this.#consumer.take()
    if (rest === undefined) return this.#end(ending)
    this.#call.route?.answered()
    return { value: rest, done: false }
  }

  #end(ending: Ending): IteratorResult<Batch, undefined> {
    this.#ending = undefined
    try {
      const last = 'error' in ending ? this.#consumer.finishInSpiteOf(ending.error) : this.#consumer.finish()
      return last === undefined ? { value: undefined, done: true } : { value: last, done: false }
    } catch (error) {
      throw this.#call.route ? this.#call.route.failed(error) : error
    }
  }

  #release(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#deadlines?.stop()
    this.#cut?.release()
    if (this.#reply) this.#reply.close()
    // Stops uploads, or the request before its headers.
    else this.#cut?.abort(over)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const lineHeads = ['data:', 'event:', 'id:', 'retry:', ':']
