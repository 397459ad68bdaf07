// Builds the rooms from a Config, opens them and closes them in reverse order. Knows no environment and no process.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { checkSignedOut, createAccountAdmin } from './accounts/account-admin.ts'
import { createAccountPool, createChooseAccount } from './accounts/account-pool.ts'
import { createAccountRoster } from './accounts/account-roster.ts'
import { createChatDeletions } from './accounts/chat-deletions.ts'
import { accountsOfSettings } from './accounts/import-accounts.ts'
import { createTotalQuota } from './accounts/total-quota.ts'
import { createTokenSource } from './browser/create-token-source.ts'
import type { Config } from './config.ts'
import { type Clock, systemClock } from './core/clock.ts'
import { UnavailableError } from './core/errors.ts'
import { createLogger, type Logger } from './core/logger.ts'
import { createMetrics, type Metrics } from './core/metrics.ts'
import { createBackgroundWork } from './gateway/background-work.ts'
import { createRunChat } from './gateway/chat.ts'
import { createFetchAttachments } from './gateway/fetch-attachments.ts'
import { createKeptResponses } from './gateway/kept-responses.ts'
import { createRunMedia } from './gateway/media.ts'
import { createVideoJobs } from './gateway/video-jobs.ts'
import { createApp } from './http/app.ts'
import { hardenServer } from './http/harden-server.ts'
import { trackOpenResponses } from './http/open-responses.ts'
import { checkReadiness } from './http/readiness.ts'
import { createCatalogue } from './models/catalogue.ts'
import { openModelsFile } from './models/models-file.ts'
import { createListRefresh } from './models/refresh-lists.ts'
import { countTokens, cutToTokens } from './models/tokens.ts'
import { summariseStart } from './start-summary.ts'
import { openStore } from './store/open-store.ts'
import { createUpstream } from './upstream/client.ts'
import { createPublicFileFetcher } from './upstream/fetch-public-file.ts'

export interface Service {
  /** Listens at once; Chromium starts in the background. @returns the address, e.g. `http://127.0.0.1:7044` */
  listen(): Promise<string>
  /** Refuses new requests, lets streams end within the grace, ends the rest with an in-band error, closes every room. */
  close(): Promise<void>
}

export interface ServiceOverrides {
  readonly clock?: Clock
  readonly random?: () => number
  readonly logger?: Logger
  readonly metrics?: Metrics
  /** Between two questions of how far a picture or video is. */
  readonly pollIntervalMs?: number
}

/** After the grace: how long a stream has to write its in-band error. */
const lastWordsMs = 2_000
/** A load balancer learns from a refusal to go elsewhere; so long its next request may be on the way. */
const lastRequests = { quietMs: 200, timeoutMs: 2_000 }

