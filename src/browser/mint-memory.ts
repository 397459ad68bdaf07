import type { CookieAccount } from '../core/account.ts'
import { type ServiceError, UnavailableError, UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { contextKey } from './page-pool.ts'
import type { MintTrouble } from './token-source.ts'

/** Remembers that no token can be made, so that a request need not find out anew and wait for it: after two failures in a row the
 *  next ones fail at once with the last true cause, until a probe in the background has made one. Two of one account hold for that
 *  account; where two accounts fail that share a way to the site, for all that go this way. */
export interface MintMemory {
  /** @throws {ServiceError} the last cause, where minting is known to fail */
  check(account: CookieAccount): void
  /** Aborts with the cause when it comes to be known that minting fails: whoever waits for a place need not wait on. */
  signal(account: CookieAccount): AbortSignal
  succeeded(account: CookieAccount): void
  /** @param sinceMs  when the mint began (`performance.now`): those under way together fail together, and count once */
  failed(account: CookieAccount, generation: WireGeneration, error: ServiceError, sinceMs: number): void
  forget(accountKey: string): void
  /** What to try now, one at a time; the caller reports the outcome. */
  nextProbe(): Probe | undefined
  readonly trouble: MintTrouble | undefined
}

export interface Probe {
  readonly account: CookieAccount
  readonly generation: WireGeneration
}

export interface MintMemoryOptions {
  readonly probeMs: number
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'recaptchaFailing'>
}

/** Of one account, or of all that go one way to the site. */
interface Scope {
  /** The accounts that failed since the last token. */
  readonly accounts: Set<string>
  failures: number
  failedAt: number
  cause: ServiceError
  probe: Probe
  probeAt: number
  /** Set when it is known that minting fails. */
  blocked: boolean
}

const enough = 2

export function createMintMemory({ probeMs, logger, metrics }: MintMemoryOptions): MintMemory {
  /** Only of what failed since its last token. */
  const scopes = new Map<string, Scope>()
  /** The last token of these came, by their way. */
  const good = new Map<string, string>()
  const waiting = new Map<string, AbortController>()

  /** Sooner where the failure itself says so. */
  const pauseAfter = ({ retryAfterMs = probeMs }: ServiceError) => Math.min(retryAfterMs, probeMs)

  function blockedScope(account: CookieAccount): Scope | undefined {
    for (const name of namesOf(account)) {
      const scope = scopes.get(name)
      if (scope?.blocked) return scope
    }
    return undefined
  }

  function note(name: string, failure: Probe & { error: ServiceError; sinceMs: number }): void {
    const { account, generation, error, sinceMs } = failure
    const nowMs = performance.now()
    const probe = { account, generation }
    const scope = scopes.get(name) ?? {
      ...{ accounts: new Set<string>(), failures: 0, failedAt: Number.NEGATIVE_INFINITY },
      ...{ cause: error, probe, probeAt: nowMs + pauseAfter(error), blocked: false },
    }
    scopes.set(name, scope)
    scope.accounts.add(contextKey(account))
    scope.cause = error
    if (sinceMs <= scope.failedAt && !scope.blocked) return
    scope.failures += 1
    Object.assign(scope, { failedAt: nowMs, probe, probeAt: nowMs + pauseAfter(error) })
    const isKnown = scope.failures >= enough && (!isWay(name) || scope.accounts.size >= enough)
    if (!isKnown || scope.blocked) return
    scope.blocked = true
    if (isWay(name)) for (const [key, way] of good) if (way === name) good.delete(key)
    logger.warn({ error: error.message }, 'no reCAPTCHA token can be made: asks fail at once until one can')
    waiting.get(name)?.abort(again(scope))
    waiting.delete(name)
  }

  function tell(): void {
    metrics.recaptchaFailing.set([...scopes.values()].some(({ blocked }) => blocked) ? 1 : 0)
  }

  function again({ cause, probeAt }: Scope): ServiceError {
    const { message, retryable } = cause
    if (cause instanceof UpstreamError) return new UpstreamError(cause.kind, { message, cause })
    const retryAfterMs = Math.max(1_000, probeAt - performance.now())
    return new UnavailableError('token_unavailable', {
      ...{ message, cause, retryAfterMs },
      ...(retryable !== undefined && { retryable }),
    })
  }

  return {
    check(account) {
      if (scopes.size === 0) return
      const scope = blockedScope(account)
      if (scope) throw again(scope)
    },
    signal(account) {
      const name = wayOf(account)
      let controller = waiting.get(name)
      if (!controller) {
        controller = new AbortController()
        waiting.set(name, controller)
      }
      return controller.signal
    },
    succeeded(account) {
      good.set(contextKey(account), wayOf(account))
      if (scopes.size === 0) return
      let wasBlocked = false
      for (const name of namesOf(account)) {
        const scope = scopes.get(name)
        wasBlocked ||= scope?.blocked ?? false
        scopes.delete(name)
        // What kept all of them from it is over for all of them.
        if (scope?.blocked && isWay(name)) for (const key of scope.accounts) scopes.delete(key)
      }
      if (wasBlocked) logger.info({}, 'reCAPTCHA tokens are made again')
      tell()
    },
    failed(account, generation, error, sinceMs) {
      good.delete(contextKey(account))
      const [own, way] = namesOf(account)
      note(own, { account, generation, error, sinceMs })
      // What waiting will not mend is the account's own, such as cookies that the browser refuses.
      if (error.retryable !== false || error instanceof UpstreamError)
        note(way, { account, generation, error, sinceMs })
      tell()
    },
    forget(accountKey) {
      for (const name of scopes.keys()) if (name.startsWith(`${accountKey} `)) scopes.delete(name)
      for (const key of good.keys()) if (key.startsWith(`${accountKey} `)) good.delete(key)
      tell()
    },
    nextProbe() {
      const nowMs = performance.now()
      for (const [name, scope] of scopes) {
        const { blocked, probe, probeAt } = scope
        const goesWithItsWay = !isWay(name) && scopes.get(wayOf(probe.account))?.blocked
        if (!blocked || goesWithItsWay || nowMs < probeAt) continue
        scope.probeAt = nowMs + pauseAfter(scope.cause)
        return probe
      }
      return undefined
    },
    get trouble(): MintTrouble | undefined {
      const blocked = [...scopes].filter(([, scope]) => scope.blocked)
      const [first] = blocked.find(([name]) => isWay(name))
        ? blocked.filter(([name]) => isWay(name))
        : blocked
      if (!first) return undefined
      const [name, { cause }] = first
      const isAll = isWay(name) && good.size === 0
      const accounts = new Set(blocked.flatMap(([, scope]) => [...scope.accounts]))
      return { cause: cause.message, accounts: isAll ? 'all' : accounts.size }
    },
  }
}

const way = 'way '
const wayOf = ({ proxyUrl = '' }: CookieAccount): string => way + proxyUrl
const isWay = (name: string): boolean => name.startsWith(way)
const namesOf = (account: CookieAccount): readonly [string, string] => [contextKey(account), wayOf(account)]
