// Wiring: builds every module with exactly the settings that it reads, and knows in which order they close.
// Touches every module but `doctor`; no environment, no process.

import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { hostname } from 'node:os'
import { createAccountAdmin } from './accounts/account-admin.ts'
import { createAccountPool, createChooseAccount } from './accounts/account-pool.ts'
import { createAccountRoster } from './accounts/account-roster.ts'
import type { Identify } from './accounts/account-sessions.ts'
import { createChatDeletions } from './accounts/chat-deletions.ts'
import { createDeviceLogins } from './accounts/device-logins.ts'
import { accountsOfSettings } from './accounts/import-accounts.ts'
import { createTotalQuota } from './accounts/total-quota.ts'
import { createBrowser } from './browser/create-token-source.ts'
import { type Config, ConfigError } from './config.ts'
import type { Account } from './core/account.ts'
import { type Clock, createAgeClock, systemClock } from './core/clock.ts'
import { InvalidRequestError } from './core/errors.ts'
import { createLogger, type Logger } from './core/logger.ts'
import { createMemoryWatch } from './core/memory-group.ts'
import { createMetrics, type Metrics } from './core/metrics.ts'
import { createRunAudio } from './gateway/audio.ts'
import { createBackgroundWork } from './gateway/background-work.ts'
import { createRunChat } from './gateway/chat.ts'
import { createFetchAttachments } from './gateway/fetch-attachments.ts'
import { createKeptResponses } from './gateway/kept-responses.ts'
import { createRunMedia } from './gateway/media.ts'
import { createProcesses } from './gateway/processes.ts'
import { warmUpSchemas } from './gateway/stages/check-json.ts'
import { createVideoJobs } from './gateway/video-jobs.ts'
import { createApp } from './http/app.ts'
import { hardenServer } from './http/harden-server.ts'
import { checkReadiness } from './http/readiness.ts'
import { createCatalogue } from './models/catalogue.ts'
import { createKeyModels } from './models/key-models.ts'
import { ModelsFileError, openModelsFile } from './models/models-file.ts'
import { createKeyModelRefresh, createListRefresh } from './models/refresh-lists.ts'
import { countTokens, cutToTokens, warmUpTokens } from './models/tokens.ts'
import { createRecords } from './records/ring.ts'
import { createSeries } from './records/series.ts'
import { createEmbeddedStore } from './store/embedded-store.ts'
import { lockDataDir } from './store/lock-data-dir.ts'
import { createNamedKeys } from './store/named-keys.ts'
import { openStore } from './store/open-store.ts'
import { createOperatorKey } from './store/operator-key.ts'
import { createOperatorSessions } from './store/operator-sessions.ts'
import { RedisSettingsError } from './store/redis/redis-failure.ts'
import { createSeal } from './store/seal.ts'
import { createSealedDocuments } from './store/sealed-documents.ts'
import { StateFileError } from './store/state-file.ts'
import { openStateKeys } from './store/state-key.ts'
import { createUpstream } from './upstream/client.ts'
import type { PublicFileFetcher } from './upstream/fetch-public-file.ts'
import type { PassThrough } from './upstream/pass-through.ts'

export interface ServiceOverrides {
  readonly clock?: Clock
  readonly random?: () => number
  readonly logger?: Logger
  readonly metrics?: Metrics
  /** Pause between two polls of a picture or video in the making. */
  readonly pollIntervalMs?: number
  /** Further arguments of Chromium. */
  readonly browserArguments?: readonly string[]
  /** Whose addresses pass for public ones where the site or a link names them; tests stand in for storage. */
  readonly isPublic?: (address: string) => boolean
}

interface ModuleOptions {
  readonly overrides: ServiceOverrides
  readonly shutdown: AbortSignal
  readonly isShuttingDown: () => boolean
}

