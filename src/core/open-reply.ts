import type { LookupAddress } from 'node:dns'
import type { IncomingHttpHeaders } from 'node:http'
import type { Account } from './account.ts'

/** Sends one request to the site and gives its reply from the headers on. The seam between what is asked and the program that
 *  carries it: whoever asks knows neither connections nor proxies.
 *  @throws {UpstreamError} `unavailable` when the site was not reached, `reset` when the connection broke before the headers
 *  @throws `signal.reason` when aborted */
export type OpenReply = (request: ReplyRequest) => Promise<Reply>

export interface ReplyRequest {
  /** Whose request it is: its own proxy carries it, else PROXY_URL. Undefined: nobody's. Must be said, so that no request goes
   *  around a proxy unseen. */
  readonly account: Account | undefined
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: URL
  /** Connect to one of these, as they were judged, and look nothing up. Absent: the host is the site's own. */
  readonly addresses?: readonly LookupAddress[] | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Closes the connection at once, before or after the headers. */
  readonly signal: AbortSignal
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** All bytes that came since the last read, in order; undefined at the end of the body. One read at a time; what is not read
   *  slows the sender down.
   *  @throws {UpstreamError} `reset` when the connection breaks
   *  @throws `signal.reason` when aborted */
  read(): Promise<Uint8Array | undefined>
  /** Closes the connection unless the body has been read to its end. Needed for every reply; may be called twice. */
  close(): void
}
