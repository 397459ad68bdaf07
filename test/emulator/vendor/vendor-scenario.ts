import type { FilePlace, TaskPlan } from '../media/media-scenario.ts'
import type { Fault } from '../route.ts'
import type { Chunks, WireEvent, WireOptions } from '../scenario.ts'
import type { VendorAsk } from './vendor-ask.ts'

/** How a request with an API key is answered. */
export type VendorScenario = VendorAnswer | ToolAnswer | CreditsGone | ({ readonly type: 'fault' } & Fault)

export type VendorScript = VendorScenario | ((ask: VendorAsk) => VendorScenario)

/** A chat, in the form of its route, streaming or not as the ask says. */
export interface VendorAnswer extends WireOptions {
  readonly type: 'answer'
  /** Default: an echo that names model and prompt. */
  readonly text?: string
  /** The answer, already cut; wins over `text`. */
  readonly chunks?: Chunks
  /** Thinking before the answer, in a stream. */
  readonly thinking?: Chunks
  /** Calls of tools behind the text, in the style's own form. */
  readonly calls?: readonly VendorCall[]
  /** A whole reply where a stream was asked for. */
  readonly asJson?: boolean
  /** Default: `stop` or `end_turn`, `tool_calls` or `tool_use` with calls. */
  readonly finishReason?: string
  /** In the stream in place of its end. */
  readonly error?: WireEvent
  /** Leave out what ends a stream: the finish reason, the usage and `[DONE]`, or `message_stop`. */
  readonly withoutFinal?: boolean
}

export interface VendorCall {
  readonly id: string
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}

/** A tool, line by line. */
export interface ToolAnswer extends WireOptions {
  readonly type: 'tool'
  /** Lines before the last; may be `Infinity`. Default: 1. */
  readonly heartbeats?: number
  readonly heartbeatDelayMs?: number
  /** What an image or video tool makes. Default: one, at a public URL. */
  readonly tasks?: readonly TaskPlan[]
  readonly place?: FilePlace
  /** `never`: the last line has only the tasks; a client polls. Default: `early`. */
  readonly urls?: 'early' | 'never'
  /** The last line says that it went wrong. */
  readonly error?: string
  readonly withoutFinal?: boolean
}

/** HTTP 200 and a notice that is no event stream; for a tool its last line. */
export interface CreditsGone {
  readonly type: 'credits-gone'
  /** Default: `text`. */
  readonly as?: 'text' | 'json'
}
