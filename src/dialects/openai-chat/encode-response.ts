import type { ChatAnswer } from '../../core/chat-event.ts'
import type { ToolCall } from '../../core/chat-request.ts'
import { type CollectedAnswer, collectAnswer } from '../collect-answer.ts'
import type { UsageMeter } from '../measure-usage.ts'
import type { ToolForms } from '../tools.ts'
import { totalUsage } from './choices.ts'
import {
  type CallStyle,
  type ChoiceOptions,
  encodeChatUsage,
  encodeFinishReason,
  type ReasoningFormat,
  readFreeText,
} from './encode-stream.ts'

export interface ChatResponseOptions extends ChoiceOptions {
  /** One a choice: as many are asked for. */
  readonly usage: readonly UsageMeter[]
}

/** Collects the answers into the body of a response that is not streamed. When one breaks there is no body, not even of what came.
 *  @param answerChoice  called once for each choice, for all at the same time
 *  @throws whatever breaks first */
export async function encodeResponse(answerChoice: () => Promise<ChatAnswer>, options: ChatResponseOptions) {
  const { id, created, model, usage } = options
  const answers = await Promise.all(usage.map(async (meter) => collectAnswer(await answerChoice(), meter)))
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: answers.map((answer, index) => ({
      index,
      message: encodeMessage(answer, options),
      logprobs: null,
      finish_reason: encodeFinishReason(answer.reason, options.callStyle),
    })),
    usage: encodeChatUsage(await totalUsage(usage)),
  }
}

function encodeMessage(answer: CollectedAnswer, { reasoning, callStyle, toolForms }: ChoiceOptions) {
  const { content, reasoningContent } = presentReasoning(answer, reasoning)
  const hasWords = answer.refusal === undefined && answer.toolCalls.length === 0
  return {
    role: 'assistant',
    content: hasWords ? content : content || null,
    ...(reasoningContent && { reasoning_content: reasoningContent }),
    refusal: answer.refusal ?? null,
    ...encodeCalls(answer.toolCalls, callStyle, toolForms),
  }
}

function presentReasoning({ text, reasoning }: CollectedAnswer, format: ReasoningFormat) {
  if (format === 'think-tags' && reasoning)
    return { content: `<think>${reasoning}</think>${text}`, reasoningContent: '' }
  return { content: text, reasoningContent: format === 'reasoning-content' ? reasoning : '' }
}

function encodeCalls(calls: readonly ToolCall[], style: CallStyle, forms: ToolForms | undefined) {
  if (calls.length === 0) return undefined
  if (style === 'tool-calls')
    return {
      tool_calls: calls.map((call) =>
        forms?.get(call.name)?.kind === 'custom'
          ? { id: call.id, type: 'custom', custom: encodeCustomCall(call) }
          : { id: call.id, type: 'function', function: encodeCall(call) },
      ),
    }
  return { function_call: calls.map(encodeCall)[0] }
}

const encodeCall = ({ name, argumentsText }: ToolCall) => ({ name, arguments: argumentsText })

const encodeCustomCall = ({ name, argumentsText }: ToolCall) => ({ name, input: readFreeText(argumentsText) })
