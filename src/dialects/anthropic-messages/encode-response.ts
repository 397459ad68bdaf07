import type { ChatAnswer } from '../../core/chat-event.ts'
import { type CollectedAnswer, collectAnswer } from '../collect-answer.ts'
import { encodeMessage, type MessageOptions, thinkingSignature, toolUseId } from './encode-message.ts'

/** Collects an answer into the body of a response that is not streamed. One that breaks gives no body, not even of the part
 *  that came.
 *  @throws whatever the answer breaks with */
export async function encodeResponse(answer: Promise<ChatAnswer>, options: MessageOptions) {
  const collected = await collectAnswer(await answer, options.usage)
  const end = { ...collected, refused: collected.refusal !== undefined }
  return encodeMessage(
    options,
    encodeContent(collected, options.showThinking),
    end,
    await options.usage.total(),
  )
}

function encodeContent(
  { text, reasoning, refusal, toolCalls }: CollectedAnswer,
  showThinking: boolean,
): readonly object[] {
  const content: object[] = []
  if (reasoning && showThinking)
    content.push({ type: 'thinking', thinking: reasoning, signature: thinkingSignature })
  for (const words of [text, refusal]) if (words) content.push({ type: 'text', text: words, citations: null })
  for (const { id, name, argumentsText } of toolCalls) {
    const input: unknown = JSON.parse(argumentsText || '{}')
    content.push({ type: 'tool_use', id: toolUseId(id), name, input, caller: { type: 'direct' } })
  }
  return content
}
