// Builds the rooms from a Config, opens them and closes them in reverse order. Knows no environment and no process.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAccountPool } from './accounts/account-pool.ts'
import { createChooseAccount } from './accounts/choose-account.ts'
import { parseCookieList } from './accounts/parse-cookie.ts'
import { createTokenSource } from './browser/create-token-source.ts'
import type { Config } from './config.ts'
import { type Clock, systemClock } from './core/clock.ts'
import { UnavailableError } from './core/errors.ts'
import { createLogger, type Logger } from './core/logger.ts'
import { createMetrics, type Metrics } from './core/metrics.ts'
import { createRunChat } from './gateway/chat.ts'
import { createApp } from './http/app.ts'
import { hardenServer } from './http/harden-server.ts'
import { trackOpenResponses } from './http/open-responses.ts'
import { checkReadiness } from './http/readiness.ts'
import { createCatalogue } from './models/catalogue.ts'
import { countTokens } from './models/count-tokens.ts'
import { createEmbeddedStore } from './store/embedded-store.ts'
import { createUpstream } from './upstream/client.ts'

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
}

/** After the grace: how long a stream has to write its in-band error. */
const lastWordsMs = 2_000

export function createService(config: Config, overrides: ServiceOverrides = {}): Service {
  const clock = overrides.clock ?? systemClock
  const random = overrides.random ?? Math.random
  const logger = overrides.logger ?? createLogger({ level: config.logLevel, format: config.logFormat })
  const metrics = overrides.metrics ?? createMetrics()
  const shutdown = new AbortController()
  let closing: Promise<void> | undefined

  const { accounts, problems } = parseCookieList(config.cookieText ?? '')
  for (const problem of problems) logger.warn({ setting: 'GS_COOKIE' }, problem)
  for (const notice of config.notices) logger.warn({}, notice)

  const chooseAccount = createChooseAccount(random)
  const store = createEmbeddedStore({ dataDir: config.dataDir, clock, chooseAccount, logger })
  const pool = createAccountPool({ ...config, accounts, store, clock, logger })
  const upstream = createUpstream({ ...config, clock, metrics, logger })
  const tokens = createTokenSource({ ...config, clock, random, metrics, logger })
  const runChat = createRunChat({ ...config, pool, upstream, tokens, metrics, logger, clock })

  const app = createApp(config, {
    runChat,
    catalogue: createCatalogue(),
    countTokens,
    readiness: () => checkReadiness({ pool, tokens, isShuttingDown }),
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
    async listen() {
      await listenOn(server, config)
      if (accounts.length > 0) tokens.warmUp()
      else logger.warn({}, 'no account: set GS_COOKIE to the session cookie of your Genspark account')
      const url = urlOf(server)
      logger.info(
        { url, accounts: accounts.length, protocol: config.protocol, recaptcha: config.recaptchaMode },
        'listening',
      )
      return url
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }

  async function closeAll(): Promise<void> {
    logger.info({ open: responses.count }, 'shutting down')
    if (!(await responses.whenNone(config.shutdownGraceMs))) {
      shutdown.abort(new UnavailableError('shutting_down'))
      await responses.whenNone(lastWordsMs)
    }
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
    await Promise.all([tokens.close(), upstream.close(), pool.close()])
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
