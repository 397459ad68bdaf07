// Module `doctor`: looks at everything that the service needs, part by part, and says what is wrong and what to do about it.
// Touches `accounts`, `browser`, `upstream`, `store`, `core`; it asks a model for no more than the one token that proves an API
// key, and changes nothing but a session that the site renews meanwhile.

import { createChooseAccount } from '../accounts/account-pool.ts'
import { createAccountRoster } from '../accounts/account-roster.ts'
import type { Identify } from '../accounts/account-sessions.ts'
import { accountsOfSettings } from '../accounts/import-accounts.ts'
import { createBrowser } from '../browser/create-token-source.ts'
import type { Config } from '../config.ts'
import type { Account } from '../core/account.ts'
import { systemClock } from '../core/clock.ts'
import { createLogger } from '../core/logger.ts'
import { createMetrics } from '../core/metrics.ts'
import { importedSessions, type SiteSessions } from '../core/site-session.ts'
import { openStore } from '../store/open-store.ts'
import { openStateKeys } from '../store/state-key.ts'
import { createUpstream } from '../upstream/client.ts'
import {
  checkChromium,
  checkDataDir,
  checkKey,
  checkMemory,
  checkRedis,
  checkSecret,
  checkSite,
  checkToken,
  checkVersions,
  type Finding,
  judgeLogin,
  judgeTransport,
  tryRoute,
} from './checks.ts'

/** Prints a line for each part as soon as it is known.
 *  @returns what was found; it is healthy without a fault, warnings are none */
export async function runDoctor(
  config: Config,
  print: (line: string) => void,
): Promise<{ readonly healthy: boolean; readonly findings: readonly Finding[] }> {
  const findings: Finding[] = []
  for await (const finding of examine(config)) {
    findings.push(finding)
    print(formatFinding(finding))
  }
  return { healthy: findings.every(({ state }) => state !== 'fault'), findings }
}

async function* examine(config: Config): AsyncGenerator<Finding> {
  const logger = createLogger({ level: 'silent', format: 'json' })
  yield checkVersions()
  yield { state: 'ok', part: 'settings', text: 'all of them can be read' }
  yield checkSecret(config)
  for (const notice of config.notices) yield { state: 'warning', part: 'settings', text: notice }
  yield checkMemory()
  const chromium = await checkChromium(config)
  if (chromium) yield chromium
  const dataDir = await checkDataDir(config.dataDir)
  yield dataDir
  const redis =
    config.redisUrl === undefined ? undefined : await checkRedis(config.redisUrl, { ...config, logger })
  if (redis) yield redis

  const { accounts, problems } = accountsOfSettings(config)
  for (const { setting, problem } of problems) yield { state: 'fault', part: setting, text: problem }
  if (dataDir.state === 'fault') {
    // Asked with a cookie as it was imported, the site may renew a session that the service has renewed since.
    const text = 'not looked at: what the service knows of them stands in state.db'
    yield { state: 'warning', part: 'accounts', text }
    yield await checkSiteAlone(config)
    return
  }
  const upstreams: { identify?: Identify } = {}
  const state = await openState(config, accounts, {
    identify: (account, signal) => upstreams.identify?.(account, signal) ?? Promise.reject(new Error('over')),
    dataDir: dataDir.state === 'ok' ? config.dataDir : undefined,
    redisUrl: redis?.state === 'ok' ? config.redisUrl : undefined,
  })
  if ('problem' in state) {
    const remedy = 'put back state.key and STATE_KEY as the service has them'
    yield {
      state: 'fault',
      part: 'accounts',
      text: `what is stored of them cannot be read: ${state.problem}`,
      remedy,
    }
  }
  try {
    const known = state.roster.entries().map(({ account }) => account)
    if (known.length === 0) {
      const remedy = 'set GS_COOKIE to the session_id cookie of your Genspark account'
      yield { state: 'fault', part: 'accounts', text: 'there is none', remedy }
    }
    yield* findingsOfSite(config, known, { sessions: state.roster.sessions, upstreams })
  } finally {
    await state.close()
  }
}

interface StateOptions {
  readonly identify: Identify
  /** Undefined where they cannot be used: then only what the settings say is known. */
  readonly dataDir: string | undefined
  readonly redisUrl: string | undefined
}

