// Room `upstream`: asks the site and decodes its event stream; the only room that knows the wire (UPSTREAM 2 to 8).
// Touches `core` and got; never an account's state.

import type { Account } from '../core/account.ts'
import type { ChatEventBatch } from '../core/chat-event.ts'
import type { ChatRequest } from '../core/chat-request.ts'
import type { WireGeneration } from '../core/wire-generation.ts'

export interface AskInput {
  readonly generation: WireGeneration
  readonly account: Account
  readonly request: ChatRequest
  /** Continue this project; a new one without (UPSTREAM 4.6, 5.3). */
  readonly chatId?: string
  /** reCAPTCHA token (UPSTREAM 3.1); left out when none could be had. */
  readonly token?: string
  readonly signal: AbortSignal
}

export type LoginState = 'signed-in' | 'signed-out'

export interface Upstream {
  /** The wire generation to ask now: the configured one, or what `auto` has found out within the last hour. */
  generation(): WireGeneration
  /** Asks once. Batches hold the events of one read; the last event of a whole answer is `finished`.
   *  Leaving the iteration early or aborting `signal` closes the request.
   *  @throws {UpstreamError} on the first `next()` for a reply that is a failure, later for a stream that breaks */
  ask(input: AskInput): AsyncIterable<ChatEventBatch>
  /** Is the account signed in? Source: UPSTREAM 4.10 `is_login`. @throws {UpstreamError} when the site cannot say */
  checkLogin(account: Account, signal: AbortSignal): Promise<LoginState>
  close(): Promise<void>
}
