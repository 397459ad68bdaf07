// Room `accounts`: leases the operator's accounts, one for each attempt, and keeps what the attempts find out about them.
// Touches `store` and `core`; it asks nobody outside and tells no secret.

import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { AccountHold, AccountSelection, LeaseInput, Store } from '../store/store.ts'
import { createChatBindings } from './chat-bindings.ts'
import { holdLease } from './held-lease.ts'
import type { Lease } from './lease.ts'
import { LeaseRenewal } from './lease-renewal.ts'
import { createVerdictHolds } from './verdict-holds.ts'
import { WaitingLine } from './waiting-line.ts'

export interface AccountPool {
  /** Leases one account for one attempt; waits up to QUEUE_WAIT_S when all are busy.
   *  @throws {UnavailableError} `all_accounts_cooling` (`retryAfterMs` to the soonest; not retryable beyond 60 s),
   *  `no_account_available` (not retryable), `queue_full`, `queue_timeout`, `shutting_down`; `signal.reason` on abort */
  lease(request: PoolLeaseRequest): Promise<Lease>
  /** Every account with its state, for readiness and console; changes nothing. */
  statuses(): Promise<readonly AccountStatus[]>
  /** Sends the waiting away. Leases that are out can still be released. */
  close(): Promise<void>
}

export interface PoolLeaseRequest {
  readonly model: string
  /** Keys of the accounts already tried for this request. */
  readonly exclude: ReadonlySet<string>
  readonly requestId: string
  readonly signal: AbortSignal
}

export interface AccountStatus {
  readonly label: string
  readonly hold?: AccountHold
  readonly inFlight: number
}

export interface AccountPoolOptions {
  readonly accounts: readonly Account[]
  readonly store: Store
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
  /** AUTO_MODEL_CHAT_MAP_TYPE. */
  readonly autoBindChats: boolean
  /** A lease lapses so long after its last renewal. Default 30 s. */
  readonly leaseMs?: number
  /** How often those who wait ask again unwoken. Default 1 s. */
  readonly recheckMs?: number
}

export function createAccountPool(options: AccountPoolOptions): AccountPool {
  const { store, clock, logger, leaseMs = 30_000, recheckMs = 1000 } = options
  const accounts = new Map(options.accounts.map((account) => [account.key, account]))
  const keys = [...accounts.keys()]
  const bindings = createChatBindings({ pins: options.modelChatMap, autoBind: options.autoBindChats })
  const verdictHolds = createVerdictHolds({ store, clock, logger, maxBackOffMs: options.rateLimitCoolDownMs })
  const renewal = new LeaseRenewal({ store, leaseMs, logger })
  const line = new WaitingLine<Lease>({
    max: options.queueMax,
    waitMs: options.queueWaitMs,
    recheckMs,
    giveBack: (lease) => void lease.release({ type: 'abandoned' }),
  })
  const unsubscribe = store.onChange(() => line.wake())

  /** @returns undefined when all are busy */
  async function ask(input: LeaseInput): Promise<Lease | undefined> {
    const answer = await store.lease(input)
    switch (answer.type) {
      case 'leased': {
        const account = accounts.get(answer.account)
        if (!account) throw new Error('The store leased an account that was not among those asked for.')
        const { model } = input
        const { leaseId } = answer
        const binding = bindings.bind(account.key, model, answer.chatId)
        return holdLease({ account, leaseId, model, binding, store, renewal, verdictHolds, clock, logger })
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
    lease({ model, exclude, requestId, signal }) {
      const input: LeaseInput = {
        accounts: keys,
        exclude,
        selection: options.accountSelection,
        maxConcurrency: options.accountMaxConcurrency,
        leaseMs,
        requestId,
        model,
      }
      return line.enter({ ask: () => ask(input), choosy: exclude.size > 0, signal })
    },

    async statuses() {
      const states = await store.accountStates(keys)
      return options.accounts.map(({ key, label }) => ({ label, ...(states.get(key) ?? { inFlight: 0 }) }))
    },

    async close() {
      unsubscribe()
      line.close(new UnavailableError('shutting_down'))
      renewal.close()
    },
  }
}

/** `Retry-After` says no more than this; beyond it a client had better not wait (DESIGN 5). */
const longestRetryMs = 60_000

function allCooling(retryAfterMs: number): UnavailableError {
  if (retryAfterMs <= longestRetryMs) return new UnavailableError('all_accounts_cooling', { retryAfterMs })
  const seconds = Math.ceil(retryAfterMs / 1000)
  return new UnavailableError('all_accounts_cooling', {
    message: `All cookies are temporarily unavailable. The first is back in ${seconds} s.`,
    retryAfterMs,
    retryable: false,
  })
}
