import type { AccountEntry } from './accounts/account-roster.ts'
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
  'host' | 'baseUrl' | 'apiSecrets' | 'protocol' | 'recaptchaMode' | 'dataDir' | 'redisUrl' | 'stateKeys'
>

interface Started {
  readonly url: string
  readonly accounts: readonly Pick<AccountEntry, 'account' | 'recordId'>[]
  /** False: DATA_DIR cannot be used. */
  readonly isStateKept: boolean
}

/** What the log tells once the service listens. Pure. */
export function summariseStart(config: StartConfig, { url, accounts, isStateKept }: Started): StartSummary {
  const { protocol, redisUrl, dataDir } = config
  const embedded = isStateKept ? `embedded, in ${dataDir}` : 'embedded, in memory until the process ends'
  const store = redisUrl === undefined ? embedded : 'Redis'
  return {
    facts: { version, url, accounts: accounts.length, protocol, tokens: tokenMaker(config, accounts), store },
    warnings: [...missing(config, accounts)],
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

const needsToken = ({ account }: Started['accounts'][number]): boolean => account.kind === 'cookie'

/** Of an account with a cookie at least the session, once the site has renewed it. */
const isStored = (entry: Started['accounts'][number]): boolean =>
  entry.recordId !== undefined || needsToken(entry)
