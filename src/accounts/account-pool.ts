// Module `accounts`: leases the operator's accounts, one for each attempt, and remembers what the attempts find out about them.
// Touches `store` and `core`; the site is asked only through functions handed in (check a login, delete a chat, read a quota).

import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { AccountHold, AccountSelection, Candidate, ChooseAccount, Store } from '../store/store.ts'
import { type AccountEntry, type AccountRoster, isUsed } from './account-roster.ts'
import { type AccountStateByUse, readAccountStates } from './account-states.ts'
import { createChatBindings, type LeaseUse } from './chat-bindings.ts'
import { type CoolDown, createCooldowns } from './cooldowns.ts'
import { createImageTurns } from './image-turns.ts'
import { type Lease, type LeaseContext, LeaseRenewal, PoolLease } from './lease.ts'
import { createPreferOpen } from './prefer-open.ts'
import { WaitingLine } from './waiting-line.ts'

export interface AccountPool {
  /** Leases one account for one attempt; waits up to QUEUE_WAIT_S when all are busy.
   *  @throws {UnavailableError} `all_accounts_cooling` (`retryAfterMs` to the soonest; not retryable beyond 60 s),
   *  `no_account_available` (not retryable), `queue_full`, `queue_timeout`, `shutting_down`; `signal.reason` on abort */
  lease(request: PoolLeaseRequest): Promise<Lease>
  /** Rests an account outside of a lease: it failed where another then answered. Logged; never rejects. */
  rest(account: Account, verdict: CoolDown): Promise<void>
  /** Every account with its state, for readiness and console; changes nothing. */
  statuses(): Promise<readonly AccountStatus[]>
  /** Rejects those that wait. Leases that are out can still be released. */
  close(): Promise<void>
}

export interface PoolLeaseRequest {
  readonly model: string
  /** Default `chat`. */
  readonly use?: LeaseUse
  /** Only accounts of this kind can serve the request: the other surface lacks what it asks for. */
  readonly kind?: Account['kind']
  /** Whether a stored chat would be continued. Default true; false spares the store the look-up. */
  readonly continuesChats?: boolean
  /** Keys of the accounts already tried for this request. */
  readonly exclude: ReadonlySet<string>
  readonly requestId: string
  /** A label of the API key that asks, for the counts. */
  readonly caller?: string | undefined
  readonly signal: AbortSignal
}

export interface AccountStatus {
  readonly label: string
  readonly hold?: AccountHold
  /** Of one use alone. */
  readonly useHolds?: AccountStateByUse['useHolds']
  readonly inFlight: number
  /** Not leased: by the operator's word, or as another session of a person who is there. */
  readonly paused?: true
}

export interface AccountPoolOptions {
  /** Its changes count from the next lease on; leases that are out go on with the account as it was. */
  readonly roster: Pick<AccountRoster, 'entries' | 'onChange'>
  readonly store: Store
  /** Absent: chats stay (AUTO_DEL_CHAT=0). */
  readonly chatDeletions?: LeaseContext['chatDeletions']
  readonly clock: Clock
  readonly logger: Logger
  /** ACCOUNT_MAX_CONCURRENCY; 0 is no cap. */
  readonly accountMaxConcurrency: number
  readonly accountSelection: AccountSelection
  readonly queueWaitMs: number
  readonly queueMax: number
  /** RATE_LIMIT_COOKIE_LOCK_DURATION: the longest back-off of our own. */
  readonly rateLimitCoolDownMs: number
  /** MODEL_CHAT_MAP: model to chat id; wins over stored bindings. */
  readonly modelChatMap: ReadonlyMap<string, string>
  /** SESSION_IMAGE_CHAT_MAP: session to the chat for its images. */
  readonly sessionImageChatMap: ReadonlyMap<string, string>
  /** AUTO_MODEL_CHAT_MAP_TYPE. */
  readonly autoBindChats: boolean
  /** A lease lapses so long after its last renewal. Default 30 s. */
  readonly leaseMs?: number
  /** Keys of the accounts whose browser page is open, or that have a spare token. Absent: none has. */
  readonly openAccounts?: (() => ReadonlySet<string>) | undefined
  /** How often waiting requests try again without a wake. Default 1 s. */
  readonly recheckMs?: number
}

