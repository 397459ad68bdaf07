import type { ApiKeyAccount } from '../../core/account.ts'
import type { ChatEventBatch } from '../../core/chat-event.ts'
import { Answer } from '../answer.ts'
import { type AskOptions, readAnswer } from '../ask.ts'
import type { AskInput } from '../upstream.ts'
import { decodeVendorChunk } from './decode-chat.ts'
import { encodeVendorChat } from './encode-chat.ts'
import { recogniseVendorReply } from './recognise-vendor-reply.ts'

/** A chat over the surface for API keys: no cookie, no token, no project. Contract: `Upstream.ask`. Source: UPSTREAM 11 */
export function askVendorChat(
  options: AskOptions,
  { generation, request, signal }: AskInput,
  account: ApiKeyAccount,
): AsyncIterable<ChatEventBatch> {
  const answer = new Answer({
    decodeEvent: decodeVendorChunk,
    bound: false,
    countUnknown: () => options.metrics.unknownEvents.inc({ generation }),
  })
  const call = {
    kind: 'chat',
    path: '/api/llm_proxy/v1/chat/completions',
    generation,
    account,
    bound: false,
    encodeBody: () => encodeVendorChat(request),
    recognise: recogniseVendorReply,
    signal,
  } as const
  return readAnswer(options, call, answer)
}
