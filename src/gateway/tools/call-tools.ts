import type { ChatEventBatch } from '../../core/chat-event.ts'
import type { ToolUse } from '../../core/chat-request.ts'
import { UpstreamError } from '../../core/errors.ts'
import type { AskAgain } from '../repair.ts'
import { AnswerReader } from './answer-reader.ts'

export interface CallToolsOptions {
  readonly askAgain: AskAgain
  readonly createCallId: () => string
}

/** Makes tool calls of the text in which a model calls tools. A call that has to come and does not, or whose arguments have to
 *  fit and do not, is asked for once more.
 *  @throws {UpstreamError} `malformed` when that is in vain, or when a call whose beginning is out never becomes whole */
export async function* callTools(
  events: AsyncIterable<ChatEventBatch>,
  tools: ToolUse,
  { askAgain, createCallId }: CallToolsOptions,
): AsyncGenerator<ChatEventBatch> {
  const mustCall = tools.choice.type !== 'auto'
  const first = new AnswerReader({ tools, createCallId, mustCall, withText: true })
  yield* readAnswer(events, first)
  if (!first.fault) return
  const again = await askAgain(first.said, first.fault.complaint)
  // What there was to say has been said: only the calls are wanted.
  const second = new AnswerReader({ tools, createCallId, mustCall: true, withText: false })
  yield* readAnswer(again, second)
  if (second.fault) throw new UpstreamError('malformed', { message: second.fault.message })
}

/** When the answer is over for the reader, the upstream is left. */
async function* readAnswer(
  events: AsyncIterable<ChatEventBatch>,
  reader: AnswerReader,
): AsyncGenerator<ChatEventBatch> {
  for await (const batch of events) {
    const read = await reader.read(batch)
    if (read.length > 0) yield read
    if (reader.isOver) return
  }
}
