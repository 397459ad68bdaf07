import type { ApiKeyAccount } from '../../core/account.ts'
import type { ChatEventBatch } from '../../core/chat-event.ts'
import type { ChatRequest } from '../../core/chat-request.ts'
import type { KeyModel } from '../../core/key-model.ts'
import { Answer, type DecodeEvent } from '../answer.ts'
import { type AskCall, type AskOptions, AskStream } from '../ask-stream.ts'
import { isMissingRoute } from '../site-calls.ts'
import type { AskInput } from '../upstream.ts'
import { createAnthropicDecoder, decodeAnthropicMessage, encodeAnthropicChat } from './anthropic.ts'
import { createGeminiDecoder, decodeGeminiReply, encodeGeminiChat, geminiPath } from './gemini.ts'
import { decodeOpenAiChunk, decodeOpenAiCompletion, encodeOpenAiChat } from './openai.ts'
import { recogniseCreditWall, recogniseRouteReply, recogniseVendorReply } from './vendor-failures.ts'

/** A chat over the surface for API keys: no cookie, no token, no project. Each model is asked in the style of its maker: Claude
 *  in Anthropic's, in which it thinks aloud and sees pictures as they are, Gemini in Google's; in OpenAI's where that has no form
 *  for the request or its route is gone. Contract: `Upstream.ask`. Source: WIRE 11 */
export function askVendorChat(
  options: AskOptions,
  input: AskInput,
  account: ApiKeyAccount,
): AsyncIterableIterator<ChatEventBatch, undefined> {
  const { keyModel } = input
  const request = ofKey(input.request.native ?? input.request, keyModel)
  const [model = request.model.id] = request.model.upstreamIds.agent
  const inOpenAi = () =>
    askInStyle(options, input, { ...openAi, account, body: encodeOpenAiChat(request, keyModel?.efforts) })
  if (model.startsWith('gemini')) {
    const style = geminiStyle(model, account)
    const body = encodeGeminiChat(request, keyModel?.efforts)
    return new Fallback(askInStyle(options, input, { ...style, account, body }), inOpenAi)
  }
  const body = model.startsWith('claude') ? encodeAnthropicChat(request, keyModel) : undefined
  if (!body) return inOpenAi()
  return new Fallback(askInStyle(options, input, { ...anthropic, account, body }), inOpenAi)
}

/** The same request for the model by the name that the key is served it by. */
function ofKey<Request extends Pick<ChatRequest, 'model'>>(request: Request, keyModel: KeyModel | undefined) {
  if (!keyModel) return request
  const ids = [keyModel.id]
  return { ...request, model: { ...request.model, upstreamIds: { agent: ids, copilot: ids } } }
}

/** Asks again in another style when the first finds its route missing. */
class Fallback implements AsyncIterableIterator<ChatEventBatch, undefined> {
  #current: AskStream<ChatEventBatch>
  #other: (() => AskStream<ChatEventBatch>) | undefined

  constructor(first: AskStream<ChatEventBatch>, other: () => AskStream<ChatEventBatch>) {
    this.#current = first
    this.#other = other
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<ChatEventBatch, undefined>> {
    const other = this.#other
    if (!other) return this.#current.next()
    this.#other = undefined
    return this.#current.next().catch((error: unknown) => {
      if (!isMissingRoute(error)) throw error
      this.#current = other()
      return this.#current.next()
    })
  }

  return(): Promise<IteratorResult<ChatEventBatch, undefined>> {
    return this.#current.return()
  }
}

interface ChatStyle extends Required<Pick<AskCall, 'path' | 'headers' | 'recognise'>> {
  createDecoder(): DecodeEvent
  decodeWhole(reply: unknown, answer: Answer): boolean
}

const anthropic: ChatStyle = {
  path: '/api/anthropic/v1/messages',
  headers: { 'anthropic-version': '2023-06-01' },
  createDecoder: createAnthropicDecoder,
  decodeWhole: decodeAnthropicMessage,
  recognise: recogniseRouteReply,
}

const openAi: ChatStyle = {
  path: '/api/llm_proxy/v1/chat/completions',
  headers: {},
  createDecoder: () => decodeOpenAiChunk,
  decodeWhole: decodeOpenAiCompletion,
  recognise: recogniseVendorReply,
}

const geminiStyle = (model: string, { apiKey }: ApiKeyAccount): ChatStyle => ({
  path: geminiPath(model),
  headers: { 'x-goog-api-key': apiKey },
  createDecoder: createGeminiDecoder,
  decodeWhole: decodeGeminiReply,
  recognise: recogniseRouteReply,
})

function askInStyle(
  options: AskOptions,
  { generation, signal }: AskInput,
  {
    createDecoder,
    decodeWhole,
    body,
    ...style
  }: ChatStyle & Pick<AskCall, 'account'> & { readonly body: object },
): AskStream<ChatEventBatch> {
  const bound = false
  const countUnknown = () => options.metrics.unknownEvents.inc({ generation })
  const answer = new Answer({ decodeEvent: createDecoder(), bound, countUnknown })
  const call = {
    ...style,
    recogniseHeaders: recogniseCreditWall,
    decodeWhole: (reply: unknown) => decodeWhole(reply, answer),
    kind: 'chat',
    generation,
    bound,
    encodeBody: () => body,
    signal,
  } as const
  return new AskStream(options, call, answer)
}
