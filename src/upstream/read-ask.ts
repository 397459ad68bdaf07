import type { Account } from '../core/account.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import type { SiteAccess } from './call-site.ts'
import { createDeadlines, type DeadlineLimits } from './deadlines.ts'
import { type ReplyEvidence, recogniseReply } from './failures/recognise-reply.ts'
import { type ReplyBody, readReplyBody, readText } from './read-sse.ts'
import type { AskKind } from './request-headers.ts'
import { wires } from './wire.ts'

export interface AskCall {
  readonly kind: AskKind
  readonly generation: WireGeneration
  readonly account: Account
  /** Where to send it; without: where the generation's asks go. */
  readonly path?: string
  /** Besides those of every ask. */
  readonly headers?: Readonly<Record<string, string>>
  /** The verdict on a reply that is no event stream, to be thrown. Default: `recogniseReply`. */
  readonly recognise?: (evidence: ReplyEvidence) => Error
  /** The ask goes on with a chat. */
  readonly bound: boolean
  /** Makes the body, with whatever has to be uploaded for it, under the ask's own deadlines. */
  encodeBody(signal: AbortSignal): object | Promise<object>
  readonly signal: AbortSignal
}

/** What the events go into. */
export interface EventReader {
  /** Takes the data of one event. @returns whether it brings the answer forward; a keepalive does not */
  decode(data: string): boolean
  /** What is waited for has begun to come. */
  readonly begun: boolean
  /** The last event has come. */
  readonly closed: boolean
}

/** Sends one ask and decodes its event stream into `answer`; yields after each read, so that the caller can take what it
 *  brought. Returns when the stream has ended, whole or not.
 *  @throws {UpstreamError} for a reply that is a failure, a stream that breaks, a deadline @throws `signal.reason` */
export async function* readAsk(
  access: SiteAccess & DeadlineLimits,
  call: AskCall,
  answer: EventReader,
): AsyncGenerator<void> {
  const { kind, generation, account, bound, encodeBody, signal } = call
  const { path = wires[generation].path, recognise = recogniseReply } = call
  signal.throwIfAborted()
  // Whatever ends an ask before its time closes the connection here: the caller, a deadline, a failure.
  const cut = new AbortController()
  const cutByCaller = () => cut.abort(signal.reason)
  signal.addEventListener('abort', cutByCaller, { once: true })
  const deadlines = createDeadlines(access, (error) => cut.abort(error))

  try {
    const reply = await access.openReply({
      url: new URL(path, access.baseUrl),
      method: 'POST',
      headers: { ...access.headers.ask(account, generation, kind), ...call.headers },
      body: JSON.stringify(await encodeBody(cut.signal)),
      proxyUrl: account.proxyUrl,
      signal: cut.signal,
    })
    const body: ReplyBody =
      reply.status === 200
        ? await readReplyBody(reply.body)
        : { type: 'other', text: await readText(reply.body) }
    if (body.type === 'other') {
      throw recognise({ ...reply, text: body.text, bound, nowMs: access.clock.now() })
    }
    for await (const batch of body.batches) {
      let useful = false
      for (const data of batch) useful = answer.decode(data) || useful
      deadlines.heard(useful)
      if (answer.begun) deadlines.answered()
      if (answer.closed) deadlines.closing()
      deadlines.pause()
      yield
      deadlines.resume()
    }
  } catch (error) {
    signal.throwIfAborted()
    throw cut.signal.aborted ? cut.signal.reason : error
  } finally {
    deadlines.stop()
    signal.removeEventListener('abort', cutByCaller)
    // A reason of our own spares the cost of an AbortError that nobody reads.
    cut.abort('over')
  }
}
