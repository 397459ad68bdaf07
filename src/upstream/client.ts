import type { Account, CookieAccount } from '../core/account.ts'
import { UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { ask } from './ask.ts'
import { checkLogin } from './check-login.ts'
import { createGenerationChoice, type GenerationOptions } from './choose-generation.ts'
import { deleteProject } from './delete-project.ts'
import { fetchQuota } from './fetch-quota.ts'
import { type AskMediaOptions, askMedia } from './media/ask-media.ts'
import { fetchModelLists } from './model-lists.ts'
import { openFile } from './open-file.ts'
import { type ConnectionsOptions, createConnections } from './open-reply.ts'
import { createRequestHeaders } from './request-headers.ts'
import type { AskInput, Upstream } from './upstream.ts'
import { askVendorChat } from './vendor-api/ask-chat.ts'
import { askVendorMedia } from './vendor-api/ask-media.ts'
import { checkKey, fetchKeyQuota } from './vendor-api/fetch-profile.ts'

export interface UpstreamOptions
  extends Omit<AskMediaOptions, 'openReply' | 'headers'>,
    GenerationOptions,
    ConnectionsOptions {
  readonly logger: Pick<Logger, 'warn'>
}

export function createUpstream(options: UpstreamOptions): Upstream {
  const connections = createConnections(options)
  const site = {
    ...options,
    openReply: connections.openReply,
    headers: createRequestHeaders(options.baseUrl),
  }
  const generations = createGenerationChoice(options)

  return {
    generation: generations.current,
    ask: (input) =>
      input.account.kind === 'api-key'
        ? askVendorChat(site, input, input.account)
        : askAndLearn(input, (account) => ask(site, input, account)),
    askMedia: (input) =>
      input.account.kind === 'api-key'
        ? askVendorMedia(site, input, input.account)
        : askAndLearn(input, (account) => askMedia(site, input, account)),
    checkLogin: (account, signal) =>
      account.kind === 'api-key' ? checkKey(site, account, signal) : checkLogin(site, account, signal),
    openFile: (input) => openFile(site, input),
    deleteProject: async (account, projectId, signal) =>
      deleteProject(site, ofSite(account), { projectId, signal }),
    modelLists: (signal) => fetchModelLists(site, signal),
    quota: (account, signal) =>
      account.kind === 'api-key' ? fetchKeyQuota(site, account, signal) : fetchQuota(site, account, signal),
    async close() {
      connections.close()
    },
  }

  /** Asks, and learns from the outcome whether the route is there. */
  async function* askAndLearn<Piece>(
    { generation, account }: Pick<AskInput, 'generation' | 'account'>,
    send: (account: CookieAccount) => AsyncIterable<Piece>,
  ): AsyncGenerator<Piece> {
    const found = generations.asking(generation)
    try {
      for await (const piece of send(ofSite(account))) {
        found()
        yield piece
      }
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.kind !== 'route-gone') throw error
      options.logger.warn({ generation }, 'the route of this protocol is gone')
      throw generations.gone(generation, error)
    }
  }
}

function ofSite(account: Account): CookieAccount {
  if (account.kind === 'cookie') return account
  throw new UpstreamError('bad-request', { message: 'An API key cannot be used for this.' })
}