/** The accounts as a service with these settings has them, one that is running too: those added at run time, and the sessions that
 *  the site has renewed. What the site renews while the doctor asks is stored: the old session would be a guest's from then on. A
 *  service that runs beside it looks there before it believes that an account is signed out. */
async function openState(config: Config, accounts: readonly Account[], options: StateOptions) {
  const logger = createLogger({ level: 'silent', format: 'json' })
  const common = { clock: systemClock, logger }
  let problem: string | undefined
  let stateKeys: ReturnType<typeof openStateKeys> = []
  try {
    const canMake = options.redisUrl === undefined
    stateKeys = openStateKeys({ stateKeys: config.stateKeys, dataDir: options.dataDir, canMake, logger })
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error)
  }
  const isReadable = problem === undefined
  const { store } = await openStore({
    ...common,
    ...{ redisPrefix: config.redisPrefix, redisDownMode: config.redisDownMode },
    dataDir: isReadable ? options.dataDir : undefined,
    redisUrl: isReadable ? options.redisUrl : undefined,
    chooseAccount: createChooseAccount(Math.random),
    random: Math.random,
    metrics: createMetrics(),
  })
  const roster = createAccountRoster({ ...common, accounts, store, stateKeys, identify: options.identify })
  await roster.open()
  return {
    roster,
    ...(problem !== undefined && { problem }),
    async close() {
      roster.close()
      await store.close()
    },
  }
}

async function checkSiteAlone(config: Config): Promise<Finding> {
  const logger = createLogger({ level: 'silent', format: 'json' })
  const tools = {
    ...config,
    clock: systemClock,
    metrics: createMetrics(),
    logger,
    sessions: importedSessions,
  }
  const upstream = createUpstream({ ...tools, transport: 'direct' })
  try {
    return await checkSite(upstream)
  } finally {
    await upstream.close()
  }
}

/** Each way to the site on its own, whatever GENSPARK_TRANSPORT says, so that one does not stand in for the other. */
async function* findingsOfSite(
  config: Config,
  accounts: readonly Account[],
  { sessions, upstreams }: { sessions: SiteSessions; upstreams: { identify?: Identify } },
): AsyncGenerator<Finding> {
  const logger = createLogger({ level: 'silent', format: 'json' })
  const tools = { ...config, clock: systemClock, metrics: createMetrics(), logger, sessions }
  const { recaptchaMode, transport } = config
  const mayRunPages =
    recaptchaMode === 'embedded' || transport === 'browser' || config.browserEndpoint !== undefined
  const { tokens, pages } = createBrowser({
    ...tools,
    tokenPrefetch: 0,
    random: Math.random,
    transport: mayRunPages ? 'browser' : 'none',
  })
  const direct = createUpstream({ ...tools, transport: 'direct' })
  const byPage = createUpstream({ ...tools, transport: 'browser', openByPage: pages?.openReply })
  upstreams.identify = mayRunPages ? byPage.identify : direct.identify
  try {
    yield await checkSite(direct)
    for (const account of accounts) {
      if (account.kind === 'api-key') {
        yield await checkKey(direct, account)
        continue
      }
      const directly = await tryRoute(direct, account, 'direct')
      const throughPage = pages ? await tryRoute(byPage, account, 'page') : undefined
      yield directly.finding
      if (throughPage) yield throughPage.finding
      yield judgeTransport(account, directly.passage, throughPage?.passage, transport)
      yield judgeLogin(account, [directly, throughPage])
      if (recaptchaMode !== 'off')
        yield await checkToken({ tokens, recaptchaMode, generation: direct.generation(), account })
    }
    if (recaptchaMode === 'off') {
      const text = 'RECAPTCHA_MODE is off: the site may answer from a weaker model'
      yield { state: 'warning', part: 'token', text }
    } else if (!accounts.some(({ kind }) => kind === 'cookie')) {
      const text = 'not tried: only cookies need one, and there is none'
      yield { state: 'warning', part: 'token', text }
    }
  } finally {
    await Promise.all([tokens.close(), direct.close(), byPage.close()])
  }
}

const marks = { ok: 'ok  ', warning: 'WARN', fault: 'FAIL' } as const

/** One line, with a line break. */
function formatFinding({ state, part, text, remedy }: Finding): string {
  return `${marks[state]}  ${part.padEnd(22)}  ${text}${remedy ? ` -> ${remedy}` : ''}\n`
}
