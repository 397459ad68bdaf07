import type { ServerResponse } from 'node:http'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { hangUp, resetReply } from './end-reply.ts'
import { pythonJson } from './python-json.ts'
import { regroup } from './regroup.ts'
import type { Cut, WireEvent, WireOptions } from './scenario.ts'

/** A string stands for `data: ` lines that hold no JSON. */
export type StreamEvent = WireEvent | string
type Events = AsyncIterable<StreamEvent> | Iterable<StreamEvent>

export interface StreamOptions extends WireOptions {
  /** Gen 2: counts the project's events; absent in gen 1. */
  readonly nextEventIndex?: () => number
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** One event on the wire. Default: `data: ` and two LF. `name`: its `type`. */
  readonly frame?: (data: string, name: unknown) => string
  /** Default: the two generations' own carriers. */
  readonly carriesText?: (event: WireEvent) => boolean
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  readonly onSent: (bytes: number) => void
  /** Called when the answer is cut off as `cut` says. */
  readonly onCut: () => void
}

/** Writes events as the site does (WIRE 2.5), each piece when the one before has left; so a slow reader slows `events`.
 *  @throws when the client is gone */
export async function sendStream(
  response: ServerResponse,
  events: Events,
  options: StreamOptions,
): Promise<void> {
  const { cut, signal, onSent } = options
  if (cut?.after === 'nothing') return breakOff(response, cut, options)
  response.writeHead(options.status ?? 200, { ...streamHeaders, ...options.headers })
  response.flushHeaders()
  if (cut?.after === 'headers') return breakOff(response, cut, options)

  const shown = cut?.after === 'first-token' ? throughFirstText(events, options) : events
  const bytes = encode(paced(shown, options), options)
  let room = typeof cut?.after === 'number' ? cut.after : Number.POSITIVE_INFINITY
  for await (const piece of regroup(bytes, options.split ?? 'events')) {
    signal.throwIfAborted()
    const kept = piece.subarray(0, room)
    room -= kept.length
    if (kept.length > 0) await write(response, kept)
    onSent(kept.length)
    if (cut && kept.length < piece.length) return breakOff(response, cut, options)
    if (options.split !== undefined && options.split !== 'joined') await nextTurn()
  }
  if (cut?.after === 'first-token') return breakOff(response, cut, options)
  response.end()
}

const streamHeaders = { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' }

async function breakOff(response: ServerResponse, cut: Cut, { signal, onCut }: StreamOptions): Promise<void> {
  await delay(cut.delayMs ?? 30, undefined, { signal })
  onCut()
  if (cut.how === 'reset') resetReply(response)
  else if (cut.how === 'hang-up') hangUp(response)
  else response.end()
}

async function* throughFirstText(events: Events, options: StreamOptions): AsyncGenerator<StreamEvent> {
  for await (const event of events) {
    yield event
    if (hasText(event, options)) return
  }
}

async function* paced(events: Events, options: StreamOptions): AsyncGenerator<StreamEvent> {
  const { firstDelayMs = 0, chunkDelayMs = 0, keepaliveDelayMs = 0, signal } = options
  let delayMs = firstDelayMs
  for await (const event of events) {
    const isText = hasText(event, options)
    const waitMs = isText ? delayMs : isKeepalive(event) ? keepaliveDelayMs : 0
    if (waitMs > 0) await delay(waitMs, undefined, { signal })
    if (isText) delayMs = chunkDelayMs
    yield event
  }
}

const hasText = (event: StreamEvent, { carriesText = carriesAnswer }: StreamOptions): boolean =>
  typeof event !== 'string' && carriesText(event)

function carriesAnswer(event: WireEvent): boolean {
  if (typeof event.delta === 'string') return true
  const isAnswer = event.field_name === 'session_state.answer' || event.field_name === 'content'
  return event.type === 'message_field' && isAnswer
}

const isKeepalive = (event: StreamEvent): boolean =>
  typeof event !== 'string' && (event.type === 'agent_notification' || event.field_name === '_updatetime')

const dataLine = (data: string): string => `data: ${data}\n\n`

async function* encode(events: AsyncIterable<StreamEvent>, options: StreamOptions): AsyncGenerator<Buffer> {
  for await (const event of events) {
    const data = typeof event === 'string' ? event : encodeJson(numbered(event, options), options)
    yield Buffer.from((options.frame ?? dataLine)(data, typeof event === 'string' ? event : event.type))
  }
}

function numbered(event: WireEvent, { nextEventIndex, eventIndex }: StreamOptions): WireEvent {
  const _event_index = nextEventIndex?.()
  return _event_index === undefined || eventIndex === false ? event : { ...event, _event_index }
}

export function encodeJson(object: WireEvent, { extraFields, shuffleKeys, spacing }: WireOptions): string {
  const full = extraFields ? { ...object, ...extraFields } : object
  const written = shuffleKeys ? Object.fromEntries(Object.entries(full).reverse()) : full
  return spacing === 'compact' ? JSON.stringify(written) : pythonJson(written)
}

function write(response: ServerResponse, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(piece, (error) => (error ? reject(error) : resolve()))
  })
}
