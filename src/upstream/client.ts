import type { Account, CookieAccount } from '../core/account.ts'
import type { ChatEventBatch } from '../core/chat-event.ts'
import { UpstreamError } from '../core/errors.ts'
import { Answer } from './answer.ts'
import { AskStream, type RouteUse } from './ask-stream.ts'
import { createDirectTransport, type DirectTransportOptions } from './direct-transport.ts'
import { createGenerationChoice, type GenerationOptions, wires } from './generation.ts'
import { type AskMediaOptions, askMedia } from './media/ask-media.ts'
import { openFile } from './open-file.ts'
import { createRequestHeaders } from './request-headers.ts'
import {
  checkKey,
  checkLogin,
  deleteProject,
  fetchKeyQuota,
  fetchModelLists,
  fetchQuota,
} from './site-calls.ts'
import { uploadFiles } from './upload-files.ts'
import type { AskInput, Upstream } from './upstream.ts'
import { askVendorChat } from './vendor-api/ask-chat.ts'
import { askVendorMedia } from './vendor-api/ask-media.ts'

export interface UpstreamOptions
  extends Omit<AskMediaOptions, 'openReply' | 'headers'>,
    GenerationOptions,
    DirectTransportOptions {}

export function createUpstream(options: UpstreamOptions): Upstream {
  const transport = createDirectTransport(options)
  const site = {
    ...options,
    openReply: transport.openReply,
    headers: createRequestHeaders(options.baseUrl),
  }
  const generations = createGenerationChoice(options)

  return {
    generation: generations.current,
    ask: (input) =>
      input.account.kind === 'api-key'
        ? askVendorChat(site, input, input.account)
        : askSiteChat(input, input.account, generations.use(input.generation)),
    askMedia: (input) =>
      input.account.kind === 'api-key'
        ? askVendorMedia(site, input, input.account)
        : askMedia(site, input, { account: input.account, route: generations.use(input.generation) }),
    checkLogin: (account, signal) =>
      account.kind === 'api-key' ? checkKey(site, account, signal) : checkLogin(site, account, signal),
    openFile: (input) => openFile(site, input),
    deleteProject: async (account, projectId, signal) =>
      deleteProject(site, ofSite(account), { projectId, signal }),
    modelLists: (signal) => fetchModelLists(site, signal),
    quota: (account, signal) =>
      account.kind === 'api-key' ? fetchKeyQuota(site, account, signal) : fetchQuota(site, account, signal),
    async close() {
      transport.close()
    },
  }

  function askSiteChat(
    { generation, request, signal, chatId, token, takeToken }: AskInput,
    account: CookieAccount,
    route: RouteUse,
  ): AskStream<ChatEventBatch> {
    const wire = wires[generation]
    const bound = chatId !== undefined
    const answer = new Answer({
      decodeEvent: wire.createDecoder(request.model.search),
      bound,
      countUnknown: () => options.metrics.unknownEvents.inc({ generation }),
    })
    const encodeBody = async (cut: AbortSignal) => {
      const files = await uploadFiles(site, { generation, account, messages: request.messages, signal: cut })
      return wire.encodeRequest(request, { chatId, token: takeToken ? await takeToken() : token, files })
    }
    const { path } = wire
    return new AskStream(
      site,
      { kind: 'chat', generation, account, path, route, bound, encodeBody, signal },
      answer,
    )
  }
}

function ofSite(account: Account): CookieAccount {
  if (account.kind === 'cookie') return account
  throw new UpstreamError('bad-request', { message: 'An API key cannot be used for this.' })
}
