import type { ChatAnswer, FinishReason } from '../../core/chat-event.ts'
import { UpstreamError } from '../../core/errors.ts'
import type { AnswerIdentity } from './encode-chunk.ts'
import type { UsageMeter } from './measure-usage.ts'
import { createReasoningPresenter, type ReasoningFormat } from './present-reasoning.ts'

export interface ChatResponseOptions extends AnswerIdentity {
  readonly reasoning: ReasoningFormat
  readonly usage: UsageMeter
}

/** In UTF-16 units. An answer that is longer is cut there and says so by `finish_reason: "length"`. */
const maxAnswerLength = 16 * 1024 * 1024

/** Collects an answer into the body of a response that is not streamed. An answer that breaks gives no body, not even of the
 *  part that came.
 *  @throws whatever the answer breaks with */
export async function encodeResponse(answer: Promise<ChatAnswer>, options: ChatResponseOptions) {
  const { id, created, model, usage } = options
  const message = await collectMessage(await answer, options)
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: message.content,
          ...(message.reasoning_content && { reasoning_content: message.reasoning_content }),
          refusal: null,
        },
        logprobs: null,
        finish_reason: message.finishReason,
      },
    ],
    usage: await usage.total(),
  }
}

async function collectMessage({ events }: ChatAnswer, { reasoning, usage }: ChatResponseOptions) {
  const presenter = createReasoningPresenter(reasoning)
  const text = { content: '', reasoning_content: '' }
  let finishReason: FinishReason | undefined
  for await (const batch of events) {
    for (const event of batch) {
      for (const piece of presenter.present(event)) text[piece.field] += piece.text
      usage.add(event)
      if (event.type === 'finished') finishReason = event.reason
    }
    if (usage.isFull()) await usage.count()
    if (text.content.length + text.reasoning_content.length > maxAnswerLength) {
      for (const piece of presenter.close()) text[piece.field] += piece.text
      finishReason = 'length'
      break
    }
  }
  if (!finishReason) throw new UpstreamError('reset')
  return { ...text, finishReason }
}
