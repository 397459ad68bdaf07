// Module `doctor`: looks at everything that the service needs, part by part, and says what is wrong and what to do about it.
// Touches `accounts`, `browser`, `upstream`, `store`, `core`; it changes nothing, and asks a model for no
// more than the one token that proves an API key.

import { accountsOfSettings } from '../accounts/import-accounts.ts'
import { createBrowser } from '../browser/create-token-source.ts'
import type { Config } from '../config.ts'
import type { Account } from '../core/account.ts'
import { systemClock } from '../core/clock.ts'
import { createLogger } from '../core/logger.ts'
import { createMetrics } from '../core/metrics.ts'
import { createUpstream } from '../upstream/client.ts'
import {
  checkDataDir,
  checkKey,
  checkRedis,
  checkSite,
  checkToken,
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
  yield { state: 'ok', part: 'settings', text: 'all of them can be read' }
  for (const notice of config.notices) yield { state: 'warning', part: 'settings', text: notice }
  yield await checkDataDir(config.dataDir)
  if (config.redisUrl !== undefined) yield await checkRedis(config.redisUrl, { ...config, logger })

  const { accounts, problems } = accountsOfSettings(config)
  for (const { setting, problem } of problems) yield { state: 'fault', part: setting, text: problem }
  if (accounts.length === 0) {
    const remedy = 'set GS_COOKIE to the session_id cookie of your Genspark account'
    yield { state: 'fault', part: 'accounts', text: 'there is none in the settings', remedy }
  }
  yield* findingsOfSite(config, accounts)
}

/** Each way to the site on its own, whatever GENSPARK_TRANSPORT says, so that one does not stand in for the other. */
async function* findingsOfSite(config: Config, accounts: readonly Account[]): AsyncGenerator<Finding> {
  const logger = createLogger({ level: 'silent', format: 'json' })
  const tools = { ...config, clock: systemClock, metrics: createMetrics(), logger }
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
