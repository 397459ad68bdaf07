import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { createAccountAdmin } from './accounts/account-admin.ts'
import { createAccountRoster } from './accounts/account-roster.ts'
import { createDeviceLogins } from './accounts/device-logins.ts'
import { accountsOfSettings } from './accounts/import-accounts.ts'
import type { Config } from './config.ts'
import { systemClock } from './core/clock.ts'
import { silentLogger } from './core/logger.ts'
import { createMetrics } from './core/metrics.ts'
import { lockDataDir } from './store/lock-data-dir.ts'
import { openStore } from './store/open-store.ts'
import { openStateKeys } from './store/state-key.ts'
import { createUpstream } from './upstream/client.ts'

export interface LoginOptions {
  /** Opens the admin API of the service that runs; absent: ADMIN_SECRET. */
  readonly adminKey: string | undefined
  readonly print: (line: string) => void
  /** Ctrl-C: nothing is asked any more, and no key kept. */
  readonly signal: AbortSignal
}

/** A sign-in by either way. */
interface Login {
  readonly authUrl: string
  readonly expiresMs: number
  /** @returns the label of the account; undefined: it was not approved in time */
  ended(): Promise<string | undefined>
}

/** Prints where to sign in, waits until that is approved, and has the key kept, sealed: by the service that runs with these
 *  settings, which uses it at once, else in their store.
 *  @returns the label of the account; undefined: it was not approved in time
 *  @throws {Error} in words; `signal.reason` on abort */
export async function loginByDevice(config: Config, options: LoginOptions): Promise<string | undefined> {
  if (await serviceRuns(config)) return await waitForApproval(await beginAtService(config, options), options)
  const store = await openStoreOf(config)
  try {
    return await waitForApproval(await store.begin(options.signal), options)
  } finally {
    await store.close()
  }
}

async function waitForApproval(
  { authUrl, expiresMs, ended }: Login,
  { print, signal }: LoginOptions,
): Promise<string | undefined> {
  const { renderUnicodeCompact } = await import('uqr')
  print(`Open this in your browser, and approve there:\n\n  ${authUrl}\n`)
  print(renderUnicodeCompact(authUrl))
  print(`Waiting until ${new Date(expiresMs).toISOString()}; Ctrl+C cancels.`)
  const label = await ended()
  signal.throwIfAborted()
  return label
}

async function openStoreOf(config: Config) {
  const { redisUrl, redisPrefix, dataDir } = config
  // A service would not see what is written beside it.
  const unlock = redisUrl === undefined ? lockStore(dataDir) : () => {}
  const tools = { clock: systemClock, logger: silentLogger, metrics: createMetrics() }
  const opened = await openStore({
    ...{ redisUrl, redisPrefix, dataDir, random: Math.random, ...tools },
    // A key that this process alone knows would be none.
    redisDownMode: 'fail',
    chooseAccount: ([first]) => first as NonNullable<typeof first>,
  }).catch((error: unknown) => {
    unlock()
    throw error
  })
  const { store } = opened
  const stateKeys = openStateKeys({ ...config, canMake: redisUrl === undefined, logger: silentLogger })
  const { accounts } = accountsOfSettings(config)
  const upstream = createUpstream({ ...config, ...tools, transport: 'direct' })
  const { identify, checkAccount, requestDeviceCode, askDeviceCode } = upstream
  const roster = createAccountRoster({ accounts, stateKeys, store, identify, ...tools })
  const accountAdmin = createAccountAdmin({ roster, store, checkAccount, identify, ...tools })
  const logins = createDeviceLogins({ accountAdmin, requestDeviceCode, askDeviceCode, ...tools })
  return {
    async begin(signal: AbortSignal): Promise<Login> {
      await roster.open()
      const { id, authUrl, expiresMs } = await logins.begin(
        AbortSignal.any([signal, AbortSignal.timeout(20_000)]),
      )
      signal.addEventListener('abort', () => void logins.close(), { once: true })
      return {
        ...{ authUrl, expiresMs },
        async ended() {
          await logins.ended(id)
          const { status, account } = logins.read(id)
          if (status === 'failed') throw new Error('the key could not be kept')
          return account?.id
        },
      }
    },
    async close() {
      await logins.close()
      roster.close()
      await upstream.close()
      await store.close()
      unlock()
    },
  }
}

function lockStore(dataDir: string): () => void {
  try {
    return lockDataDir(dataDir)
  } catch (error) {
    const message = `a service uses DATA_DIR (${dataDir}), and does not answer at this HOST and PORT: give those that it has`
    throw new Error(message, { cause: error })
  }
}

const serviceRuns = async (config: Config): Promise<boolean> =>
  (await callService(config, { method: 'GET', path: '/livez' }).catch(() => undefined))?.status === 200

/** Has the service sign in; it alone ever has the key. */
async function beginAtService(config: Config, { adminKey, signal }: LoginOptions): Promise<Login> {
  const key = adminKey ?? config.adminSecrets[0]
  if (key === undefined)
    throw new Error('the service runs here: give its admin key, by ADMIN_SECRET or --admin-key KEY')
  const ask = async (method: string, path = '') => {
    const { status, body } = await callService(config, { method, path: `/admin/accounts/login${path}`, key })
    if (status < 300) return body
    const { error } = body as { readonly error?: { readonly message?: string } }
    const hint = status === 401 ? ' Is the admin key right?' : ''
    throw new Error(`the service answers ${status}: ${error?.message ?? 'without a reason'}${hint}`)
  }
  const begun = (await ask('POST')) as LoginBody
  const path = `/${encodeURIComponent(begun.id)}`
  return {
    authUrl: begun.auth_url,
    expiresMs: Date.parse(begun.expires_at),
    async ended() {
      for (;;) {
        await delay(pollMs, undefined, { signal }).catch(() => {})
        if (signal.aborted) {
          await ask('DELETE', path).catch(() => {})
          return undefined
        }
        const { status, account } = (await ask('GET', path)) as LoginBody
        if (status === 'failed') throw new Error('the service could not keep the key')
        if (status !== 'pending') return account?.id
      }
    },
  }
}

const pollMs = 1_000

interface LoginBody {
  readonly id: string
  readonly status: 'pending' | 'approved' | 'expired' | 'failed'
  readonly auth_url: string
  readonly expires_at: string
  readonly account?: { readonly id: string }
}

interface ServiceCall {
  readonly method: string
  readonly path: string
  readonly key?: string
}

const callTimeoutMs = 30_000

/** @throws when nothing answers at HOST and PORT */
async function callService({ host, port, routePrefix }: Config, { method, path, key }: ServiceCall) {
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: unknown }>()
  const asked = request(
    {
      ...{ host: address, port, method, path: `${routePrefix}${path}`, agent: false },
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(callTimeoutMs),
    },
    (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        text += piece
      })
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: parse(text) }))
    },
  )
  asked.once('error', reject)
  asked.end()
  return await promise
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