/** Every module with the settings that it reads, those without dependencies first. */
export async function createModules(config: Config, { overrides, shutdown, isShuttingDown }: ModuleOptions) {
  const clock = overrides.clock ?? systemClock
  const random = overrides.random ?? Math.random
  const logger = overrides.logger ?? createLogger({ level: config.logLevel, format: config.logFormat })
  const metrics = overrides.metrics ?? createMetrics()
  for (const notice of config.notices) logger.warn({}, notice)

  const keyModels = createKeyModels()
  const catalogue = createCatalogue({
    ...{ clock, keyModels },
    hasKeysAlone: () => hasKind('api-key') && !hasKind('cookie'),
  })
  const { modelsFile: path } = config
  const modelsFile = path ? readModelsFile(() => openModelsFile({ path, catalogue, logger })) : undefined
  // Replicas that share Redis know of each other.
  const unlockDataDir =
    config.redisUrl === undefined ? orConfigError(() => lockDataDir(config.dataDir)) : undefined
  const { store, shared, isStateKept } = await openStore({
    ...pick(config, 'redisUrl', 'redisPrefix', 'redisDownMode', 'dataDir'),
    chooseAccount: createChooseAccount(random),
    ...{ clock, random, logger, metrics },
  }).catch((error: unknown) => {
    unlockDataDir?.()
    throw error instanceof StateFileError || error instanceof RedisSettingsError
      ? new ConfigError([error.message])
      : error
  })
  const { accounts, problems } = accountsOfSettings(pick(config, 'cookieText', 'vendorApiKeys', 'gskApiKeys'))
  for (const { setting, problem } of problems) logger.warn({ setting }, problem)
  const canMake = config.redisUrl === undefined
  const stateKeys = orConfigError(() =>
    openStateKeys({ ...pick(config, 'stateKeys', 'dataDir'), canMake, logger }),
  )
  const documents = createSealedDocuments(store, createSeal(stateKeys))
  // Without a key prompts would lie readable in Redis: this replica alone remembers them.
  const prompts =
    stateKeys.length > 0
      ? undefined
      : createEmbeddedStore({
          ...{ clock, logger, dataDir: undefined },
          chooseAccount: createChooseAccount(random),
          maxDocumentsLength: Math.min(maxPromptsInMemory, Math.floor(config.memoryPlan.bytes / 64)),
        })
  const identify: Identify = (account, signal) => upstream.identify(account, signal)
  const onGone = (key: string) => tokens.forget(key)
  const roster = createAccountRoster({ accounts, stateKeys, store, identify, onGone, clock, logger })
  const { sessions } = roster
  const hasKind = (kind: Account['kind']) => roster.entries().some(({ account }) => account.kind === kind)
  const { transport } = config
  const { tokens, pages } = createBrowser({
    ...pick(config, 'baseUrl', 'proxyUrl', 'recaptchaMode', 'recaptchaProxyUrl', 'tokenPrefetch'),
    ...pick(config, 'recaptchaSiteKey', 'recaptchaAction', 'recaptchaScriptUrl', 'tokenMaxAgeMs'),
    ...pick(config, 'browserMaxPages', 'browserExecutable', 'browserEndpoint'),
    ...pick(config, 'browserHeaded', 'display', 'xAuthority'),
    ...pick(overrides, 'browserArguments'),
    transport: transport === 'direct' ? 'none' : transport,
    memory: createMemoryWatch(),
    // Of the age of tokens.
    clock: overrides.clock ?? createAgeClock(),
    ...{ sessions, random, logger, metrics },
  })
  const upstream = createUpstream({
    ...pick(config, 'baseUrl', 'protocol', 'transport', 'proxyUrl'),
    ...pick(config, 'firstEventTimeoutMs', 'idleTimeoutMs', 'totalTimeoutMs', 'mediaTimeoutMs'),
    ...pick(overrides, 'pollIntervalMs', 'isPublic'),
    openByPage: pages?.openReply,
    findings: store,
    ...{ sessions, clock, logger, metrics },
  })

  const { checkAccount, quota } = upstream
  const accountAdmin = createAccountAdmin({
    ...{ roster, store, checkAccount, identify, clock, logger },
    credits: { of: (key) => totalQuota.of(key) },
  })
  const { requestDeviceCode, askDeviceCode } = upstream
  const deviceLogins = createDeviceLogins({ accountAdmin, requestDeviceCode, askDeviceCode, clock, logger })
  const totalQuota = createTotalQuota({ roster, quota, clock, logger })
  const chatDeletions = createChatDeletions({
    ...pick(config, 'modelChatMap', 'sessionImageChatMap'),
    findAccount: roster.byKey,
    deleteChat: upstream.deleteProject,
    ...{ store, clock, logger },
  })
  const pool = createAccountPool({
    ...pick(config, 'accountMaxConcurrency', 'accountSelection', 'queueWaitMs', 'queueMax'),
    ...pick(config, 'rateLimitCoolDownMs', 'modelChatMap', 'sessionImageChatMap', 'autoBindChats'),
    chatDeletions: config.autoDeleteChats ? chatDeletions : undefined,
    openAccounts: tokens.openAccounts,
    ...{ roster, store, clock, logger },
  })
  const listRefresh = createListRefresh({ modelLists: upstream.modelLists, catalogue, random, logger })
  const apiKeyAccounts = () =>
    roster.entries().flatMap(({ account }) => (account.kind === 'api-key' ? [account] : []))
  let accountKeys: readonly string[] = []
  function noteKeys(): void {
    accountKeys = apiKeyAccounts().map(({ key }) => key)
    keyModels.retain(new Set(accountKeys))
  }
  noteKeys()
  const keyModelRefresh = createKeyModelRefresh({
    ...{ accounts: apiKeyAccounts, fetchModels: upstream.keyModels, keyModels, random, logger },
  })
  roster.onChange(() => {
    noteKeys()
    keyModelRefresh.again()
  })

  const publicFiles = once(async (): Promise<PublicFileFetcher> => {
    const { createPublicFileFetcher } = await import('./upstream/fetch-public-file.ts')
    return createPublicFileFetcher({
      allowPrivate: config.imageUrlAllowPrivate,
      maxBytes: config.maxBodyBytes,
      proxyUrl: config.proxyUrl,
    })
  })
  const passThrough = once(async (): Promise<PassThrough> => {
    const { createPassThrough } = await import('./upstream/pass-through.ts')
    const { embeddingsBaseUrl: baseUrl = '', embeddingsApiKey: apiKey } = config
    return createPassThrough({ baseUrl, apiKey })
  })
  const fetchAttachments = createFetchAttachments({
    ...pick(config, 'maxBodyBytes'),
    fetchImage: async (url, options) => (await publicFiles()).fetchImage(url, options),
  })
  const attempts = {
    ...pick(config, 'maxAttempts', 'tokenRequired'),
    pool,
    upstream,
    tokens,
    metrics,
    logger,
    clock,
    keys: { accountKeys: () => accountKeys, models: keyModels },
    hasKind,
  }
  const runChat = createRunChat({
    ...pick(config, 'preMessages', 'servedModelMismatch'),
    ...attempts,
    fetchAttachments,
    cutToTokens,
  })
  const runMedia = createRunMedia(attempts)
  const runAudio = createRunAudio(attempts)
  const processes = createProcesses({ store, alone: config.redisUrl === undefined })
  const videoJobs = createVideoJobs({
    ...{ runMedia, processes, clock, logger },
    resumeMedia({ accountKey, resume }, input) {
      const account = roster.byKey(accountKey)
      return account && { account, events: upstream.resumeMedia({ ...input, account, resume }) }
    },
    store: documents,
    promptsStored: prompts === undefined,
  })
  const backgroundWork = createBackgroundWork({ logger })

  const operatorKey = createOperatorKey(store)
  const seesAll = shared && (() => shared.store.isRedisUp())
  const namedKeys = createNamedKeys({ store, seesAll, clock, logger })
  const { adminSecrets } = config
  const operatorSessions = createOperatorSessions({ store, seal: createSeal(stateKeys), adminSecrets })
  // Containers that are made anew, and processes of one machine, tell themselves apart by the end of it.
  const replica = `${hostname().slice(0, 60)}-${randomBytes(2).toString('hex')}`
  const records = createRecords({ replica, shared: shared?.store.requests })
  const series = createSeries(clock)
  records.onEnded(series.add)

  const app = createApp(config, {
    ...{
      operatorKey,
      namedKeys,
      operatorSessions,
      linkStore: store,
      runChat,
      runMedia,
      runAudio,
      videoJobs,
      backgroundWork,
      processes,
      fetchAttachments,
      accountAdmin,
      deviceLogins,
      catalogue,
      tokens,
    },
    ...{ records, series, replica, countTokens, metrics, logger, clock, shutdown, isShuttingDown },
    keptResponses: createKeptResponses(prompts ?? documents, { keepMs: config.responsesKeepMs }),
    async openFile(accountKey, url, signal) {
      const account = roster.byKey(accountKey)
      if (!account) throw new InvalidRequestError('not_found', { message: accountGone })
      return await upstream.openFile({ account, url, signal })
    },
    usage: store.counts,
    quota: totalQuota.read,
    readiness: () =>
      checkReadiness({
        ...pick(config, 'tokenRequired'),
        ...{ pool, tokens, redis: shared?.store, isStateKept, isShuttingDown },
      }),
    sharedLimit: shared,
    passThrough: config.embeddingsBaseUrl
      ? async (...request) => (await passThrough())(...request)
      : undefined,
  })
  const server = createServer(app.callback())
  hardenServer(server)

  return {
    ...{
      server,
      clock,
      logger,
      store,
      operatorKey,
      roster,
      tokens,
      listRefresh,
      keyModelRefresh,
      chatDeletions,
      accountAdmin,
      isStateKept,
      background: [videoJobs, backgroundWork],
    },
    /** What some requests need and the first chat does not. The client for addresses that users name is not among it: it takes
     *  20 MB, and loads in steps of few ms when the first such picture comes. */
    onDemand: [() => import('file-type'), warmUpSchemas, warmUpTokens],
    /** In the reverse order of use: first those that ask, then what they ask with, last the store. */
    async close() {
      modelsFile?.close()
      await Promise.all(
        [videoJobs, backgroundWork, totalQuota, chatDeletions, deviceLogins].map((module) => module.close()),
      )
      await processes.close()
      await Promise.all([listRefresh.stop(), keyModelRefresh.stop()])
      await Promise.all([tokens.close(), upstream.close(), pool.close()])
      roster.close()
      namedKeys.close()
      await records.close()
      await Promise.all([store.close(), prompts?.close()])
      unlockDataDir?.()
    },
  }
}

const accountGone = 'The account that this file belongs to was removed.'
/** In UTF-16 units. */
const maxPromptsInMemory = 32 * 1024 * 1024

function orConfigError<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : String(error)])
  }
}

function readModelsFile<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (!(error instanceof ModelsFileError)) throw error
    throw new ConfigError(error.faults.map((fault) => `MODELS_FILE: ${fault}`))
  }
}

/** The named entries alone, so that it can be seen which settings a module reads. */
function pick<T extends object, Key extends keyof T>(from: T, ...keys: readonly Key[]): Pick<T, Key> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, Key>
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}
