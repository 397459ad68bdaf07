import type { AccountPool } from '../accounts/account-pool.ts'
import type { TokenSource } from '../browser/token-source.ts'
import { errorTable } from '../core/errors.ts'
import type { SharedStore } from '../store/shared-store.ts'

export interface Readiness {
  readonly ready: boolean
  readonly parts: Readonly<Record<string, ReadinessPart>>
}

/** `ok: false` in any part takes the replica out of service. */
export interface ReadinessPart {
  readonly ok: boolean
  readonly [field: string]: unknown
}

export interface ReadinessSources {
  readonly pool: Pick<AccountPool, 'statuses'>
  readonly tokens: Pick<TokenSource, 'state' | 'trouble' | 'problem'>
  /** TOKEN_REQUIRED. Default true. */
  readonly tokenRequired?: boolean
  /** Absent: there is no Redis. */
  readonly redis?: Pick<SharedStore, 'isRedisUp' | 'mode'> | undefined
  /** False: DATA_DIR cannot be used. */
  readonly isStateKept?: boolean
  readonly isShuttingDown: () => boolean
}

/** Can a request be served now? Looks only at what is known already: the site is not asked, nothing is launched. */
export async function checkReadiness(sources: ReadinessSources): Promise<Readiness> {
  const { pool, redis, isStateKept = true, isShuttingDown } = sources
  const accounts = await checkAccounts(pool)
  const parts = {
    accounts,
    // After the accounts: reading them shows whether Redis is reachable.
    ...(redis && { redis: checkRedis(redis) }),
    browser: checkBrowser(sources, accounts.usable),
    // Requests can be served all the same.
    ...(!isStateKept && { state: { ok: true, state: 'in-memory', problem: stateProblem } }),
    process: { ok: !isShuttingDown(), state: isShuttingDown() ? 'shutting-down' : 'running' },
  }
  return { ready: Object.values(parts).every((part) => part.ok), parts }
}

/** A browser that runs but makes no token serves nobody: it is out of use where that is known of every account. */
function checkBrowser(
  { tokens, tokenRequired = true }: ReadinessSources,
  usableAccounts: number,
): ReadinessPart {
  const state = tokens.state()
  const trouble = tokens.trouble?.()
  const problem = trouble?.cause ?? tokens.problem?.()
  if (!trouble) return { ok: state !== 'down', state, ...(problem !== undefined && { problem }) }
  const serves = trouble.accounts !== 'all' && trouble.accounts < usableAccounts
  return {
    ok: state !== 'down' && (serves || !tokenRequired),
    state: state === 'ready' ? 'no-token' : state,
    problem,
    accounts: trouble.accounts,
  }
}

const stateProblem =
  'DATA_DIR cannot be used: what is learnt ends with this process, and no account can be added.'

function checkRedis({ isRedisUp, mode }: NonNullable<ReadinessSources['redis']>): ReadinessPart {
  const isUp = isRedisUp()
  return { ok: isUp || mode === 'local', state: isUp ? 'up' : 'down' }
}

/** Accounts listed by name; beyond these only the count is shown. */
const maxListed = 100

async function checkAccounts(pool: ReadinessSources['pool']): Promise<ReadinessPart & { usable: number }> {
  const statuses = await pool.statuses()
  const cooling = []
  const coolingUses = []
  const signedOut: object[] = []
  const planBlocked: object[] = []
  let inFlight = 0
  let paused = 0
  for (const { label, hold, useHolds, inFlight: own, paused: isPaused } of statuses) {
    inFlight += own
    for (const [use, held] of Object.entries(useHolds ?? {}))
      if (held.type === 'cooling') {
        const until = new Date(held.untilMs).toISOString()
        coolingUses.push({ account: label, use, kind: held.kind, until })
      }
    if (isPaused) paused += 1
    else if (hold?.type === 'cooling') {
      cooling.push({ account: label, kind: hold.kind, until: new Date(hold.untilMs).toISOString() })
    } else if (hold) {
      const list = hold.reason ? planBlocked : signedOut
      list.push({ account: label, since: new Date(hold.sinceMs).toISOString() })
    }
  }
  const usable = statuses.length - paused - cooling.length - signedOut.length - planBlocked.length
  return {
    ok: usable > 0,
    ...(statuses.length === 0 && { problem: errorTable.no_account_available.text }),
    total: statuses.length,
    usable,
    ...(paused > 0 && { paused }),
    in_flight: inFlight,
    cooling: cooling.slice(0, maxListed),
    ...(coolingUses.length > 0 && { cooling_uses: coolingUses.slice(0, maxListed) }),
    signed_out: signedOut.slice(0, maxListed),
    ...(planBlocked.length > 0 && { plan_blocked: planBlocked.slice(0, maxListed) }),
  }
}
