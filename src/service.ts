// Service: listens, starts what runs in the background, and shuts down without dropping a request.
// Touches the modules that `create-modules` builds; no environment, no process.

import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { checkAccounts, watchSignedOut } from './accounts/account-admin.ts'
import type { Config } from './config.ts'
import { deadlineSignal } from './core/deadline.ts'
import { ServiceError, UnavailableError } from './core/errors.ts'
import { openFilesLimit } from './core/open-files.ts'
import { createModules, type ServiceOverrides } from './create-modules.ts'
import { trackOpenResponses } from './http/open-responses.ts'
import { summariseStart } from './start-summary.ts'

export interface ServiceOptions extends ServiceOverrides {
  /** Shows the operator what no log may hold: the key that is made at the first start. Absent: none is made. */
  readonly announce?: ((text: string) => void) | undefined
}

export interface Service {
  /** Listens at once; Chromium starts in the background. @returns the address, e.g. `http://127.0.0.1:7044` */
  listen(): Promise<string>
  /** For an error that nobody handles: logs it, ends all streams with an in-band error and gives back the leases. */
  crash(error: unknown): Promise<void>
  /** Refuses new requests, lets streams end within the grace, ends the rest with an in-band error, closes every module. */
  close(): Promise<void>
}

/** Each stream takes two connections. */
const fewOpenFiles = 1_024

/** After the grace: how long a stream has to write its in-band error. */
const lastWordsMs = 2_000
/** Keep accepting (and refusing) for a moment: a client whose answer has just ended sends the next request. A load balancer
 *  sends it on a connection that it has kept, and never again if that one closes under it. */
const lastRequests = { quietMs: 200, behindProxyQuietMs: 1_000, timeoutMs: 3_000 }

/** @throws {ConfigError} for faults that show only when the settings are put to use */
export async function createService(config: Config, options: ServiceOptions = {}): Promise<Service> {
  const { announce, ...overrides } = options
  const shutdown = new AbortController()
  const modules = await createModules(config, { overrides, shutdown: shutdown.signal, isShuttingDown })
  const { server, logger, store, operatorKey, roster, tokens, listRefresh, chatDeletions, accountAdmin } =
    modules
  const { background } = modules
  const responses = trackOpenResponses(server)
  let opening: Promise<string> | undefined
  let closing: Promise<void> | undefined

  return {
    listen() {
      opening ??= open()
      return opening
    },
    close() {
      closing ??= closeAll()
      return closing
    },
    async crash(error) {
      logger.error({ err: error }, 'an error that nobody handles: the service ends')
      closing ??= Promise.resolve()
      shutdown.abort(new ServiceError('internal_error'))
      await responses.whenNone(lastWordsMs)
      await modules.close()
    },
  }

  function isShuttingDown(): boolean {
    return closing !== undefined
  }

  async function open(): Promise<string> {
    if (isShuttingDown()) throw new UnavailableError('shutting_down')
    await roster.open()
    await listenOn(server, config)
    const url = urlOf(server)
    const { facts, warnings } = summariseStart(config, {
      ...{ url, accounts: roster.entries() },
      isStateKept: modules.isStateKept,
    })
    logger.info(facts, 'listening')
    for (const warning of warnings) logger.warn({}, warning)
    const openFiles = openFilesLimit()
    if (openFiles !== undefined && openFiles < fewOpenFiles)
      logger.warn({ openFiles }, 'few connections can be open at once: raise ulimit -n')
    if (announce && config.adminSecrets.length === 0) void makeOperatorKey(announce, url)
    if (!isShuttingDown()) startBackground()
    return url
  }

  /** Once for all replicas and starts; as long as Redis is unreachable nobody knows whether there is one. */
  async function makeOperatorKey(tell: (text: string) => void, url: string): Promise<void> {
    try {
      const key = await operatorKey.makeOnce()
      if (key !== undefined) tell(operatorKeyText(key, `${url}${config.routePrefix}/admin`))
    } catch (error) {
      if (isShuttingDown()) return
      logger.debug({ err: error }, 'no key for the operator can be made yet')
      const unsubscribe = store.onChange(() => {
        unsubscribe()
        void makeOperatorKey(tell, url)
      })
    }
  }

  /** What no request waits for. The site is first asked, and Chromium launched, once there is an account. */
  function startBackground(): void {
    void loadTheRest(modules.onDemand, shutdown.signal)
    void chatDeletions.open()
    if (startWithAccounts()) return
    const unsubscribe = roster.onChange(() => {
      if (startWithAccounts()) unsubscribe()
    })
  }

  function startWithAccounts(): boolean {
    const accounts = roster.entries()
    if (accounts.length === 0) return false
    // Only for those that would be asked first: Chromium starts on need for the others.
    const usable = accounts.filter(({ paused }) => !paused)
    if (usable.length > 0 && usable.every(({ account }) => account.kind === 'cookie')) tokens.warmUp()
    listRefresh.start()
    modules.keyModelRefresh.start()
    const check = { admin: accountAdmin, logger, signal: shutdown.signal }
    void checkAccounts(check).then(() => watchSignedOut({ ...check, clock: modules.clock }))
    return true
  }

  async function closeAll(): Promise<void> {
    // A server that is about to listen would not notice its close.
    await opening?.catch(() => {})
    const made = background.reduce((sum, { count }) => sum + count, 0)
    logger.info({ open: responses.count, ...(made > 0 && { background: made }) }, 'shutting down')
    // What is made in the background is paid for as well, though nobody holds a connection for it.
    const graceOver = deadlineSignal(config.shutdownGraceMs)
    const ended = await responses.whenNone(config.shutdownGraceMs)
    if (made > 0 && !graceOver.aborted) {
      const over = once(graceOver, 'abort')
      await Promise.race([over, Promise.all(background.map((work) => work.whenNone()))])
    }
    shutdown.abort(new UnavailableError('shutting_down'))
    if (!ended) await responses.whenNone(lastWordsMs)
    // Refuse new requests rather than drop them: a client cannot safely resend a request that got no answer.
    const { quietMs, behindProxyQuietMs, timeoutMs } = lastRequests
    await responses.whenQuiet({
      quietMs: config.trustedProxyHops > 0 ? behindProxyQuietMs : quietMs,
      timeoutMs,
    })
    await closeServer(server)
    await modules.close()
    logger.info({}, 'closed')
  }
}

/** Loads what the first chat does without, one module at a time and not before that chat may have been answered: no later
 *  request waits for a module, and none is held up for long by the loading of another. */
async function loadTheRest(loaders: readonly (() => Promise<unknown>)[], signal: AbortSignal): Promise<void> {
  for (const load of loaders) {
    await delay(loadPauseMs, undefined, { ref: false, signal }).catch(() => {})
    if (signal.aborted) return
    // A module that cannot be loaded fails the request that needs it.
    await load().catch(() => {})
  }
}

const loadPauseMs = 150

const operatorKeyText = (key: string, url: string): string => `
The operator's key, made now and shown this once. Keep it; "genspark2api admin-key" replaces it.
  key      ${key}
  address  ${url}

`

async function listenOn(server: Server, { host, port }: Pick<Config, 'host' | 'port'>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  await promise
  server.off('error', reject)
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  const cutting = setTimeout(() => server.closeAllConnections(), lastWordsMs)
  await closed
  clearTimeout(cutting)
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  const wildcard = address === '0.0.0.0' || address === '::'
  const host = wildcard ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${host}:${port}`
}
