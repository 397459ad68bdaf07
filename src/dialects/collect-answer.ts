import type { ChatAnswer, ChatEvent, FinishReason } from '../core/chat-event.ts'
import type { ToolCall } from '../core/chat-request.ts'
import { UpstreamError } from '../core/errors.ts'
import type { UsageMeter } from './measure-usage.ts'

/** In UTF-16 units. An answer that is longer is cut there and says so by the reason `length`. */
export const maxAnswerLength = 16 * 1024 * 1024

export interface CollectedAnswer {
  readonly text: string
  readonly reasoning: string
  readonly refusal: string | undefined
  readonly toolCalls: readonly ToolCall[]
  readonly reason: FinishReason
  readonly stopSequence: string | undefined
}

/** Collects an answer that is not streamed. One that breaks gives nothing, not even the part that came.
 *  @throws whatever the answer breaks with */
export async function collectAnswer({ events }: ChatAnswer, usage: UsageMeter): Promise<CollectedAnswer> {
  const answer = new AnswerInTheMaking()
  for await (const batch of events) {
    for (const event of batch) {
      answer.add(event)
      usage.add(event)
    }
    if (answer.length > maxAnswerLength) return answer.cut()
  }
  if (!answer.finished) throw new UpstreamError('reset')
  return { ...answer.parts(), reason: answer.finished.reason, stopSequence: answer.finished.stopSequence }
}

class AnswerInTheMaking {
  length = 0
  finished: Extract<ChatEvent, { type: 'finished' }> | undefined
  #text = ''
  #reasoning = ''
  #refusal: string | undefined
  #calls: { id: string; name: string; argumentsText: string }[] = []

  add(event: ChatEvent): void {
    switch (event.type) {
      case 'text-delta':
        this.#text += event.text
        this.length += event.text.length
        break
      case 'reasoning-delta':
        this.#reasoning += event.text
        this.length += event.text.length
        break
      case 'refusal':
        this.#refusal = (this.#refusal ?? '') + event.text
        break
      case 'tool-call-started':
        this.#calls.push({ id: event.id, name: event.name, argumentsText: '' })
        break
      case 'tool-call-delta':
        this.#extendCall(event.argumentsText)
        break
      case 'finished':
        this.finished = event
        break
      case 'project-started':
      case 'progress':
        break
      default:
        event satisfies never
    }
  }

  /** A call that the cut may have halved is left out. */
  cut(): CollectedAnswer {
    const { toolCalls, ...parts } = this.parts()
    return { ...parts, toolCalls: toolCalls.slice(0, -1), reason: 'length', stopSequence: undefined }
  }

  parts(): Omit<CollectedAnswer, 'reason' | 'stopSequence'> {
    return { text: this.#text, reasoning: this.#reasoning, refusal: this.#refusal, toolCalls: this.#calls }
  }

  #extendCall(argumentsText: string): void {
    const call = this.#calls.at(-1)
    if (!call) throw new Error('a delta of a call came before its start')
    call.argumentsText += argumentsText
    this.length += argumentsText.length
  }
}
