// Dialect `openai-completions`: the legacy Completions format, parsed and encoded.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP.

import { z } from 'zod'
import type { ChatAnswer, ChatEvent, FinishReason } from '../core/chat-event.ts'
import type { ChatModel, ChatRequest } from '../core/chat-request.ts'
import { UpstreamError } from '../core/errors.ts'
import { checkShape, invalidValue } from './check-shape.ts'
import { collectAnswer } from './collect-answer.ts'
import { encodeDelta, toLine } from './event-text.ts'
import { lenientBoolean, limitFields, readLimits, tellWithoutEffect } from './lenient-fields.ts'
import type { UsageMeter } from './measure-usage.ts'
import { encodeError } from './openai-chat/encode-error.ts'
import { encodeChatUsage } from './openai-chat/encode-stream.ts'
import type { StreamEncoder } from './stream-encoder.ts'

export interface ParsedCompletionRequest {
  readonly chat: ChatRequest
  readonly stream: boolean
  readonly includeUsage: boolean
  /** What stands in front of the text: the prompt, with `echo`. */
  readonly prefix: string
  readonly warnings: readonly string[]
}

/** The prompt is what the user says.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseCompletionRequest(
  body: unknown,
  resolve: (model: string) => ChatModel,
): ParsedCompletionRequest {
  const request = checkShape(requestSchema, body)
  const [prompt, ...more] = [request.prompt].flat()
  if (more.length > 0) throw invalidValue('prompt', 'several prompts at once are not supported; send one')
  if (!prompt) throw invalidValue('prompt', 'expected a text')
  const suffix = request.suffix ? `\n\nWhat follows after your text:\n${request.suffix}` : ''
  const instructions = `Continue the user's text. Write only what comes next, without repeating it.${suffix}`
  return {
    chat: {
      model: resolve(request.model),
      messages: [
        { role: 'system', parts: [{ type: 'text', text: instructions }] },
        { role: 'user', parts: [{ type: 'text', text: prompt }] },
      ],
      ...readLimits(request),
    },
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    prefix: request.echo ? prompt : '',
    warnings: tellWithoutEffect(request),
  }
}

const requestSchema = z.looseObject({
  model: z.string().trim().min(1).max(256),
  prompt: z.union([z.string(), z.array(z.string()).min(1)], {
    error: 'expected a text; lists of tokens are not supported',
  }),
  suffix: z.string().nullish(),
  echo: lenientBoolean.nullish(),
  n: z.literal(1, 'more than one answer is not supported here; use /v1/chat/completions').nullish(),
  stream: lenientBoolean.nullish(),
  stream_options: z.object({ include_usage: lenientBoolean.nullish() }).nullish(),
  ...limitFields,
})

export interface CompletionOptions {
  readonly id: string
  /** Seconds since the epoch. */
  readonly created: number
  readonly model: string
  readonly prefix: string
  readonly usage: UsageMeter
}

/** @throws whatever the answer breaks with */
export async function encodeCompletion(answer: Promise<ChatAnswer>, options: CompletionOptions) {
  const { id, created, model, prefix, usage } = options
  const { text, refusal = '', reason } = await collectAnswer(await answer, usage)
  const finish_reason = encodeReason(reason)
  const choice = { index: 0, text: prefix + text + refusal, logprobs: null, finish_reason }
  const counted = encodeChatUsage(await usage.total())
  return { id, object: 'text_completion', created, model, choices: [choice], usage: counted }
}

export function createCompletionStreamEncoder(
  options: CompletionOptions & { readonly includeUsage: boolean },
): StreamEncoder {
  const { id, created, model, prefix, usage, includeUsage } = options
  const head = `data: ${toLine({ id, object: 'text_completion', created, model }).slice(0, -1)},"choices":`
  const textHead = `${head}[{"index":0,"text":`
  const textTail = ',"logprobs":null,"finish_reason":null}]}\n\n'
  let finished: Extract<ChatEvent, { type: 'finished' }> | undefined
  let begun = prefix === ''

  return {
    encode(batch) {
      let output = ''
      for (const event of batch) {
        usage.add(event)
        if (event.type === 'finished') finished = event
        if (event.type !== 'text-delta' && event.type !== 'refusal') continue
        if (!begun) output += encodeDelta(textHead, prefix, textTail)
        begun = true
        if (event.text) output += encodeDelta(textHead, event.text, textTail)
      }
      return output
    },
    async end() {
      if (!finished) throw new UpstreamError('reset')
      const reason = encodeReason(finished.reason)
      const last = `${textHead}"","logprobs":null,"finish_reason":"${reason}"}]}\n\n`
      const counted = includeUsage && `${head}[],"usage":${toLine(encodeChatUsage(await usage.total()))}}\n\n`
      return `${last}${counted || ''}data: [DONE]\n\n`
    },
    encodeError: (error) => `data: ${toLine(encodeError(error))}\n\n`,
  }
}

const encodeReason = (reason: FinishReason) =>
  reason === 'length' ? 'length' : reason === 'content-filter' ? 'content_filter' : 'stop'
