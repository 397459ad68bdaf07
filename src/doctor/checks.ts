import { existsSync } from 'node:fs'
import { access, constants, mkdir } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { getHeapStatistics } from 'node:v8'
import { createChromiumKeeper } from '../browser/chromium-keeper.ts'
import type { TokenSource } from '../browser/token-source.ts'
import type { Config } from '../config.ts'
import type { Account, CookieAccount } from '../core/account.ts'
import { isLoopback } from '../core/addresses.ts'
import { ServiceError, UpstreamError } from '../core/errors.ts'
import { type Logger, silentLogger } from '../core/logger.ts'
import { createMetrics } from '../core/metrics.ts'
import { version } from '../core/version.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { RedisRefusal } from '../store/redis/redis-failure.ts'
import { createRedisStore, trialCommands, usualTimeoutMs } from '../store/redis/redis-store.ts'
import { isOfEarlierVersion, problemOfVersion } from '../store/state-file.ts'
import type { LoginState, Upstream } from '../upstream/upstream.ts'

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
/** A first connection over TLS takes its time. */
const commandTimeoutMs = 5_000
export function checkVersions(): Finding {
  const text = `genspark2api ${version}, Node ${process.version}, ${process.platform} ${process.arch}`
  return { state: 'ok', part: 'version', text }
}

/** May anybody who reaches the service use the accounts? */
export function checkSecret({ apiSecrets, host }: Pick<Config, 'apiSecrets' | 'host'>): Finding {
  const part = 'API_SECRET'
  if (apiSecrets.length > 0)
    return { state: 'ok', part, text: `clients need one of ${apiSecrets.length} keys` }
  if (host === 'localhost' || isLoopback(host))
    return { state: 'ok', part, text: `none; only this machine reaches ${host}` }
  const text = `none is set: whoever reaches ${host} uses your accounts`
  return { state: 'warning', part, text, remedy: 'set API_SECRET to a key of your choice, or HOST=127.0.0.1' }
}

/** What this process may take, of the machine or of its container. */
export function checkMemory(): Finding {
  const limit = process.constrainedMemory() ?? 0
  const isLimited = limit > 0 && limit < totalmem()
  const megabytes = (bytes: number) => `${Math.floor(bytes / 1024 / 1024)} MB`
  const heap = megabytes(getHeapStatistics().heap_size_limit)
  const text = isLimited
    ? `${megabytes(limit)}, the limit of this container or group; heap at most ${heap}`
    : `${megabytes(totalmem())}, all of the machine; heap at most ${heap}`
  return { state: 'ok', part: 'memory', text }
}

/** Does a Chromium start here, which, and with its sandbox? @returns undefined where none may run */
export async function checkChromium(config: Config): Promise<Finding | undefined> {
  const { recaptchaMode, transport, browserEndpoint } = config
  if (recaptchaMode !== 'embedded' && transport !== 'browser' && browserEndpoint === undefined)
    return undefined
  const part = 'Chromium'
  let sandbox = true
  const warn = (_fields: unknown, message: string) => {
    if (message.includes('without its sandbox')) sandbox = false
  }
  const keeper = createChromiumKeeper({
    ...config,
    sandbox: process.getuid?.() !== 0,
    launchMs: withinMs,
    answerMs: withinMs,
    random: Math.random,
    logger: { ...silentLogger, warn },
    metrics: createMetrics(),
  })
  try {
    const { browser } = await keeper.chromium(AbortSignal.timeout(withinMs))
    const name = `Chromium ${browser.version()}`
    if (browserEndpoint !== undefined) return { state: 'ok', part, text: `${name}, of BROWSER_ENDPOINT` }
    const mode = config.browserHeaded ? 'headed' : 'headless'
    const text = `${name}, ${mode}, ${sandbox ? 'with' : 'without'} sandbox`
    return { state: 'ok', part, text }
  } catch (error) {
    const text = `does not start: ${error instanceof Error ? error.message : error}`
    return { state: 'fault', part, text, remedy: 'look at BROWSER_EXECUTABLE and BROWSER_ENDPOINT' }
  } finally {
    await keeper.close()
  }
}

/** Can the state be kept across restarts? Without, the service runs all the same. */
export async function checkDataDir(dataDir: string): Promise<Finding> {
  const path = resolve(dataDir)
  const part = 'DATA_DIR'
  try {
    await mkdir(path, { recursive: true })
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    const problem = problemOfState(join(path, 'state.db'))
    if (problem === undefined) return { state: 'ok', part, text: `${path} can be written to` }
    if (problem === earlier) return { state: 'fault', part, text: `state.db ${earlier}`, remedy: startItOnce }
    const remedy = 'put back a copy of state.db, or move it away to begin a new one'
    return { state: 'fault', part, text: `state.db cannot be used: ${problem}`, remedy }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const remedy = 'mount a volume there that this user may write to; without, nothing outlives a restart'
    return { state: 'warning', part, text: `${path} cannot be written to (${code})`, remedy }
  }
}

