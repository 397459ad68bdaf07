import type { ChatEvent, ChatEventBatch } from '../core/chat-event.ts'
import type { Clock } from '../core/clock.ts'
import { UpstreamError } from '../core/errors.ts'
import type { Metrics } from '../core/metrics.ts'
import { Answer } from './answer.ts'
import { createDeadlines, type DeadlineLimits } from './deadlines.ts'
import { recogniseReply } from './failures/recognise-reply.ts'
import type { OpenReply } from './open-reply.ts'
import { type ReplyBody, readReplyBody, readText } from './read-sse.ts'
import type { RequestHeaders } from './request-headers.ts'
import type { AskInput } from './upstream.ts'
import { wires } from './wire.ts'

export interface AskOptions extends DeadlineLimits {
  readonly baseUrl: string
  readonly openReply: OpenReply
  readonly headers: RequestHeaders
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'unknownEvents'>
}

/** One ask, from its body to `finished`. Contract: `Upstream.ask`. */
export async function* ask(options: AskOptions, input: AskInput): AsyncGenerator<ChatEventBatch> {
  const { generation, request, signal, chatId, token } = input
  signal.throwIfAborted()
  const wire = wires[generation]
  const bound = chatId !== undefined
  const answer = new Answer({
    decodeEvent: wire.createDecoder(request),
    bound,
    countUnknown: () => options.metrics.unknownEvents.inc({ generation }),
  })

  // Whatever ends an ask before its time closes the connection here: the caller, a deadline, a failure.
  const cut = new AbortController()
  const cutByCaller = () => cut.abort(signal.reason)
  signal.addEventListener('abort', cutByCaller, { once: true })
  const deadlines = createDeadlines(options, (error) => cut.abort(error))

  try {
    const reply = await options.openReply({
      url: new URL(wire.path, options.baseUrl),
      method: 'POST',
      headers: options.headers.ask(input.account, generation),
      body: JSON.stringify(wire.encodeRequest(request, { chatId, token })),
      signal: cut.signal,
    })
    const body: ReplyBody =
      reply.status === 200
        ? await readReplyBody(reply.body)
        : { type: 'other', text: await readText(reply.body) }
    if (body.type === 'other') {
      throw recogniseReply({ ...reply, text: body.text, bound, nowMs: options.clock.now() })
    }
    for await (const batch of body.batches) {
      let useful = false
      for (const data of batch) useful = answer.decode(data) || useful
      deadlines.heard(useful)
      if (answer.begun) deadlines.answered()
      if (answer.closed) deadlines.closing()
      const events = answer.take()
      if (events.length === 0) continue
      deadlines.pause()
      yield events
      deadlines.resume()
    }
    yield [answer.finish()]
  } catch (thrown) {
    signal.throwIfAborted()
    const error = cut.signal.aborted ? cut.signal.reason : thrown
    const rest = answer.take()
    if (rest.length > 0) yield rest
    yield [endInSpiteOf(error, answer)]
  } finally {
    deadlines.stop()
    signal.removeEventListener('abort', cutByCaller)
    // A reason of our own spares the cost of an AbortError that nobody reads.
    cut.abort('over')
  }
}

/** A whole answer is whole, however its connection ends, and one that went on to the total cap is an answer of that
 *  length. @throws `error` for any other */
function endInSpiteOf(error: unknown, answer: Answer): ChatEvent {
  if (!(error instanceof UpstreamError)) throw error
  if (answer.closed) return answer.finish()
  if (error.kind === 'total-timeout' && answer.begun) return answer.finished('length')
  throw error
}
