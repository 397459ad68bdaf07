import type { ChatAnswer, ChatEvent, TokenUsage } from '../../core/chat-event.ts'
import { type ServiceError, UpstreamError } from '../../core/errors.ts'
import { toLine } from '../delta-text.ts'
import { encodeBatch } from '../encode-batch.ts'
import { createBlockEncoder } from './encode-blocks.ts'
import { encodeError } from './encode-error.ts'
import {
  encodeEnd,
  encodeMessage,
  encodeUsage,
  type MessageEnd,
  type MessageIdentity,
  type MessageOptions,
} from './encode-message.ts'

/** Strings of whole SSE events, one for each upstream read, from `message_start` to `message_stop`.
 *  @throws whatever the answer breaks with; `encodeErrorEvent` then writes it */
export async function* encodeStream(
  answer: Promise<ChatAnswer>,
  options: MessageOptions,
): AsyncGenerator<string> {
  const { input, usage } = options
  const blocks = createBlockEncoder(options)
  let begun = false
  let refused = false
  let finished: Extract<ChatEvent, { type: 'finished' }> | undefined
  const { events } = await answer

  function encode(event: ChatEvent): string {
    if (event.type === 'progress') return ping
    if (event.type === 'refusal') refused = true
    else if (event.type === 'finished') finished = event
    usage.add(event)
    const start = begun ? '' : encodeStart(options, input.soFar())
    begun = true
    return start + blocks.encode(event)
  }

  for await (const batch of events) {
    for (const piece of encodeBatch(batch, encode)) yield piece
  }
  if (!finished) throw new UpstreamError('reset')
  yield blocks.close() + encodeFinish({ ...finished, refused }, await usage.total())
}

/** The last words of a stream that broke: no `message_stop`. Claude Code then asks again without a stream. */
export const encodeErrorEvent = (error: ServiceError, requestId: string): string =>
  encodeEvent('error', encodeError(error, requestId))

function encodeStart(identity: MessageIdentity, prompt: number): string {
  const message = encodeMessage(identity, [], undefined, { prompt, completion: 0, reasoning: 0 })
  return encodeEvent('message_start', { message })
}

function encodeFinish(end: MessageEnd, usage: TokenUsage): string {
  const delta = { ...encodeEnd(end), container: null }
  return encodeEvent('message_delta', { delta, usage: encodeUsage(usage) }) + encodeEvent('message_stop', {})
}

const encodeEvent = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${toLine({ type, ...fields })}\n\n`

const ping = encodeEvent('ping', {})
