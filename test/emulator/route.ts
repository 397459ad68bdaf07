import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Site } from './site.ts'

/** A route beside the asks. */
export interface Route {
  /** Asked without a session; whatever it wants, it checks by itself. */
  readonly isPublic?: boolean
  /** Without a session it is answered as for a guest. */
  readonly takesGuests?: boolean
  /** A signed-out session is answered with 401 and `not login`. */
  readonly needsLogin?: boolean
  /** An `X-Api-Key` serves in place of the session. */
  readonly takesApiKey?: boolean
  /** The only `Accept` that it takes. */
  readonly accept?: string
  /** What it returns is sent as JSON; with undefined it has answered by itself. @throws {RefusedBody} */
  readonly answer: (exchange: Exchange) => unknown
}

/** One request to a route. */
export interface Exchange {
  readonly site: Site
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** Of the site as the client names it, e.g. `http://127.0.0.1:7055`. */
  readonly origin: string
  /** `''` without one. */
  readonly sessionId: string
  /** Whose session it is: the account's first session id. */
  readonly account: string
  /** The session is signed out. */
  readonly isGuest: boolean
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
}

/** Answers in place of a route, a page, a script or an ask, as often as `times` says (default: always). */
export interface Fault {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown
  /** Breaks the connection before any answer. */
  readonly reset?: boolean
  /** Takes the request and leaves it without an answer, or answers with status (default: 200), headers and what there is of
   *  a body, and does not go on. Until the client leaves. */
  readonly hang?: 'before-headers' | 'after-headers'
  /** Wait before it. */
  readonly delayMs?: number
  times?: number
}