const earlier = 'is of an earlier version, and a service of that version may be using it'
const startItOnce = 'start the service in this version once: it keeps a copy of the file before it changes it'

/** Looks beside a service that may be running. A file that is missing will be made. */
function problemOfState(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 1_000 })
    const problem = problemOfVersion(database)
    if (problem) return problem
    if (isOfEarlierVersion(database)) return earlier
    const finding = database.prepare('PRAGMA quick_check(1)').get()?.quick_check
    return finding === 'ok' ? undefined : String(finding)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    database?.close()
  }
}

/** Does Redis answer with the password of REDIS_URL, as quickly as the service needs it, and does it run the scripts? */
export async function checkRedis(
  redisUrl: string,
  { redisPrefix, logger }: Pick<Config, 'redisPrefix'> & { readonly logger: Logger },
): Promise<Finding> {
  const part = 'Redis'
  const redis = createRedisStore({ redisUrl, redisPrefix, logger, random: Math.random, commandTimeoutMs })
  try {
    await redis.ping()
    let answerMs = Number.POSITIVE_INFINITY
    // The first loads the scripts; the quickest tells of Redis more than of this machine.
    for (let tries = 0; tries < 4; tries += 1) {
      const startedAt = performance.now()
      await redis.tryScripts()
      answerMs = Math.min(answerMs, (performance.now() - startedAt) / trialCommands)
    }
    const text = `answers in ${answerMs.toFixed(1)} ms, and runs the scripts of the service`
    if (answerMs < usualTimeoutMs) return { state: 'ok', part, text }
    const late = `${text}; after ${usualTimeoutMs} ms the service goes on without it`
    return { state: 'fault', part, text: late, remedy: 'have Redis nearer to the service' }
  } catch (error) {
    const isRefusal = error instanceof RedisRefusal
    const remedy = isRefusal
      ? 'look at the rights of its user, and whether it is Redis 7 or Valkey: docs/SCALING.md lists what was tried'
      : 'look at REDIS_URL: host, port, password, rediss:// for TLS'
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
    // Whether a page passes where this program does not is looked at for each account.
    if (error instanceof UpstreamError && error.kind === 'challenged')
      return { state: 'warning', part, text: 'answers with a challenge: this program is not let through' }
    const remedy = 'look at the network, at GENSPARK_BASE_URL and PROXY_URL'
    return { state: 'fault', part, ...describeFailure(error, remedy) }
  }
}

/** What one way to the site gave. `unknown`: it could not be tried to its end. */
type Passage = 'passes' | 'challenged' | 'unknown'

interface Route {
  readonly passage: Passage
  readonly login: LoginState | undefined
  readonly finding: Finding
}

/** Asks whether the account is signed in, one way: `direct` by this program, `page` by the account's page in Chromium. */
export async function tryRoute(
  upstream: Pick<Upstream, 'checkLogin'>,
  account: Account,
  way: 'direct' | 'page',
): Promise<Route> {
  const part = `${way} ${account.label}`
  const startedAt = performance.now()
  try {
    const login = await upstream.checkLogin(account, AbortSignal.timeout(withinMs))
    const ms = Math.round(performance.now() - startedAt)
    const finding = { state: 'ok', part, text: `HTTP 200, not challenged (${ms} ms)` } as const
    return { passage: 'passes', login, finding }
  } catch (error) {
    if (error instanceof UpstreamError && error.kind === 'challenged') {
      const text = 'challenged: the site does not let it through'
      return { passage: 'challenged', login: undefined, finding: { state: 'warning', part, text } }
    }
    const status = error instanceof UpstreamError ? error.httpStatus : undefined
    const remedy = way === 'page' ? pageRemedy : 'look at the network, at GENSPARK_BASE_URL and PROXY_URL'
    const { text, ...rest } = describeFailure(error, remedy)
    const told = status === undefined ? text : `HTTP ${status}: ${text}`
    return {
      // An answer of the site, whatever it says, was let through.
      passage: status === undefined ? 'unknown' : 'passes',
      login: undefined,
      finding: { state: 'fault', part, text: told, ...rest },
    }
  }
}

const pageRemedy = 'look at BROWSER_EXECUTABLE, BROWSER_ENDPOINT and PROXY_URL'

