import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { deadlineSignal } from '../core/deadline.ts'
import type { Logger } from '../core/logger.ts'
import { type AccountRoster, isUsed } from './account-roster.ts'

/** In the site's credits. */
export interface AccountQuota {
  readonly remaining: number
  /** Undefined where the site does not say. */
  readonly limit: number | undefined
}

export interface TotalQuota {
  /** The sum over the accounts, at most `maxAgeMs` old; else what is known by the deadline: the last sum, or undefined when the
   *  site has given no figures yet. Never rejects. */
  read(): Promise<AccountQuota | undefined>
  /** What the account had left when it was last asked; undefined where that is not known. Asks nothing. */
  of(accountKey: string): AccountQuota | undefined
  /** Breaks off what is asked. */
  close(): Promise<void>
}

export interface TotalQuotaOptions {
  readonly roster: Pick<AccountRoster, 'entries'>
  /** `Upstream.quota`. */
  readonly quota: (account: Account, signal: AbortSignal) => Promise<AccountQuota | undefined>
  readonly clock: Clock
  readonly logger: Logger
  /** Default 5 min. */
  readonly maxAgeMs?: number
  /** How long a caller waits. Default 3 s. */
  readonly waitMs?: number
  /** How long the accounts are asked for, behind the callers. Default 30 s. */
  readonly timeoutMs?: number
}

/** How many accounts are asked at once, and at all: of more the site is not asked for a figure on a page. */
const atOnce = 4
const maxAsked = 100

export function createTotalQuota(options: TotalQuotaOptions): TotalQuota {
  const { roster, quota, clock, logger, maxAgeMs = 300_000, waitMs = 3_000, timeoutMs = 30_000 } = options
  const closing = new AbortController()
  let known: AccountQuota | undefined
  let each: ReadonlyMap<string, AccountQuota> = new Map()
  let askedMs = Number.NEGATIVE_INFINITY
  let asked: ReadonlySet<string> = new Set()
  const hasNew = () => roster.entries().some(({ account }) => !asked.has(account.key))
  let asking: Promise<void> | undefined

  async function refresh(): Promise<void> {
    const signal = AbortSignal.any([closing.signal, deadlineSignal(timeoutMs)])
    asked = new Set(roster.entries().map(({ account }) => account.key))
    const left = roster.entries().filter(isUsed).slice(0, maxAsked)
    const found = new Map<string, AccountQuota>()
    const askOn = async () => {
      for (let next = left.shift(); next && !signal.aborted; next = left.shift()) {
        const one = await askOne(next.account, signal)
        if (one) found.set(next.account.key, one)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, askOn))
    askedMs = clock.now()
    if (found.size > 0) known = sum([...found.values()])
    each = found
  }

  async function askOne(account: Account, signal: AbortSignal): Promise<AccountQuota | undefined> {
    try {
      return await quota(account, signal)
    } catch (error) {
      logger.debug({ account: account.label, err: error }, 'the quota of an account is not known')
      return undefined
    }
  }

  return {
    async read() {
      const isFresh = clock.now() - askedMs < maxAgeMs && !hasNew()
      if (isFresh || closing.signal.aborted) return known
      asking ??= refresh().finally(() => {
        asking = undefined
      })
      await Promise.race([asking, delay(waitMs)])
      return known
    },
    of: (accountKey) => each.get(accountKey),
    async close() {
      closing.abort()
      await asking
    },
  }
}

/** The limit is known only if that of each account is. */
function sum(quotas: readonly AccountQuota[]): AccountQuota {
  const remaining = quotas.reduce((total, each) => total + each.remaining, 0)
  const limits = quotas.flatMap(({ limit }) => (limit === undefined ? [] : [limit]))
  const limit = limits.length === quotas.length ? limits.reduce((total, each) => total + each, 0) : undefined
  return { remaining, limit }
}

const delay = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref())
