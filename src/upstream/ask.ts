import type { CookieAccount } from '../core/account.ts'
import type { ChatEvent, ChatEventBatch } from '../core/chat-event.ts'
import { UpstreamError } from '../core/errors.ts'
import type { Metrics } from '../core/metrics.ts'
import { Answer } from './answer.ts'
import type { SiteAccess } from './call-site.ts'
import type { DeadlineLimits } from './deadlines.ts'
import { type AskCall, readAsk } from './read-ask.ts'
import { uploadFiles } from './upload-files.ts'
import type { AskInput } from './upstream.ts'
import { wires } from './wire.ts'

export interface AskOptions extends SiteAccess, DeadlineLimits {
  readonly metrics: Pick<Metrics, 'unknownEvents'>
}

/** One ask, from its body to `finished`. Contract: `Upstream.ask`. */
export function ask(
  options: AskOptions,
  input: AskInput,
  account: CookieAccount,
): AsyncIterable<ChatEventBatch> {
  const { generation, request, signal, chatId, token } = input
  const wire = wires[generation]
  const bound = chatId !== undefined
  const answer = new Answer({
    decodeEvent: wire.createDecoder(request.model.search),
    bound,
    countUnknown: () => options.metrics.unknownEvents.inc({ generation }),
  })
  const encodeBody = async (cut: AbortSignal) => {
    const files = await uploadFiles(options, { generation, account, messages: request.messages, signal: cut })
    return wire.encodeRequest(request, { chatId, token, files })
  }

  return readAnswer(options, { kind: 'chat', generation, account, bound, encodeBody, signal }, answer)
}

/** Sends a chat ask and hands over what it brings, read by read, to `finished`. */
export async function* readAnswer(
  options: AskOptions,
  call: AskCall,
  answer: Answer,
): AsyncGenerator<ChatEventBatch> {
  try {
    for await (const _read of readAsk(options, call, answer)) {
      const events = answer.take()
      if (events.length > 0) yield events
    }
    yield [answer.finish()]
  } catch (error) {
    call.signal.throwIfAborted()
    const rest = answer.take()
    if (rest.length > 0) yield rest
    yield [endInSpiteOf(error, answer)]
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
