import type { ApiKeyAccount } from '../../core/account.ts'
import type { ChatEventBatch } from '../../core/chat-event.ts'
import type { ChatModel } from '../../core/chat-request.ts'
import { Answer, type DecodeEvent } from '../answer.ts'
import { type AskOptions, readAnswer } from '../ask.ts'
import { isMissingRoute } from '../call-site.ts'
import type { AskCall } from '../read-ask.ts'
import type { AskInput } from '../upstream.ts'
import { decodeAnthropicEvent } from './decode-anthropic-chat.ts'
import { decodeOpenAiChunk } from './decode-openai-chat.ts'
import { encodeAnthropicChat } from './encode-anthropic-chat.ts'
import { encodeOpenAiChat } from './encode-openai-chat.ts'
import { recogniseRouteReply, recogniseVendorReply } from './recognise-vendor-reply.ts'

/** A chat over the surface for API keys: no cookie, no token, no project. Claude models are asked in Anthropic's style, in
 *  which they think aloud; in OpenAI's when that has no form for the request or its route is gone. Contract: `Upstream.ask`.
 *  Source: UPSTREAM 11 */
export async function* askVendorChat(
  options: AskOptions,
  input: AskInput,
  account: ApiKeyAccount,
): AsyncGenerator<ChatEventBatch> {
  const { request } = input
  const body = isClaude(request.model) ? encodeAnthropicChat(request) : undefined
  if (body) {
    let begun = false
    try {
      for await (const batch of askInStyle(options, input, { ...anthropic, account, body })) {
        begun = true
        yield batch
      }
      return
    } catch (error) {
      if (begun || !isMissingRoute(error)) throw error
    }
  }
  yield* askInStyle(options, input, { ...openAi, account, body: encodeOpenAiChat(request) })
}

const isClaude = ({ upstreamIds }: ChatModel): boolean => upstreamIds.agent[0]?.startsWith('claude') ?? false

interface ChatStyle extends Required<Pick<AskCall, 'path' | 'headers' | 'recognise'>> {
  readonly decodeEvent: DecodeEvent
}

const anthropic: ChatStyle = {
  path: '/api/anthropic/v1/messages',
  headers: { 'anthropic-version': '2023-06-01' },
  decodeEvent: decodeAnthropicEvent,
  recognise: recogniseRouteReply,
}

const openAi: ChatStyle = {
  path: '/api/llm_proxy/v1/chat/completions',
  headers: {},
  decodeEvent: decodeOpenAiChunk,
  recognise: recogniseVendorReply,
}

function askInStyle(
  options: AskOptions,
  { generation, signal }: AskInput,
  { decodeEvent, body, ...style }: ChatStyle & Pick<AskCall, 'account'> & { readonly body: object },
): AsyncIterable<ChatEventBatch> {
  const bound = false
  const countUnknown = () => options.metrics.unknownEvents.inc({ generation })
  const answer = new Answer({ decodeEvent, bound, countUnknown })
  const call = { ...style, kind: 'chat', generation, bound, encodeBody: () => body, signal } as const
  return readAnswer(options, call, answer)
}