export function createService(config: Config, overrides: ServiceOverrides = {}): Service {
  const clock = overrides.clock ?? systemClock
  const random = overrides.random ?? Math.random
  const logger = overrides.logger ?? createLogger({ level: config.logLevel, format: config.logFormat })
  const metrics = overrides.metrics ?? createMetrics()
  const shutdown = new AbortController()
  let opening: Promise<string> | undefined
  let closing: Promise<void> | undefined

  for (const notice of config.notices) logger.warn({}, notice)
  const catalogue = createCatalogue({ clock })
  const modelsFile = config.modelsFile
    ? openModelsFile({ path: config.modelsFile, catalogue, logger })
    : undefined

  const chooseAccount = createChooseAccount(random)
  const { store, shared } = openStore({ ...config, chooseAccount, clock, random, logger, metrics })
  const upstream = createUpstream({ ...config, ...overrides, clock, metrics, logger })
  const tokens = createTokenSource({ ...config, clock, random, metrics, logger })
  const configured = accountsOfSettings(config)
  for (const { setting, problem } of configured.problems) logger.warn({ setting }, problem)
  const roster = createAccountRoster({
    ...config,
    accounts: configured.accounts,
    store,
    clock,
    logger,
  })
  const accountAdmin = createAccountAdmin({ roster, store, checkLogin: upstream.checkLogin, clock, logger })
  const chatDeletions = createChatDeletions({
    ...config,
    store,
    findAccount: roster.byKey,
    deleteChat: upstream.deleteProject,
    clock,
    logger,
  })
  const pool = createAccountPool({
    ...config,
    roster,
    store,
    chatDeletions: config.autoDeleteChats ? chatDeletions : undefined,
    clock,
    logger,
  })
  const totalQuota = createTotalQuota({ roster, quota: upstream.quota, clock, logger })
  const listRefresh = createListRefresh({ modelLists: upstream.modelLists, catalogue, random, logger })

  const publicFiles = createPublicFileFetcher({
    allowPrivate: config.imageUrlAllowPrivate,
    maxBytes: config.maxBodyBytes,
  })
  const fetchAttachments = createFetchAttachments({ ...config, ...publicFiles })
  const rooms = { ...config, pool, upstream, tokens, metrics, logger, clock }
  const runChat = createRunChat({ ...rooms, fetchAttachments, cutToTokens })
  const runMedia = createRunMedia(rooms)
  const videoJobs = createVideoJobs({ runMedia, store, clock, logger })
  const backgroundWork = createBackgroundWork({ logger })

  const app = createApp(config, {
    runChat,
    runMedia,
    videoJobs,
    keptResponses: createKeptResponses(store),
    backgroundWork,
    openFile,
    fetchAttachments,
    accountAdmin,
    usage: store.counts,
    quota: totalQuota.read,
    catalogue,
    tokens,
    countTokens,
    readiness: () => checkReadiness({ pool, tokens, redis: shared?.store, isShuttingDown }),
    sharedLimit: shared,
    metrics,
    logger,
    clock,
    shutdown: shutdown.signal,
    isShuttingDown,
  })
  const server = createServer(app.callback())
  hardenServer(server)
  const responses = trackOpenResponses(server)

  return {
    listen() {
      opening ??= open()
      return opening
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }

  async function open(): Promise<string> {
    if (isShuttingDown()) throw new UnavailableError('shutting_down')
    await roster.open()
    await listenOn(server, config)
    const url = urlOf(server)
    const { facts, warnings } = summariseStart(config, { url, accounts: roster.entries() })
    logger.info(facts, 'listening')
    for (const warning of warnings) logger.warn({}, warning)
    if (!isShuttingDown()) startBackground()
    return url
  }

  /** What no request waits for. It begins with the first account: without one nothing is asked and no browser starts. */
  function startBackground(): void {
    void chatDeletions.open()
    if (begin()) return
    const unsubscribe = roster.onChange(() => {
      if (begin()) unsubscribe()
    })
  }

  function begin(): boolean {
    const accounts = roster.entries()
    if (accounts.length === 0) return false
    if (accounts.some(({ account }) => account.kind === 'cookie')) tokens.warmUp()
    listRefresh.start()
    void checkSignedOut({ admin: accountAdmin, logger, signal: shutdown.signal })
    return true
  }

  async function openFile(accountKey: string, url: string, signal: AbortSignal) {
    const account = roster.byKey(accountKey)
    if (!account) throw new UnavailableError('no_account_available', { retryable: false })
    return await upstream.openFile({ account, url, signal })
  }

  async function closeAll(): Promise<void> {
    // A server that is about to listen would not hear of its close.
    await opening?.catch(() => {})
    const since = performance.now()
    logger.info({ open: responses.count }, 'shutting down')
    const ended = await responses.whenNone(config.shutdownGraceMs)
    shutdown.abort(new UnavailableError('shutting_down'))
    if (!ended) await responses.whenNone(lastWordsMs)
    // Whoever still comes is told to go elsewhere: a request that was sent and not answered cannot be sent again.
    await responses.whenQuiet({ since, ...lastRequests })
    const closed = new Promise((resolve) => server.close(resolve))
    const cutting = setTimeout(() => server.closeAllConnections(), lastWordsMs)
    await closed
    clearTimeout(cutting)
    modelsFile?.close()
    await Promise.all([
      videoJobs.close(),
      backgroundWork.close(),
      listRefresh.stop(),
      totalQuota.close(),
      chatDeletions.close(),
    ])
    await Promise.all([tokens.close(), upstream.close(), pool.close()])
    roster.close()
    await store.close()
    logger.info({}, 'closed')
  }

  function isShuttingDown(): boolean {
    return closing !== undefined
  }
}

async function listenOn(server: Server, { host, port }: Pick<Config, 'host' | 'port'>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  await promise
  server.off('error', reject)
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  const wildcard = address === '0.0.0.0' || address === '::'
  const host = wildcard ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${host}:${port}`
}
