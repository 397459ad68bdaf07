/** What every wire generation is decoded into and every dialect encoded from.
 *  An answer is any number of deltas and then one `finished`; a failure is thrown as `UpstreamError`. */
export type ChatEvent =
  | { readonly type: 'project-started'; readonly projectId: string }
  /** `signature`: the vendor's seal on the reasoning so far, to be sent back with it; its text may be empty. */
  | { readonly type: 'reasoning-delta'; readonly text: string; readonly signature?: string }
  | { readonly type: 'text-delta'; readonly text: string }
  /** Of pictures and videos that are made in a chat; the site's own chats have none. */
  | { readonly type: 'progress'; readonly done: number; readonly tasks: number }
  /** A call of a tool. Its deltas follow at once, never mixed with other events; it ends with the next event that is none of
   *  them. The deltas of one call add up to one JSON object. */
  | { readonly type: 'tool-call-started'; readonly id: string; readonly name: string }
  | { readonly type: 'tool-call-delta'; readonly argumentsText: string }
  /** In the place of an answer that could not be brought into the form that was asked for; whole, and said to people. */
  | { readonly type: 'refusal'; readonly text: string }
  | {
      readonly type: 'finished'
      readonly reason: FinishReason
      readonly servedModel?: string
      /** The stop sequence of the request that ended the text. */
      readonly stopSequence?: string
      /** What the site itself counted of this ask, where it tells. */
      readonly usage?: TokenUsage
    }

/** In tokens. */
export interface TokenUsage {
  readonly prompt: number
  /** Of the whole answer: reasoning, text and calls. */
  readonly completion: number
  /** The part of `completion` that is reasoning. */
  readonly reasoning: number
  /** The parts of `prompt` that were read from the vendor's cache and written to it, where it tells. */
  readonly cached?: number
  readonly cacheWritten?: number
}

/** `content-filter`: the vendor's own rules ended it, perhaps before its first word. */
export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter'

/** All events of one upstream read, so that a client is written once a read and not once a token. */
export type ChatEventBatch = readonly ChatEvent[]

/** An answer that has begun: the gateway hands it to a dialect at the commit point. */
export interface ChatAnswer {
  /** From the first delta to `finished`. Throws a ServiceError if the answer breaks: nothing is ever sent twice. */
  readonly events: AsyncIterable<ChatEventBatch>
  /** Tools, form and limits were the vendor's own affair: nothing is left to be read out of the words. */
  readonly isNative?: boolean
  /** What was asked for and is not got of this account, in words. */
  readonly warnings?: readonly string[]
}