/** May the key chat? What it lists proves nothing, so that it is asked for one token. */
export async function checkKey(upstream: Pick<Upstream, 'checkAccount'>, account: Account): Promise<Finding> {
  const part = `account ${account.label}`
  try {
    switch (await upstream.checkAccount(account, AbortSignal.timeout(withinMs))) {
      case 'signed-in':
        return { state: 'ok', part, text: 'this API key answers chats' }
      case 'signed-out':
        return { state: 'fault', part, text: 'this API key is not signed in', remedy: remedies['api-key'] }
      case 'plan-blocked': {
        const remedy = 'use a key of a paid plan, or a cookie: a cookie of the same account can chat'
        return { state: 'fault', part, text: 'the plan of this API key has no API', remedy }
      }
      case 'credits-spent': {
        const remedy = 'top up, or wait: the key is tried again after an hour, then later each time'
        return { state: 'fault', part, text: 'the credits of this API key are spent', remedy }
      }
    }
  } catch (error) {
    return { state: 'fault', part, ...describeFailure(error, 'run this again when the site answers') }
  }
}

/** Is the account signed in, as any way tells? */
export function judgeLogin(account: Account, routes: readonly (Route | undefined)[]): Finding {
  const part = `account ${account.label}`
  const kind = account.kind === 'cookie' ? 'cookie' : 'API key'
  const login = routes.find((route) => route?.login)?.login
  if (login === 'signed-in') return { state: 'ok', part, text: `signed in (${kind})` }
  if (login === 'signed-out')
    return { state: 'fault', part, text: `this ${kind} is not signed in`, remedy: remedies[account.kind] }
  const why = account.kind === 'api-key' && routes[0] ? ` (${routes[0].finding.text})` : ''
  const text = `the site did not say whether this ${kind} is signed in${why}`
  return { state: 'fault', part, text, remedy: 'run this again when the site answers' }
}

const remedies = {
  cookie: 'sign in with your browser and copy session_id anew',
  'api-key': 'make a new key in your Genspark settings',
} as const satisfies Record<Account['kind'], string>

/** Which setting of GENSPARK_TRANSPORT works for the account?
 *  @param page  undefined: no Chromium may run with these settings */
export function judgeTransport(
  account: Account,
  direct: Passage,
  page: Passage | undefined,
  transport: Config['transport'],
): Finding {
  const part = `transport ${account.label}`
  const works = {
    auto: direct === 'passes' || (direct === 'challenged' && page === 'passes'),
    direct: direct === 'passes',
    browser: page === 'passes',
  }
  const working = (['auto', 'direct', 'browser'] as const).filter((mode) => works[mode])
  if (working.length > 0) {
    const text = `works: GENSPARK_TRANSPORT=${working.join(' or ')}`
    // Without a Chromium `auto` is `direct`.
    if (works[transport]) return { state: 'ok', part, text: `${text} (it is ${transport})` }
    return { state: 'fault', part, text, remedy: `set GENSPARK_TRANSPORT=${working[0]}` }
  }
  const isChallenged = direct === 'challenged' || page === 'challenged'
  if (!isChallenged)
    return { state: 'fault', part, text: 'none is known to work', remedy: 'see what is said above' }
  if (page === undefined)
    return {
      state: 'fault',
      part,
      text: 'this program is challenged, and RECAPTCHA_MODE leaves it without Chromium',
      remedy: 'set GENSPARK_TRANSPORT=browser, or BROWSER_ENDPOINT',
    }
  const text =
    page === 'challenged'
      ? 'neither this program nor the page in Chromium is let through'
      : 'this program is challenged, and the page could not be tried'
  const remedy =
    page === 'challenged'
      ? 'try BROWSER_HEADED=1, a browser of your own (BROWSER_ENDPOINT), another address (PROXY_URL), or an API key'
      : pageRemedy
  return { state: 'fault', part, text, remedy }
}

export interface CheckTokenOptions {
  readonly tokens: Pick<TokenSource, 'token' | 'browserName'>
  readonly recaptchaMode: Config['recaptchaMode']
  readonly generation: WireGeneration
  readonly account: CookieAccount
}

/** Does Chromium start, and does the site's page make a token in it for this account? */
export async function checkToken(options: CheckTokenOptions): Promise<Finding> {
  const { tokens, recaptchaMode, account, generation } = options
  const part = `token ${account.label}`
  const startedAt = performance.now()
  try {
    await tokens.token({ account, generation, signal: AbortSignal.timeout(withinMs) })
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const name = tokens.browserName?.()
    const browser = name === undefined ? 'Chromium' : `Chromium (${name})`
    const maker = recaptchaMode === 'remote' ? 'the token service' : browser
    return { state: 'ok', part, text: `made by ${maker} in ${seconds} s` }
  } catch (error) {
    const remedy =
      recaptchaMode === 'remote'
        ? 'look at RECAPTCHA_PROXY_URL'
        : 'look at BROWSER_EXECUTABLE, BROWSER_ENDPOINT and PROXY_URL'
    return { state: 'fault', part, ...describeFailure(error, remedy) }
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
