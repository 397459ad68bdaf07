import type { ServerResponse } from 'node:http'
import type { AskRecord } from './ask-record.ts'
import type { MediaScenario } from './media/media-scenario.ts'

/** How an ask is answered. */
export type Scenario = AnswerScenario | MediaScenario | FailureScenario | RawScenario

/** One scenario for all asks, or a function of the ask. */
export type Script = Scenario | ((ask: AskRecord) => Scenario)

/** Pieces of text, each one event. A lazy or endless source is pulled no faster than the client reads. */
export type Chunks = Iterable<string> | AsyncIterable<string>

/** One event of the stream before it is written; the order of its keys is that of the wire. */
export type WireEvent = Readonly<Record<string, unknown>>

export interface AnswerScenario extends WireOptions {
  readonly type: 'answer'
  /** The answer; it is cut into one event a word. Default: the echo answer. */
  readonly text?: string
  /** The answer, already cut; wins over `text`. */
  readonly chunks?: Chunks
  /** Thinking before the answer (WIRE 7.1); in gen 2 it is only seen as encrypted reasoning (WIRE 5.5). */
  readonly thinking?: Chunks
  /** In the form of a search answer (WIRE 7.2). Default: as the ask says. */
  readonly search?: boolean
  /** Mind map beside a gen-1 search answer. Default: a short one; `[]` leaves it out. */
  readonly markmap?: Chunks
  /** Mixture drafts (gen 1, `session_state.layer_*`). Default: one for each model when several are asked. */
  readonly drafts?: readonly string[]
  /** A tool is used before the answer (gen 2): two groups of messages come first (WIRE 5.4). */
  readonly toolTurn?: boolean
  /** What carries the text. Default: `deltas`, and `full-value` for the models of WIRE 7.4.
   *  `full-value`: one `message_field` with the whole text; `message-fields`: several of them, each a chunk (gen 2);
   *  `result-only`: nothing but the closing `message_result`. */
  readonly carrier?: 'deltas' | 'full-value' | 'message-fields' | 'result-only'
  /** `empty`: the closing events do not repeat the text. They never do when `chunks` is no array: it is not kept. */
  readonly closing?: 'empty'
  /** Model named in `message_result` (gen 2). Default: the one asked, or the weaker one. */
  readonly servedModel?: string
  readonly servedModelPlace?: 'message' | 'session-state' | 'both'
  /** Project name. Default: `Greeting`. */
  readonly title?: string
  /** Keepalives before the first token; may be `Infinity`. Default: 1 in gen 2, 0 in gen 1. */
  readonly keepalives?: number
  /** Gen 2: the closing event. Default: `finished` (WIRE 5.4). */
  readonly terminator?: 'finished' | 'project-end'
  /** Leave out the closing event: `message_result` in gen 1, the terminator in gen 2. */
  readonly withoutFinal?: boolean
  /** Unknown events, put in after `project_start`. */
  readonly extraEvents?: readonly WireEvent[]
}

/** A failure of WIRE 4.11 (F) or 5.10 (A), on either route. */
export interface FailureScenario extends Omit<WireOptions, 'cut' | 'eventIndex'> {
  readonly type: 'failure'
  readonly failure: FailureId
  /** Default: what WIRE names or suggests. */
  readonly status?: number
  /** Added to the reply, over its own. */
  readonly headers?: Readonly<Record<string, string>>
  /** `event`: in the stream; `json`: the same object as JSON body; `text`: its words alone as plain text.
   *  Default: the form of the table. */
  readonly as?: 'event' | 'json' | 'text'
  /** Another wording of the same failure, see `failures.ts`. */
  readonly variant?: string
  /** A11: when the window opens again, in epoch seconds. Default: in an hour. */
  readonly resetAt?: number
}

/** Writes the whole reply by hand. */
export interface RawScenario {
  readonly type: 'raw'
  readonly respond: (response: ServerResponse, ask: AskRecord) => void | Promise<void>
}

/** How events are written. */
export interface WireOptions {
  /** JSON with a space after `:` and `,` (WIRE 2.5) or without. Default: `python`. */
  readonly spacing?: 'python' | 'compact'
  /** Keys of every event in reverse order. */
  readonly shuffleKeys?: boolean
  /** Unknown fields put into every event. */
  readonly extraFields?: Readonly<Record<string, unknown>>
  /** Gen 2: number the events. Default: true. */
  readonly eventIndex?: boolean
  /** What makes a chunk on the wire: each event, as many events as fit into 64 KiB, each byte, or the bytes between
   *  the given positions of the body. Default: `events`. */
  readonly split?: 'events' | 'joined' | 'every-byte' | readonly number[]
  readonly cut?: Cut
  /** Wait before the status and headers go out. */
  readonly startDelayMs?: number
  /** Wait before the first event that carries text. */
  readonly firstDelayMs?: number
  /** Wait before each further event that carries text. */
  readonly chunkDelayMs?: number
  readonly keepaliveDelayMs?: number
}

export interface Cut {
  /** `nothing`: before the status line; `headers`: after the headers; `first-token`: after the first event that carries
   *  text; a number: after so many bytes of the body. */
  readonly after: 'nothing' | 'headers' | 'first-token' | number
  /** `reset`: TCP reset, over HTTP/2 RST_STREAM; `hang-up`: the connection ends in the middle of the body, over HTTP/2 with all
   *  its streams; `clean-end`: the body ends as if whole. */
  readonly how: 'reset' | 'hang-up' | 'clean-end'
  /** Time for the client to read what came before. Default: 30. */
  readonly delayMs?: number
}

export const failureIds = [
  ...(['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F8', 'F9', 'F10'] as const),
  ...([
    'A1',
    'A2',
    'A3',
    'A4',
    'A5',
    'A6',
    'A7',
    'A8',
    'A9',
    'A10',
    'A11',
    'A12',
    'A13',
    'A14',
    'A15',
  ] as const),
] as const

export type FailureId = (typeof failureIds)[number]

/** `count` times the same text, made when it is pulled; `Infinity` never ends. */
export function repeated(text: string, count: number): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      for (let index = 0; index < count; index += 1) yield text
    },
  }
}
