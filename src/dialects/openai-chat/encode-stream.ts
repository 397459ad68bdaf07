import type { ChatEvent, ChatEventBatch, FinishReason, TokenUsage } from '../../core/chat-event.ts'
import { type ServiceError, UpstreamError } from '../../core/errors.ts'
import { encodeDelta, encodeProgress, toLine } from '../event-text.ts'
import type { UsageMeter } from '../measure-usage.ts'
import type { StreamEncoder } from '../stream-encoder.ts'
import type { ToolForms } from '../tools.ts'
import { type ChoiceBatch, totalUsage } from './choices.ts'
import { encodeError } from './encode-error.ts'

/** Where a client sees the reasoning; `hidden` drops it. */
export const reasoningFormats = ['reasoning-content', 'think-tags', 'hidden'] as const
export type ReasoningFormat = (typeof reasoningFormats)[number]

/** How a client speaks of calls: in `tools` and `tool_calls`, or in the older `functions` and `function_call`. It is answered in
 *  kind. */
export type CallStyle = 'tool-calls' | 'function-call'

/** The same in every chunk of an answer: clients tell answers apart by them. */
export interface AnswerIdentity {
  readonly id: string
  /** Seconds since the epoch. */
  readonly created: number
  readonly model: string
}

export interface ChoiceOptions extends AnswerIdentity {
  readonly reasoning: ReasoningFormat
  readonly callStyle: CallStyle
  /** Tools of free text are answered in their own form. */
  readonly toolForms?: ToolForms
}

export interface ChatStreamOptions extends ChoiceOptions {
  /** `n`: how many answers the stream carries. */
  readonly choices: number
  /** Write a failure in the middle also as a short text delta: NextChat shows nothing of an error frame. */
  readonly streamErrorText: boolean
  /** One a choice, given when the client asked for usage; nothing is counted without. */
  readonly usage: readonly UsageMeter[] | undefined
}

/** Encodes the stream of one answer: role, deltas, finish, usage in a chunk of its own (new-api reads it from the last data line
 *  alone), `[DONE]`. */
export function createChatStreamEncoder(options: ChatStreamOptions): StreamEncoder {
  const choice = createChoiceEncoder(options, 0)
  return { encode: choice.encode, ...createStreamEnd([choice], options) }
}

/** The same for several answers in one stream, merged. */
export function createChoicesStreamEncoder(options: ChatStreamOptions): StreamEncoder<ChoiceBatch> {
  const choices = Array.from({ length: options.choices }, (_, index) => createChoiceEncoder(options, index))
  return {
    encode: ({ choice, batch }) => choices[choice]?.encode(batch) ?? '',
    ...createStreamEnd(choices, options),
  }
}

function createStreamEnd(
  choices: readonly ChoiceEncoder[],
  options: ChatStreamOptions,
): Pick<StreamEncoder, 'end' | 'encodeError'> {
  const { usage, streamErrorText } = options
  return {
    end() {
      if (!choices.every((choice) => choice.isFinished())) throw new UpstreamError('reset')
      return usage ? totalUsage(usage).then((total) => encodeUsageChunk(options, total) + endMark) : endMark
    },

    /** No success `finish_reason` of what is not whole, no `[DONE]`. */
    encodeError(error: ServiceError) {
      let output = ''
      if (streamErrorText) for (const choice of choices) output += choice.breakOff(`\n\n[${error.message}]`)
      return `${output}data: ${toLine(encodeError(error))}\n\n`
    },
  }
}

const endMark = 'data: [DONE]\n\n'

interface ChoiceEncoder {
  encode(batch: ChatEventBatch): string
  isFinished(): boolean
  /** A last text delta, of a choice that has not finished. */
  breakOff(text: string): string
}

