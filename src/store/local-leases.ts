import type { Clock } from '../core/clock.ts'
import {
  type AccountHold,
  type AccountState,
  type AccountUse,
  type ChooseAccount,
  holdName,
  type LeaseAnswer,
  type LeaseInput,
} from './store.ts'

/** What the store of one process knows of an account. */
export interface LocalAccount {
  readonly account: string
  inFlight: number
  lastTurn: number
  hold: AccountHold | undefined
  /** The same end by `Clock.live`: a wall clock that steps back must not prolong the hold. */
  heldUntil: number
  /** How often in a row it was rate limited. */
  rateLimits: number
}

interface LocalLease {
  readonly account: LocalAccount
  /** By `Clock.live`: a step of the clock or a standstill takes it from nobody, as no other process can have the account. */
  lapsesMs: number
}

export interface LocalLeasesOptions {
  readonly clock: Clock
  readonly chooseAccount: ChooseAccount
}

type NotLeased = Exclude<LeaseAnswer, { type: 'leased' }>

/** In a list that is longer, an idle account is found by a few draws instead of a walk over all of them. */
const longList = 64
const draws = 8

/** Accounts and leases of one process, in memory. A lease costs the same whatever lapses later: nothing is walked over before
 *  the soonest end. */
export class LocalLeases {
  readonly #clock: Clock
  readonly #chooseAccount: ChooseAccount
  readonly #accounts = new Map<string, LocalAccount>()
  /** A caller that passes one list for all its requests is spared the look-ups: they are most of a lease's cost. */
  readonly #lists = new WeakMap<readonly string[], readonly LocalAccount[]>()
  readonly #leases = new Map<string, LocalLease>()
  #soonestLapseMs = Number.POSITIVE_INFINITY
  #turns = 0

  constructor({ clock, chooseAccount }: LocalLeasesOptions) {
    this.#clock = clock
    this.#chooseAccount = chooseAccount
  }

  /** Made when it is not known. */
  account(key: string): LocalAccount {
    const known = this.#accounts.get(key)
    if (known) return known
    const fresh: LocalAccount = {
      account: key,
      inFlight: 0,
      lastTurn: 0,
      hold: undefined,
      heldUntil: 0,
      rateLimits: 0,
    }
    this.#accounts.set(key, fresh)
    return fresh
  }

  accounts(): Iterable<LocalAccount> {
    return this.#accounts.values()
  }

  /** Reads only: looking at an account changes nothing. */
  state(key: string): AccountState {
    this.#dropLapsed()
    const known = this.#accounts.get(key)
    if (!known) return { inFlight: 0 }
    const { inFlight, hold } = known
    return hold && isHolding(known, hold, this.#times()) ? { inFlight, hold } : { inFlight }
  }

  lease(input: LeaseInput): { readonly account: string; readonly leaseId: string } | NotLeased {
    this.#dropLapsed()
    const chosen = this.#choose(input, this.#times())
    if ('type' in chosen) return chosen
    this.#turns += 1
    chosen.lastTurn = this.#turns
    const leaseId = `${input.requestId}.${this.#turns}`
    this.begin(leaseId, chosen, input.leaseMs)
    return { account: chosen.account, leaseId }
  }

  begin(leaseId: string, account: LocalAccount, leaseMs: number): void {
    const lapsesMs = this.#live() + leaseMs
    this.#leases.set(leaseId, { account, lapsesMs })
    this.#soonestLapseMs = Math.min(this.#soonestLapseMs, lapsesMs)
    account.inFlight += 1
  }

  /** @returns false when it has lapsed or ended */
  extend(leaseId: string, leaseMs: number): boolean {
    this.#dropLapsed()
    const lease = this.#leases.get(leaseId)
    if (!lease) return false
    lease.lapsesMs = this.#live() + leaseMs
    // A renewal may be shorter than the lease was.
    this.#soonestLapseMs = Math.min(this.#soonestLapseMs, lease.lapsesMs)
    return true
  }

  /** @returns the leased account, or undefined when the lease has lapsed or ended before */
  end(leaseId: string): LocalAccount | undefined {
    this.#dropLapsed()
    const lease = this.#leases.get(leaseId)
    if (!lease) return undefined
    this.#leases.delete(leaseId)
    lease.account.inFlight -= 1
    return lease.account
  }

  /** A hold that has run out is forgotten; of two the stricter stays. */
  hold(account: LocalAccount, found: AccountHold): void {
    const times = this.#times()
    const current = currentHold(account, times)
    account.hold = stricterHold(current, found)
    if (account.hold !== current) account.heldUntil = times.live + holdEnd(account.hold) - times.now
  }

  #live(): number {
    return this.#clock.live?.() ?? this.#clock.now()
  }