export function createAccountPool(options: AccountPoolOptions): AccountPool {
  const { roster, store, clock, logger, leaseMs = 30_000, recheckMs = 1000 } = options
  let usable = sortAccounts(roster.entries())
  const bindings = createChatBindings({
    pins: options.modelChatMap,
    imagePins: options.sessionImageChatMap,
    autoBind: options.autoBindChats,
  })
  const renewal = new LeaseRenewal({ store, leaseMs, logger })
  const cooldowns = createCooldowns({ store, clock, logger, maxBackOffMs: options.rateLimitCoolDownMs })
  const preferOpen =
    options.openAccounts && options.accountSelection === 'least-busy'
      ? createPreferOpen(options.openAccounts)
      : undefined
  const imageTurns = createImageTurns()
  const context: LeaseContext = {
    store,
    renewal,
    cooldowns,
    chatDeletions: options.chatDeletions,
    clock,
    logger,
  }
  const line = new WaitingLine<Lease>({
    max: options.queueMax,
    waitMs: options.queueWaitMs,
    recheckMs,
    giveBack: (lease) => void lease.release({ type: 'unused' }),
  })
  const unsubscribes = [
    store.onChange(() => line.wake()),
    roster.onChange(() => {
      usable = sortAccounts(roster.entries())
      line.wake()
    }),
  ]

  /** @returns undefined when all are busy */
  async function tryLease(request: PoolLeaseRequest): Promise<Lease | undefined> {
    const { model, use = 'chat', kind, continuesChats = true, exclude, requestId, caller } = request
    const { byKey, candidates } = usable
    const [accounts, fallback] = candidates[kind ?? 'any']
    const open = preferOpen?.preferred(candidates.cookie[0])
    const preferred = use === 'image' ? imageTurns.preferred(candidates.cookie[0], open) : open
    const isBound = continuesChats && use === 'chat' && options.autoBindChats
    const answer = await store.lease({
      accounts,
      fallback,
      exclude,
      selection: options.accountSelection,
      preferred,
      maxConcurrency: options.accountMaxConcurrency,
      leaseMs,
      requestId,
      ...(use !== 'chat' && { use }),
      model: isBound ? model : undefined,
    })
    switch (answer.type) {
      case 'leased': {
        const account = byKey.get(answer.account)
        if (account?.kind === 'cookie') preferOpen?.chosen(account.key, open)
        if (use === 'image') imageTurns.chosen(answer.account)
        if (!account) throw new Error('The store leased an account that was not among those asked for.')
        const mayContinue = isBound || bindings.hasPins
        const binding = mayContinue
          ? bindings.bind(account, { use, model, stored: answer.chatId })
          : undefined
        return new PoolLease(context, { account, leaseId: answer.leaseId, model, use, caller, binding })
      }
      case 'busy':
        return undefined
      case 'cooling':
        throw allCooling(Math.max(answer.untilMs - clock.now(), 0))
      case 'none':
        throw new UnavailableError('no_account_available', { retryable: false })
      default:
        return answer satisfies never
    }
  }

  return {
    lease(request) {
      const choosy = request.exclude.size > 0 || request.kind !== undefined
      return line.enter({ ask: () => tryLease(request), choosy, signal: request.signal })
    },

    async rest(account, verdict) {
      try {
        const hold = await cooldowns.holdFor(account.key, verdict, clock.now())
        if (hold) await store.setHold(account.key, hold)
      } catch (error) {
        logger.warn({ account: account.label, err: error }, 'an account could not be rested')
      }
    },

    async statuses() {
      const entries = roster.entries()
      const states = await readAccountStates(
        store,
        entries.map(({ account }) => account.key),
      )
      return entries.map((entry) => ({
        label: entry.account.label,
        ...(states.get(entry.account.key) ?? { inFlight: 0 }),
        ...(!isUsed(entry) && { paused: true as const }),
      }))
    },

    async close() {
      for (const unsubscribe of unsubscribes) unsubscribe()
      line.close(new UnavailableError('shutting_down'))
      renewal.close()
    },
  }
}

/** Keys to choose among, and those to fall back on. */
type Candidates = readonly [accounts: readonly string[], fallback?: readonly string[]]

/** The accounts that may be leased. The lists stay the same until the roster changes: the store knows them by identity. */
interface UsableAccounts {
  readonly byKey: ReadonlyMap<string, Account>
  readonly candidates: Readonly<Record<Account['kind'] | 'any', Candidates>>
}

/** API keys come first: they need neither cookie nor token. */
function sortAccounts(entries: readonly AccountEntry[]): UsableAccounts {
  const accounts = entries.filter(isUsed).map(({ account }) => account)
  const keysOf = (kind: Account['kind']) =>
    accounts.filter((account) => account.kind === kind).map(({ key }) => key)
  const apiKeys = keysOf('api-key')
  const cookies = keysOf('cookie')
  return {
    byKey: new Map(accounts.map((account) => [account.key, account])),
    candidates: {
      'api-key': [apiKeys],
      cookie: [cookies],
      any: apiKeys.length === 0 ? [cookies] : [apiKeys, cookies],
    },
  }
}

/** The longest `Retry-After` that makes sense to a client; beyond it the client should not wait for us. */
const longestRetryMs = 60_000

function allCooling(retryAfterMs: number): UnavailableError {
  if (retryAfterMs <= longestRetryMs) return new UnavailableError('all_accounts_cooling', { retryAfterMs })
  const seconds = Math.ceil(retryAfterMs / 1000)
  return new UnavailableError('all_accounts_cooling', {
    message: `All cookies are temporarily unavailable. Back in ${seconds} s.`,
    retryAfterMs,
    retryable: false,
  })
}

/** Chooses among at least one account, in one walk over them: `least-busy` (random among equals), `random`, or
 *  `round-robin` (the one whose last turn is longest ago). Pure but for `random`.
 *  @param random  from 0 up to but not including 1 */
export function createChooseAccount(random: () => number): ChooseAccount {
  return function chooseAccount(candidates, selection, preferred) {
    switch (selection) {
      case 'least-busy':
        return oneOf(amongPreferred(leastBusy(candidates), preferred), random)
      case 'random':
        return oneOf(candidates, random)
      case 'round-robin':
        return candidates.reduce((longest, each) => (each.lastTurn < longest.lastTurn ? each : longest))
      default:
        return selection satisfies never
    }
  }
}

function leastBusy<C extends Candidate>(candidates: readonly C[]): C[] {
  let equals: C[] = []
  let least = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    if (candidate.inFlight > least) continue
    if (candidate.inFlight < least) equals = []
    least = candidate.inFlight
    equals.push(candidate)
  }
  return equals
}

function amongPreferred<C extends Candidate>(equals: C[], preferred: readonly string[] | undefined): C[] {
  if (preferred === undefined || equals.length < 2) return equals
  for (const key of preferred) {
    const better = equals.find(({ account }) => account === key)
    if (better) return [better]
  }
  return equals
}

function oneOf<C>(candidates: readonly C[], random: () => number): C {
  const chosen = candidates[Math.floor(random() * candidates.length)]
  if (chosen === undefined) throw new RangeError('There is nothing to choose among.')
  return chosen
}