/** Encodes the chunks of one choice. What they repeat is made once. */
function createChoiceEncoder(options: ChatStreamOptions, index: number): ChoiceEncoder {
  const { reasoning, callStyle, toolForms } = options
  const usage = options.usage?.[index]
  const head = `${headOf(options)}"choices":[{"index":${index},"delta":`
  const contentHead = `${head}{"content":`
  const reasoningHead = `${head}{"reasoning_content":`
  let begun = false
  let finished = false
  /** A `<think>` tag is open. */
  let thinking = false
  let calls = 0
  let callHead = ''
  /** The arguments of a call of free text, which is sent when they are whole. */
  let customArguments: string | undefined

  function encode(batch: ChatEventBatch): string {
    let output = ''
    for (const event of batch) {
      usage?.add(event)
      if (customArguments !== undefined) {
        if (event.type === 'tool-call-delta') {
          customArguments += event.argumentsText
          continue
        }
        output += endCustomCall(customArguments)
        customArguments = undefined
      }
      output += encodeEvent(event)
    }
    return output
  }

  const endCustomCall = (argumentsText: string): string =>
    encodeDelta(callHead, readFreeText(argumentsText), callTails['tool-calls'])

  function encodeEvent(event: ChatEvent): string {
    switch (event.type) {
      case 'text-delta':
        if (!event.text) return begin('""')
        if (begun && !thinking) return encodeDelta(contentHead, event.text, deltaTail)
        return begin('""') + stopThinking() + encodeDelta(contentHead, event.text, deltaTail)
      case 'reasoning-delta':
        return begin('""') + encodeReasoning(event.text)
      case 'refusal':
        return begin('null') + stopThinking() + encodeDelta(`${head}{"refusal":`, event.text, deltaTail)
      case 'tool-call-started':
        return begin('null') + stopThinking() + startCall(event.id, event.name)
      case 'tool-call-delta':
        return encodeDelta(callHead, event.argumentsText, callTails[callStyle])
      case 'finished': {
        finished = true
        const chunk = `${head}{},"logprobs":null,"finish_reason":"${encodeFinishReason(event.reason, callStyle)}"}]}\n\n`
        return begin('""') + stopThinking() + chunk
      }
      case 'progress':
        return encodeProgress(event)
      case 'project-started':
        return ''
      default:
        return event satisfies never
    }
  }

  /** @param content  `null` when the answer begins with something other than text */
  function begin(content: '""' | 'null'): string {
    if (begun) return ''
    begun = true
    return `${head}{"role":"assistant","content":${content}${deltaTail}`
  }

  /** A think tag is a delta of its own: NextChat knows tags only at the edges of a delta. */
  function encodeReasoning(text: string): string {
    if (!text || reasoning === 'hidden') return ''
    if (reasoning === 'reasoning-content') return encodeDelta(reasoningHead, text, deltaTail)
    const tag = thinking ? '' : encodeDelta(contentHead, '<think>', deltaTail)
    thinking = true
    return tag + encodeDelta(contentHead, text, deltaTail)
  }

  function stopThinking(): string {
    if (!thinking) return ''
    thinking = false
    return encodeDelta(contentHead, '</think>', deltaTail)
  }

  /** The id comes once and `arguments` begin empty: NextChat depends on both. */
  function startCall(id: string, name: string): string {
    const definition = `"name":${toLine(name)},"arguments":""`
    if (callStyle === 'function-call') {
      callHead = `${head}{"function_call":{"arguments":`
      return `${head}{"function_call":{${definition}${callTails[callStyle]}`
    }
    const call = `${head}{"tool_calls":[{"index":${calls},`
    calls += 1
    if (toolForms?.get(name)?.kind === 'custom') {
      customArguments = ''
      callHead = `${call}"custom":{"input":`
      return `${call}"id":${toLine(id)},"type":"custom","custom":{"name":${toLine(name)},"input":""${callTails[callStyle]}`
    }
    callHead = `${call}"function":{"arguments":`
    return `${call}"id":${toLine(id)},"type":"function","function":{${definition}${callTails[callStyle]}`
  }

  return {
    encode,
    isFinished: () => finished,
    breakOff: (text) =>
      finished ? '' : begin('""') + stopThinking() + encodeDelta(contentHead, text, deltaTail),
  }
}

/** The model was taught a tool of free text as a function with the one argument `input`. */
export function readFreeText(argumentsText: string): string {
  const { input }: { input?: unknown } = JSON.parse(argumentsText || '{}')
  return typeof input === 'string' ? input : argumentsText
}

const deltaTail = '},"logprobs":null,"finish_reason":null}]}\n\n'

const callTails = { 'tool-calls': `}}]${deltaTail}`, 'function-call': `}${deltaTail}` } as const

const encodeUsageChunk = (identity: AnswerIdentity, usage: TokenUsage): string =>
  `${headOf(identity)}"choices":[],"usage":${JSON.stringify(encodeChatUsage(usage))}}\n\n`

const headOf = ({ id, created, model }: AnswerIdentity): string =>
  `data: {"id":${toLine(id)},"object":"chat.completion.chunk","created":${created},"model":${toLine(model)},`

export function encodeFinishReason(reason: FinishReason, style: CallStyle) {
  if (reason === 'content-filter') return 'content_filter'
  if (reason !== 'tool-calls') return reason
  return style === 'tool-calls' ? 'tool_calls' : 'function_call'
}

export function encodeChatUsage({ prompt, completion, reasoning, cached }: TokenUsage) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(cached !== undefined && { prompt_tokens_details: { cached_tokens: cached } }),
    completion_tokens_details: { reasoning_tokens: reasoning },
  }
}
