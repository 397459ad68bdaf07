import type { FinishReason, TokenUsage } from '../../core/chat-event.ts'
import type { InputCount, UsageMeter } from '../measure-usage.ts'

/** What the events of one answer tell of it. */
export interface MessageIdentity {
  readonly id: string
  readonly model: string
}

/** For an answer, streamed or not. */
export interface MessageOptions extends MessageIdentity {
  readonly showThinking: boolean
  /** For the first event; the last has it from `usage`. */
  readonly input: Pick<InputCount, 'soFar'>
  readonly usage: UsageMeter
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
    usage: encodeUsage(usage),
  }
}

export function encodeEnd(end: MessageEnd | undefined) {
  return {
    stop_reason: end ? stopReason(end) : null,
    stop_sequence: end?.stopSequence ?? null,
    stop_details: end?.refused ? { type: 'refusal', category: null, explanation: null } : null,
  }
}

export function encodeUsage({ prompt, completion, reasoning }: TokenUsage) {
  return {
    input_tokens: prompt,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: completion,
    output_tokens_details: { thinking_tokens: reasoning },
  }
}

/** What the thinking is signed with: it is taken for no one's when it comes back. */
export const thinkingSignature = Buffer.from('unsigned').toString('base64')

/** An id of ours in the vendor's form; it comes back in the result of the call. */
export const toolUseId = (callId: string): string => `toolu_${callId.replace(/^call_/, '')}`

function stopReason({ reason, stopSequence, refused }: MessageEnd): string {
  if (refused) return 'refusal'
  return stopSequence === undefined ? stopReasons[reason] : 'stop_sequence'
}

const stopReasons = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
} as const satisfies Record<FinishReason, string>
