// Module `doctor`: looks at everything that the service needs, part by part, and says what is wrong and what to do about it.
// Touches `accounts`, `browser`, `upstream`, `store`, `core`; it asks no model anything and changes nothing.

import { accountsOfSettings } from '../accounts/import-accounts.ts'
import type { Config } from '../config.ts'
import { systemClock } from '../core/clock.ts'
import { createLogger } from '../core/logger.ts'
import { createMetrics } from '../core/metrics.ts'
import { createUpstream } from '../upstream/client.ts'
import { checkAccount, checkDataDir, checkRedis, checkSite, checkToken, type Finding } from './checks.ts'

/** Prints a line for each part as soon as it is known.
 *  @returns whether there is no fault; warnings are none */
export async function runDoctor(config: Config, print: (line: string) => void): Promise<boolean> {
  let healthy = true
  for await (const finding of findings(config)) {
    healthy &&= finding.state !== 'fault'
    print(formatFinding(finding))
  }
  return healthy
}

async function* findings(config: Config): AsyncGenerator<Finding> {
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

  const tools = {
    ...config,
    clock: systemClock,
    metrics: createMetrics(),
    logger,
  }
  const upstream = createUpstream(tools)
  try {
    yield await checkSite(upstream)
    for (const account of accounts) yield await checkAccount(upstream, account)
    yield await checkToken({
      ...tools,
      generation: upstream.generation(),
      account: accounts.find((account) => account.kind === 'cookie'),
    })
  } finally {
    await upstream.close()
  }
}

const marks = { ok: 'ok  ', warning: 'WARN', fault: 'FAIL' } as const

/** One line, with a line break. */
function formatFinding({ state, part, text, remedy }: Finding): string {
  return `${marks[state]}  ${part.padEnd(22)}  ${text}${remedy ? ` -> ${remedy}` : ''}\n`
}
