import type { AccountEntry } from './accounts/account-roster.ts'
import { maxPages } from './config/memory-plan.ts'
import type { Config } from './config.ts'
import { isLoopback } from './core/addresses.ts'
import { version } from './core/version.ts'

export interface StartSummary {
  /** What the service runs with; no secret is among it. */
  readonly facts: Readonly<Record<string, string | number>>
  /** What is missing, each with how to mend it. */
  readonly warnings: readonly string[]
}

type StartConfig = Pick<
  Config,
  | 'host'
  | 'baseUrl'
  | 'apiSecrets'
  | 'protocol'
  | 'recaptchaMode'
  | 'dataDir'
  | 'redisUrl'
  | 'stateKeys'
  | 'memoryPlan'
  | 'browserMaxPages'
>

interface Started {
  readonly url: string
  readonly accounts: readonly (Pick<AccountEntry, 'account' | 'recordId'> &
    Partial<Pick<AccountEntry, 'paused'>>)[]
  /** False: DATA_DIR cannot be used. */
  readonly isStateKept: boolean
}

/** What the log tells once the service listens. Pure. */
export function summariseStart(config: StartConfig, { url, accounts, isStateKept }: Started): StartSummary {
  const { protocol, redisUrl, dataDir, memoryPlan } = config
  const embedded = isStateKept ? `embedded, in ${dataDir}` : 'embedded, in memory until the process ends'
  const store = redisUrl === undefined ? embedded : 'Redis'
  return {
    facts: {
      ...{ version, url, accounts: accounts.length, protocol },
      ...{ tokens: tokenMaker(config, accounts), store, memoryMb: inMb(memoryPlan.bytes) },
    },
    warnings: [...missing(config, accounts), ...tooMuch(config, accounts)],
  }
}

const tokenMakers = { embedded: 'own Chromium', remote: 'token service', off: 'none' } as const

function tokenMaker({ recaptchaMode }: StartConfig, accounts: Started['accounts']): string {
  return accounts.length > 0 && !accounts.some(needsToken) ? 'not needed' : tokenMakers[recaptchaMode]
}

function* missing(config: StartConfig, accounts: Started['accounts']): Iterable<string> {
  const { host, baseUrl, apiSecrets, recaptchaMode, redisUrl, stateKeys } = config
  if (accounts.length === 0)
    yield 'no account, so that /v1 answers 503: set GS_COOKIE to the session_id cookie of your Genspark account, or GENSPARK_API_KEY; an account can also be added while the service runs (POST /admin/accounts)'
  // A site on this machine is the demo's: its accounts are nobody's.
  if (apiSecrets.length === 0 && !isHere(host) && !isHere(URL.parse(baseUrl)?.hostname ?? ''))
    yield 'no API_SECRET, so that anyone who reaches this address uses your accounts: set API_SECRET to a key of your choice, or HOST=127.0.0.1'
  if (recaptchaMode === 'off' && (accounts.length === 0 || accounts.some(needsToken)))
    yield 'RECAPTCHA_MODE=off, so that the site may answer from a weaker model: unset it to have tokens made'
  if (redisUrl !== undefined && stateKeys.length === 0) {
    const readable = accounts.some(isStored)
      ? 'added accounts and renewed sessions lie readable in Redis, and '
      : ''
    yield `no STATE_KEY, so that ${readable}kept responses stay in the memory of the replica that made them: set it to the output of \`openssl rand -hex 32\`, the same on every replica`
  }
}

const isHere = (host: string): boolean => host === 'localhost' || isLoopback(host)

/** What the memory does not hold, and what it would. */
function* tooMuch(
  { memoryPlan, browserMaxPages }: StartConfig,
  accounts: Started['accounts'],
): Iterable<string> {
  const { bytes, neededBytes, pages } = memoryPlan
  const inUse = accounts.filter((entry) => needsToken(entry) && !entry.paused).length
  if (neededBytes === 0 || inUse === 0) return
  const [has, needs] = [inMb(bytes), inMb(neededBytes)]
  if (pages === 0)
    yield `${has} MB of memory do not hold the service and Chromium, which need ${needs}: chats with a cookie will be slow or fail. What fits: GENSPARK_API_KEY, which needs no Chromium; RECAPTCHA_PROXY_URL, a token service on another machine, such as one at home; BROWSER_ENDPOINT, a browser on another machine; chromium-headless-shell instead of chromium, which needs 490`
  else if (pages < Math.min(inUse, browserMaxPages))
    yield `${has} MB of memory hold the pages of ${pages} account${pages === 1 ? '' : 's'} at once, and BROWSER_MAX_PAGES is ${browserMaxPages}: lower it, or give the service more memory`
  else if (pages < inUse && pages < maxPages)
    yield `${has} MB of memory hold the pages of ${pages} account${pages === 1 ? '' : 's'} at once: ${inUse} take turns, which costs a second of processor time each; more memory, chromium-headless-shell or GENSPARK_API_KEY spares that`
}

const inMb = (bytes: number): number => Math.round(bytes / 1024 / 1024)

const needsToken = ({ account }: Started['accounts'][number]): boolean => account.kind === 'cookie'

/** Of an account with a cookie at least the session, once the site has renewed it. */
const isStored = (entry: Started['accounts'][number]): boolean =>
  entry.recordId !== undefined || needsToken(entry)
