import type { ChatAnswer, FinishReason, TokenUsage } from '../../core/chat-event.ts'
import { type CollectedAnswer, collectAnswer } from '../collect-answer.ts'
import type { InputCount, UsageMeter } from '../measure-usage.ts'
import { thinkingSignature } from '../turns.ts'

/** What the client knows an answer by. */
export interface MessageIdentity {
  readonly id: string
  readonly model: string
}

/** For an answer, streamed or not. */
export interface MessageOptions extends MessageIdentity {
  readonly showThinking: boolean
  /** The tokens of the request as far as they are known by now, for the first event; never waits. */
  readonly input: Pick<InputCount, 'soFar'>
  readonly usage: UsageMeter
}

/** Collects an answer into the body of a response that is not streamed. When it breaks there is no body, not even of the part
 *  that came.
 *  @throws whatever the answer breaks with */
export async function encodeResponse(answer: Promise<ChatAnswer>, options: MessageOptions) {
  const { usage: meter } = options
  const collected = await collectAnswer(await answer, meter)
  const usage = await meter.total()
  const end = { ...collected, refused: collected.refusal !== undefined }
  return encodeMessage(options, encodeContent(collected, options.showThinking), end, usage)
}

function encodeContent(
  { text, reasoning, signature, refusal, toolCalls }: CollectedAnswer,
  showThinking: boolean,
): readonly object[] {
  const content: object[] = []
  if (reasoning && showThinking)
    content.push({ type: 'thinking', thinking: reasoning, signature: signature ?? thinkingSignature })
  for (const words of [text, refusal]) if (words) content.push({ type: 'text', text: words, citations: null })
  for (const { id, name, argumentsText } of toolCalls) {
    const input: unknown = JSON.parse(argumentsText || '{}')
    content.push({ type: 'tool_use', id: toolUseId(id), name, input, caller: { type: 'direct' } })
  }
  return content
}

export interface MessageEnd {
  readonly reason: FinishReason
  readonly stopSequence?: string | undefined
  /** The content is a refusal. */
  readonly refused: boolean
}

/** @param end  undefined: it has only begun */
export function encodeMessage(
  { id, model }: MessageIdentity,
  content: readonly object[],
  end: MessageEnd | undefined,
  usage: TokenUsage,
) {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content,
    ...encodeEnd(end),
    container: null,
    usage: encodeMessageUsage(usage),
  }
}

export function encodeEnd(end: MessageEnd | undefined) {
  return {
    stop_reason: end ? stopReason(end) : null,
    stop_sequence: end?.stopSequence ?? null,
    stop_details: end?.refused ? { type: 'refusal', category: null, explanation: null } : null,
  }
}

function stopReason({ reason, stopSequence, refused }: MessageEnd): string {
  if (refused) return 'refusal'
  return stopSequence === undefined ? stopReasons[reason] : 'stop_sequence'
}

const stopReasons = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
} as const satisfies Record<FinishReason, string>

export function encodeMessageUsage({
  prompt,
  completion,
  reasoning,
  cached = 0,
  cacheWritten = 0,
}: TokenUsage) {
  return {
    input_tokens: prompt - cached - cacheWritten,
    cache_creation_input_tokens: cacheWritten,
    cache_read_input_tokens: cached,
    output_tokens: completion,
    output_tokens_details: { thinking_tokens: reasoning },
  }
}

/** An id of ours in the vendor's form; it comes back in the result of the call. */
export const toolUseId = (callId: string): string => `toolu_${callId.replace(/^(?:call|toolu)_/, '')}`
