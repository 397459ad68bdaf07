import type { Account, ApiKeyAccount, CookieAccount } from '../core/account.ts'
import type { ChatEventBatch } from '../core/chat-event.ts'
import { UpstreamError } from '../core/errors.ts'
import { importedSessions, type SiteSessions } from '../core/site-session.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { Answer } from './answer.ts'
import { AskStream, type RouteUse } from './ask-stream.ts'
import { createTransport, type TransportOptions } from './choose-transport.ts'
import { createCookieJar } from './cookie-jar.ts'
import { createDirectTransport, type DirectTransportOptions } from './direct-transport.ts'
import { createGenerationChoice, type GenerationOptions, wires } from './generation.ts'
import { type AskMediaOptions, askMedia, resumeMedia } from './media/ask-media.ts'
import { createOpenAnywhere, type OpenAnywhereOptions } from './open-anywhere.ts'
import { openFile } from './open-file.ts'
import { createRequestHeaders } from './request-headers.ts'
import {
  checkKey,
  deleteProject,
  fetchKeyQuota,
  fetchModelLists,
  fetchQuota,
  identify,
} from './site-calls.ts'
import { type StoredFiles, uploadFiles } from './upload-files.ts'
import type { AskInput, Login, Upstream } from './upstream.ts'
import { askVendorChat } from './vendor-api/ask-chat.ts'
import { askVendorMedia } from './vendor-api/ask-media.ts'
import { speak, transcribe } from './vendor-api/audio.ts'
import { createCallPace } from './vendor-api/call-pace.ts'
import { checkKeyChats } from './vendor-api/check-key.ts'
import { askDeviceCode, requestDeviceCode } from './vendor-api/device-login.ts'
import { fetchKeyModels } from './vendor-api/models.ts'
import { createToolEnums } from './vendor-api/tool-enums.ts'

export interface UpstreamOptions
  extends Omit<AskMediaOptions, 'openReply' | 'openAnywhere' | 'headers'>,
    GenerationOptions,
    TransportOptions,
    DirectTransportOptions,
    Pick<OpenAnywhereOptions, 'resolve' | 'isPublic'> {
  readonly logger: GenerationOptions['logger'] & TransportOptions['logger']
  /** Absent: cookies are sent as they were imported. */
  readonly sessions?: SiteSessions
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const { baseUrl, clock, sessions = importedSessions } = options
  const jar = createCookieJar({ baseUrl, clock, sessions })
  const direct = createDirectTransport({ ...options, onSetCookie: jar.take })
  const transport = createTransport(options, direct.openReply)
  const { openReply } = transport
  const site = {
    ...options,
    openReply,
    openAnywhere: createOpenAnywhere({ ...options, openReply, openDirect: direct.openReply }),
    headers: createRequestHeaders(baseUrl, jar.cookieOf),
  }
  const generations = createGenerationChoice(options)
  const pace = createCallPace(clock)
  const toolEnums = createToolEnums()

  return {
    generation: generations.current,
    ask: (input) =>
      input.account.kind === 'api-key'
        ? askVendorChat(site, input, input.account)
        : askSiteChat(input, input.account, routeOf(input.generation, input.account)),
    askMedia: (input) =>
      input.account.kind === 'api-key'
        ? askVendorMedia({ ...site, pace, toolEnums }, input, input.account)
        : askMedia(site, input, {
            account: input.account,
            route: routeOf(input.generation, input.account),
          }),
    speak: ({ account, ...input }) => speak({ ...site, pace }, { ...input, account: ofKey(account) }),
    transcribe: ({ account, ...input }) =>
      transcribe({ ...site, pace }, { ...input, account: ofKey(account) }),
    resumeMedia: (input) => resumeMedia(site, input),
    checkLogin: async (account, signal) =>
      account.kind === 'api-key'
        ? await checkKey(site, account, signal)
        : (await identifyNow(account, signal)).state,
    checkAccount: async (account, signal) =>
      account.kind === 'api-key'
        ? await checkKeyChats(site, account, signal)
        : (await identifyNow(account, signal)).state,
    identify: identifyNow,
    openFile: (input) => openFile(site, input),
    deleteProject: async (account, projectId, signal) =>
      deleteProject(site, ofSite(account), { projectId, signal }),
    async keyModels(account, signal) {
      const reading = toolEnums.refresh(site, account, signal)
      const models = await fetchKeyModels(site, account, signal)
      await reading
      return models
    },
    modelLists: (signal) => fetchModelLists(site, signal),
    quota: (account, signal) =>
      account.kind === 'api-key' ? fetchKeyQuota(site, account, signal) : fetchQuota(site, account, signal),
    requestDeviceCode: (signal) => requestDeviceCode(site, signal),
    askDeviceCode: (code, signal) => askDeviceCode(site, code, signal),
    async close() {
      transport.close()
      direct.close()
    },
  }

  /** A session that was renewed meanwhile, by another reply or replica, is no guest's. */
  async function identifyNow(account: CookieAccount, signal: AbortSignal): Promise<Login> {
    const revision = sessions.revisionOf(account)
    const login = await identify(site, account, signal)
    if (login.state === 'signed-in') return login
    const isRenewed = sessions.revisionOf(account) !== revision || (await sessions.refresh(account))
    return isRenewed ? await identify(site, account, signal) : login
  }

  function routeOf(generation: WireGeneration, account: CookieAccount): RouteUse {
    const route = generations.use(generation)
    return { ...route, failed: (error) => transport.judge(account, route.failed(error)) }
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
    const { messages } = request
    const hasFiles = messages.some(({ parts }) => parts.some(({ type }) => type === 'file'))
    const encode = (files: StoredFiles, fresh = token) =>
      wire.encodeRequest(request, { chatId, token: fresh, files })
    const encodeBody = async (cut: AbortSignal) => {
      const files = await uploadFiles(site, { generation, account, messages, signal: cut })
      return encode(files, takeToken && (await takeToken()))
    }
    const { path } = wire
    return new AskStream(
      site,
      {
        kind: 'chat',
        generation,
        account,
        path,
        route,
        bound,
        encodeBody: hasFiles ? encodeBody : () => encode(noFiles),
        signal,
      },
      answer,
    )
  }
}

const noFiles: StoredFiles = new Map()

function ofKey(account: Account): ApiKeyAccount {
  if (account.kind === 'api-key') return account
  throw new UpstreamError('bad-request', { message: 'A cookie cannot be used for this.' })
}

function ofSite(account: Account): CookieAccount {
  if (account.kind === 'cookie') return account
  throw new UpstreamError('bad-request', { message: 'An API key cannot be used for this.' })
}
