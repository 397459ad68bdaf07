import { existsSync } from 'node:fs'
import { access, constants, mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createTokenSource, type TokenSourceOptions } from '../browser/create-token-source.ts'
import type { Config } from '../config.ts'
import type { Account, CookieAccount } from '../core/account.ts'
import { ServiceError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { createRedisStore } from '../store/redis/redis-store.ts'
import { schemaVersion } from '../store/state-file.ts'
import type { Upstream } from '../upstream/upstream.ts'

export interface Finding {
  readonly state: 'ok' | 'warning' | 'fault'
  /** What was looked at, e.g. `account acc_1a2b3c4d`. */
  readonly part: string
  readonly text: string
  /** What the operator can do about it. */
  readonly remedy?: string
}

/** How long one question may take. */
const withinMs = 20_000
/** A first connection over TLS takes its time; in service a command has 250 ms. */
const commandTimeoutMs = 5_000

/** Can the state be kept across restarts? Without, the service runs all the same. */
export async function checkDataDir(dataDir: string): Promise<Finding> {
  const path = resolve(dataDir)
  const part = 'DATA_DIR'
  try {
    await mkdir(path, { recursive: true })
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    const problem = problemOfState(join(path, 'state.db'))
    if (problem === undefined) return { state: 'ok', part, text: `${path} can be written to` }
    const remedy = 'put back a copy of state.db, or move it away to begin a new one'
    return { state: 'fault', part, text: `state.db cannot be used: ${problem}`, remedy }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const remedy = 'mount a volume there that this user may write to; without, nothing outlives a restart'
    return { state: 'warning', part, text: `${path} cannot be written to (${code})`, remedy }
  }
}

/** Looks beside a service that may be running. A file that is missing will be made. */
function problemOfState(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 1_000 })
    const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
    if (version > schemaVersion) return `it was written by a later version (schema ${version})`
    const finding = database.prepare('PRAGMA quick_check(1)').get()?.quick_check
    return finding === 'ok' ? undefined : String(finding)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    database?.close()
  }
}

/** Does Redis answer with the password of REDIS_URL, and how quickly? */
export async function checkRedis(
  redisUrl: string,
  { redisPrefix, logger }: Pick<Config, 'redisPrefix'> & { readonly logger: Logger },
): Promise<Finding> {
  const part = 'Redis'
  const redis = createRedisStore({ redisUrl, redisPrefix, logger, random: Math.random, commandTimeoutMs })
  try {
    await redis.ping()
    const startedAt = performance.now()
    await redis.ping()
    return { state: 'ok', part, text: `answers in ${(performance.now() - startedAt).toFixed(1)} ms` }
  } catch (error) {
    const remedy = 'look at REDIS_URL: host, port, password, rediss:// for TLS'
    return { state: 'fault', part, ...describeFailure(error, remedy) }
  } finally {
    await redis.close()
  }
}

/** Is the site reached, and not a page of Cloudflare in its place? Asks for the public lists of its models. */
export async function checkSite(upstream: Pick<Upstream, 'modelLists'>): Promise<Finding> {
  const part = 'site'
  try {
    const { text, image } = await upstream.modelLists(AbortSignal.timeout(withinMs))
    return { state: 'ok', part, text: `answers; it lists ${text.length + image.length} models` }
  } catch (error) {
    const remedy = 'look at the network, at GENSPARK_BASE_URL and PROXY_URL'
    return { state: 'fault', part, ...describeFailure(error, remedy) }
  }
}

/** Is the account signed in? */
export async function checkAccount(
  upstream: Pick<Upstream, 'checkLogin'>,
  account: Account,
): Promise<Finding> {
  const part = `account ${account.label}`
  const kind = account.kind === 'cookie' ? 'cookie' : 'API key'
  try {
    const login = await upstream.checkLogin(account, AbortSignal.timeout(withinMs))
    if (login === 'signed-in') return { state: 'ok', part, text: `signed in (${kind})` }
    return { state: 'fault', part, text: `this ${kind} is not signed in`, remedy: remedies[account.kind] }
  } catch (error) {
    return { state: 'fault', part, ...describeFailure(error, 'run this again when the site answers') }
  }
}

const remedies = {
  cookie: 'sign in with your browser and copy session_id anew',
  'api-key': 'make a new key in your Genspark settings',
} as const satisfies Record<Account['kind'], string>

interface CheckTokenOptions extends Omit<TokenSourceOptions, 'random' | 'tokenPrefetch'> {
  readonly generation: WireGeneration
  /** Whose session makes the token; without one there is nothing to make it for. */
  readonly account: CookieAccount | undefined
}

/** Does Chromium start, and does the site's page make a token in it? */
export async function checkToken(options: CheckTokenOptions): Promise<Finding> {
  const { recaptchaMode, account, generation } = options
  const part = 'token'
  if (recaptchaMode === 'off')
    return { state: 'warning', part, text: 'RECAPTCHA_MODE is off: the site may answer from a weaker model' }
  if (!account) return { state: 'warning', part, text: 'not tried: only cookies need one, and there is none' }
  const tokens = createTokenSource({ ...options, tokenPrefetch: 0, random: Math.random })
  const startedAt = performance.now()
  try {
    await tokens.token({ account, generation, signal: AbortSignal.timeout(withinMs) })
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const maker = recaptchaMode === 'remote' ? 'the token service' : 'Chromium'
    return { state: 'ok', part, text: `made by ${maker} in ${seconds} s` }
  } catch (error) {
    const remedy =
      recaptchaMode === 'remote' ? 'look at RECAPTCHA_PROXY_URL' : 'look at BROWSER_EXECUTABLE and PROXY_URL'
    return { state: 'fault', part, ...describeFailure(error, remedy) }
  } finally {
    await tokens.close()
  }
}

/** A failure in words: our own errors say what to do, anything else gets the remedy that fits the question. */
function describeFailure(error: unknown, remedy: string): { text: string; remedy?: string } {
  if (error instanceof ServiceError && error.code === 'upstream_challenge') return { text: error.message }
  if (error instanceof Error && error.name === 'TimeoutError')
    return { text: `no answer within ${withinMs / 1000} s`, remedy }
  const cause = error instanceof ServiceError ? causeOf(error) : ''
  return { text: `${error instanceof Error ? error.message : error}${cause}`, remedy }
}

/** Of a network error the code alone: its message may hold the address of a proxy. Of Redis the reason, which holds no secret. */
function causeOf({ code, cause }: ServiceError): string {
  const reason = code === 'dependency_unavailable' ? messageOf(cause) : codeOf(cause)
  return reason ? ` (${reason})` : ''
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : '')

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