  #times(): Times {
    return { now: this.#clock.now(), live: this.#live() }
  }

  #choose(input: LeaseInput, times: Times): LocalAccount | NotLeased {
    const { exclude, maxConcurrency, selection, fallback, use = 'chat' } = input
    let busy = false
    let soonestMs = Number.POSITIVE_INFINITY
    for (let accounts: readonly string[] | undefined = input.accounts; accounts; ) {
      const list = this.#listOf(accounts)
      const drawn = list.length > longList && use === 'chat' ? this.#draw(list, input, times) : undefined
      if (drawn) return drawn
      const candidates: LocalAccount[] = []
      for (const account of list) {
        const hold =
          use === 'chat' ? account.hold && currentHold(account, times) : this.#holdFor(account, use, times)
        if (hold?.type === 'signed-out') continue
        if (hold) soonestMs = Math.min(soonestMs, hold.untilMs)
        else if (exclude.has(account.account)) continue
        else if (maxConcurrency > 0 && account.inFlight >= maxConcurrency) busy = true
        else candidates.push(account)
      }
      if (candidates.length > 0) return this.#chooseAccount(candidates, selection, input.preferred)
      accounts = accounts === fallback ? undefined : fallback
    }
    if (busy) return { type: 'busy' }
    return soonestMs < Number.POSITIVE_INFINITY ? { type: 'cooling', untilMs: soonestMs } : { type: 'none' }
  }

  /** The stricter of what holds the account and what holds it for this use. */
  #holdFor(account: LocalAccount, use: AccountUse, times: Times): AccountHold | undefined {
    const own = currentHold(account, times)
    const named = this.#accounts.get(holdName(account.account, use))
    const found = named && currentHold(named, times)
    return found ? stricterHold(own, found) : own
  }

  /** An account that the walk over all of them could choose as well, with the same chance; undefined when a few draws find none. */
  #draw(list: readonly LocalAccount[], input: LeaseInput, times: Times): LocalAccount | undefined {
    const { selection, exclude, maxConcurrency, preferred = [] } = input
    if (selection === 'round-robin') return undefined
    // None is less busy than an idle one.
    const most = selection === 'least-busy' ? 1 : maxConcurrency || Number.POSITIVE_INFINITY
    const isGood = (drawn: LocalAccount) =>
      (!drawn.hold || !currentHold(drawn, times)) && drawn.inFlight < most && !exclude.has(drawn.account)
    if (selection === 'least-busy' && preferred.length > 0 && list === this.#listOf(input.accounts)) {
      const good = preferred.map((key) => this.account(key)).find(isGood)
      if (good) return good
    }
    for (let draw = 0; draw < draws; draw += 1) {
      const drawn = this.#chooseAccount(list, 'random')
      if (isGood(drawn)) return drawn
    }
    return undefined
  }

  #listOf(accounts: readonly string[]): readonly LocalAccount[] {
    const known = this.#lists.get(accounts)
    if (known) return known
    const list = accounts.map((key) => this.account(key))
    this.#lists.set(accounts, list)
    return list
  }

  #dropLapsed(): void {
    const nowMs = this.#live()
    if (nowMs < this.#soonestLapseMs) return
    this.#soonestLapseMs = Number.POSITIVE_INFINITY
    for (const [leaseId, lease] of this.#leases) {
      if (lease.lapsesMs > nowMs) {
        this.#soonestLapseMs = Math.min(this.#soonestLapseMs, lease.lapsesMs)
      } else {
        this.#leases.delete(leaseId)
        lease.account.inFlight -= 1
      }
    }
  }
}

interface Times {
  /** By the wall clock. */
  readonly now: number
  readonly live: number
}

/** Until the first of both clocks says that it is over: whichever of them has stepped, no cool-down lasts longer than it was. */
const isHolding = ({ heldUntil }: LocalAccount, hold: AccountHold, { now, live }: Times): boolean =>
  hold.type === 'signed-out' || (hold.untilMs > now && heldUntil > live)

/** The hold as of now; one that has run out is forgotten. */
function currentHold(account: LocalAccount, times: Times): AccountHold | undefined {
  if (account.hold && !isHolding(account, account.hold, times)) account.hold = undefined
  return account.hold
}

/** Of two requests on one account the one that ends last must not lift what the other found out. */
function stricterHold(current: AccountHold | undefined, found: AccountHold): AccountHold {
  if (!current || current.type === found.type)
    return current && holdEnd(current) > holdEnd(found) ? current : found
  return current.type === 'signed-out' ? current : found
}

const holdEnd = (hold: AccountHold): number =>
  hold.type === 'cooling' ? hold.untilMs : Number.POSITIVE_INFINITY
