import type { IncomingHttpHeaders } from 'node:http'
import type { WireGeneration } from '../../src/core/wire-generation.ts'
import type { TokenVerdict } from './recaptcha/token-ledger.ts'

/** One ask that the site has understood, as it was sent and how its answer ended. */
export interface AskRecord {
  /** Counted from 0 in order of arrival. */
  readonly index: number
  readonly generation: WireGeneration
  readonly kind: AskKind
  readonly sessionId: string
  /** Whose session it is: the account's first session id. */
  readonly account: string
  /** The whole `Cookie` header. */
  readonly cookie: string
  readonly headers: IncomingHttpHeaders
  /** The site as the client names it, e.g. `http://127.0.0.1:7055`. */
  readonly origin: string
  /** `1.1`, or `2.0` over TLS. */
  readonly httpVersion: string
  /** The JSON body as sent. */
  readonly body: Readonly<Record<string, unknown>>
  readonly messages: readonly AskMessage[]
  /** Text of the last user message. */
  readonly prompt: string
  /** The first of `models`. */
  readonly model: string
  /** One id, or those of a mixture. */
  readonly models: readonly string[]
  readonly search: boolean
  /** The pictures or videos asked for, each with the site's words for it: gen 1 `model_configs`, gen 2 `model_params` as often as
   *  `generation_count` says. Empty for a chat. */
  readonly wanted: readonly Readonly<Record<string, unknown>>[]
  /** The project that it continues. */
  readonly projectId: string | undefined
  readonly token: AskToken
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** Bytes of the answer's body handed to the connection so far. */
  bytesSent: number
  /** Undefined while it is being answered. `whole`: as the scenario wanted it; `cut`: by the scenario. */
  ended: AskEnding | undefined
}

export type AskKind = 'chat' | 'image' | 'video'

export type AskEnding = 'whole' | 'cut' | 'client-closed'

export interface AskMessage {
  readonly role: string
  readonly content: string | readonly Readonly<Record<string, unknown>>[]
}

export interface AskToken extends TokenVerdict {
  /** Whether the body bore a token at all. */
  readonly given: boolean
}

/** Anything else that the site was asked. */
export interface RequestRecord {
  readonly method: string
  readonly path: string
  readonly sessionId: string | undefined
  /** Why it was answered with a challenge, if it was. */
  readonly challenged?: string
}
