import type { ChatAnswer, ChatEvent, FinishReason, TokenUsage } from '../../core/chat-event.ts'
import { type ServiceError, UpstreamError } from '../../core/errors.ts'
import type { CatalogueEntry } from '../../models/create-entry.ts'
import { collectAnswer } from '../collect-answer.ts'
import { splitText, toLine } from '../event-text.ts'
import type { UsageMeter } from '../measure-usage.ts'
import type { StreamEncoder } from '../stream-encoder.ts'

export interface GenerateOptions {
  readonly id: string
  /** As asked. */
  readonly model: string
  readonly showThinking: boolean
  readonly usage: UsageMeter
}

/** Collects an answer into the body of a response that is not streamed.
 *  @throws whatever the answer breaks with */
export async function encodeResponse(answer: Promise<ChatAnswer>, options: GenerateOptions) {
  const { text, reasoning, refusal, toolCalls, reason } = await collectAnswer(await answer, options.usage)
  const parts: object[] = []
  if (reasoning && options.showThinking) parts.push({ text: reasoning, thought: true })
  for (const words of [text, refusal]) if (words) parts.push({ text: words })
  for (const { id, name, argumentsText } of toolCalls) parts.push(functionCall(id, name, argumentsText))
  return encodeChunk(options, parts, { reason, usage: await options.usage.total() })
}

/** Encodes a streamed answer as server-sent events. A call is sent when its arguments are whole: the format has no halves. */
export function createGenerateStreamEncoder(options: GenerateOptions): StreamEncoder {
  let call: { id: string; name: string; argumentsText: string } | undefined
  let finished: Extract<ChatEvent, { type: 'finished' }> | undefined

  function partsOf(event: ChatEvent): readonly object[] {
    if (event.type === 'tool-call-delta') {
      if (call) call.argumentsText += event.argumentsText
      return []
    }
    const ended = call ? [functionCall(call.id, call.name, call.argumentsText)] : []
    call = undefined
    switch (event.type) {
      case 'text-delta':
      case 'refusal':
        return [...ended, ...textParts(event.text, {})]
      case 'reasoning-delta':
        return options.showThinking ? [...ended, ...textParts(event.text, { thought: true })] : ended
      case 'tool-call-started':
        call = { id: event.id, name: event.name, argumentsText: '' }
        return ended
      case 'finished':
        finished = event
        return ended
      case 'project-started':
      case 'progress':
        return ended
      default:
        return event satisfies never
    }
  }

  return {
    encode(batch) {
      let output = ''
      for (const event of batch) {
        options.usage.add(event)
        for (const part of partsOf(event)) output += encodeEvent(encodeChunk(options, [part]))
      }
      return output
    },
    async end() {
      if (!finished) throw new UpstreamError('reset')
      const end = { reason: finished.reason, usage: await options.usage.total() }
      return encodeEvent(encodeChunk(options, [], end))
    },
    encodeError: (error) => encodeEvent(encodeError(error)),
  }
}

const encodeEvent = (value: unknown): string => `data: ${toLine(value)}\n\n`

const textParts = (text: string, more: object): readonly object[] =>
  text ? splitText(text).map((each) => ({ text: each, ...more })) : []

const functionCall = (id: string, name: string, argumentsText: string) => ({
  functionCall: { id, name, args: JSON.parse(argumentsText || '{}') as unknown },
})

function encodeChunk(
  { id, model }: GenerateOptions,
  parts: readonly object[],
  end?: { readonly reason: FinishReason; readonly usage: TokenUsage },
) {
  const content = { role: 'model', parts: end && parts.length === 0 ? [{ text: '' }] : parts }
  return {
    candidates: [{ content, index: 0, ...(end && { finishReason: finishReasons[end.reason] }) }],
    ...(end && { usageMetadata: encodeUsage(end.usage) }),
    modelVersion: model,
    responseId: id,
  }
}

const finishReasons = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  'tool-calls': 'STOP',
  'content-filter': 'SAFETY',
} as const satisfies Record<FinishReason, string>

const encodeUsage = ({ prompt, completion, reasoning }: TokenUsage) => ({
  promptTokenCount: prompt,
  candidatesTokenCount: completion - reasoning,
  ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
  totalTokenCount: prompt + completion,
})

/** The one error body of these routes, and the last event of a stream that broke. */
export function encodeError(error: ServiceError) {
  const { status: code, message } = error
  return {
    error: { code, message, status: statuses[code] ?? (code < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL') },
  }
}

const statuses: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

export function encodeModel({ id, displayName, contextLength = 128_000, keyModel }: CatalogueEntry) {
  return {
    name: `models/${id}`,
    baseModelId: id,
    version: '001',
    displayName,
    description: displayName,
    inputTokenLimit: contextLength,
    outputTokenLimit: keyModel?.maxOutputTokens ?? 65_536,
    supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'],
  }
}

/** Of the models that chat. */
export const encodeModelList = (entries: readonly CatalogueEntry[]) => ({
  models: entries.filter(({ endpointTypes }) => endpointTypes.includes('gemini')).map(encodeModel),
})
