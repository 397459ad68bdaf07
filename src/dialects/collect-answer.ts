import type { ChatAnswer, ChatEvent, FinishReason } from '../core/chat-event.ts'
import type { ToolCall } from '../core/chat-request.ts'
import { UpstreamError } from '../core/errors.ts'
import type { UsageMeter } from './measure-usage.ts'

/** In UTF-16 units. An answer that has to be held as a whole is cut there, with the reason `length`. */
export const maxAnswerLength = 16 * 1024 * 1024

/** What an event adds to the length of its answer, in UTF-16 units. */
export function lengthOf(event: ChatEvent): number {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'refusal':
      return event.text.length
    case 'tool-call-delta':
      return event.argumentsText.length
    default:
      return 0
  }
}

export interface CollectedAnswer {
  readonly text: string
  readonly reasoning: string
  /** The vendor's seal on the reasoning, where there is one. */
  readonly signature?: string | undefined
  readonly refusal: string | undefined
  readonly toolCalls: readonly ToolCall[]
  readonly reason: FinishReason
  readonly stopSequence: string | undefined
}

/** Collects an answer that is not streamed. One that breaks gives nothing, not even the part that came.
 *  @throws whatever the answer breaks with */
export async function collectAnswer({ events }: ChatAnswer, usage: UsageMeter): Promise<CollectedAnswer> {
  const answer = createCollector()
  for await (const batch of events) {
    for (const event of batch) {
      usage.add(event)
      answer.add(event)
    }
    if (answer.length > maxAnswerLength) return answer.cut()
  }
  return answer.end()
}

function createCollector() {
  const calls: { id: string; name: string; argumentsText: string }[] = []
  let text = ''
  let reasoning = ''
  let signature: string | undefined
  let refusal: string | undefined
  let length = 0
  let finished: Extract<ChatEvent, { type: 'finished' }> | undefined

  function collect(event: ChatEvent): void {
    switch (event.type) {
      case 'text-delta':
        text += event.text
        break
      case 'reasoning-delta':
        reasoning += event.text
        signature = event.signature ?? signature
        break
      case 'refusal':
        refusal = (refusal ?? '') + event.text
        break
      case 'tool-call-started':
        calls.push({ id: event.id, name: event.name, argumentsText: '' })
        break
      case 'tool-call-delta': {
        const call = calls.at(-1)
        if (!call) throw new Error('a delta of a call came before its start')
        call.argumentsText += event.argumentsText
        break
      }
      case 'finished':
        finished = event
        break
      case 'project-started':
      case 'progress':
        break
      default:
        event satisfies never
    }
  }

  return {
    get length() {
      return length
    },
    add(event: ChatEvent): void {
      length += lengthOf(event)
      collect(event)
    },
    end(): CollectedAnswer {
      if (!finished) throw new UpstreamError('reset')
      const { reason, stopSequence } = finished
      return {
        text,
        reasoning,
        ...(signature && { signature }),
        refusal,
        toolCalls: calls,
        reason,
        stopSequence,
      }
    },
    /** Leaves out the last call: the cut may have halved it. */
    cut(): CollectedAnswer {
      const toolCalls = calls.slice(0, -1)
      return { text, reasoning, refusal, toolCalls, reason: 'length', stopSequence: undefined }
    },
  }
}
