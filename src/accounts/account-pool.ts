// Room `accounts`: leases the operator's accounts, one for each attempt, and keeps what the attempts find out about them.
// Touches `store` and `core`; it asks nobody outside and tells no secret.

import type { Account } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { AccountHold, AccountSelection, Store } from '../store/store.ts'
import type { AccountRoster } from './account-roster.ts'
import { createChatBindings, type LeaseUse } from './chat-bindings.ts'
import type { ChatDeletions } from './chat-deletions.ts'
import { holdLease } from './held-lease.ts'
import type { Lease } from './lease.ts'
import { LeaseRenewal } from './lease-renewal.ts'
import { type AccountTiers, sortAccounts } from './sort-accounts.ts'
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
  /** Default `chat`. */
  readonly use?: LeaseUse
  /** Only accounts of this kind can serve the request: the other surface lacks what it asks for. */
  readonly kind?: Account['kind']
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
  readonly inFlight: number
  /** By the operator: not leased. */
  readonly paused?: true
}

export interface AccountPoolOptions {
  /** Its changes count from the next lease on; leases that are out go on with the account as it was. */
  readonly roster: Pick<AccountRoster, 'entries' | 'onChange'>
  readonly store: Store
  /** Absent: chats stay (AUTO_DEL_CHAT=0). */
  readonly chatDeletions?: Pick<ChatDeletions, 'add'> | undefined
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
  /** How often those who wait ask again unwoken. Default 1 s. */
  readonly recheckMs?: number
}

export function createAccountPool(options: AccountPoolOptions): AccountPool {
  const { roster, store, clock, logger, leaseMs = 30_000, recheckMs = 1000 } = options
  let tiers = sortAccounts(roster.entries())
  const bindings = createChatBindings({
    pins: options.modelChatMap,
    imagePins: options.sessionImageChatMap,
    autoBind: options.autoBindChats,
  })
  const verdictHolds = createVerdictHolds({ store, clock, logger, maxBackOffMs: options.rateLimitCoolDownMs })
  const renewal = new LeaseRenewal({ store, leaseMs, logger })
  const line = new WaitingLine<Lease>({
    max: options.queueMax,
    waitMs: options.queueWaitMs,
    recheckMs,
    giveBack: (lease) => void lease.release({ type: 'unused' }),
  })
  const unsubscribes = [
    store.onChange(() => line.wake()),
    roster.onChange(() => {
      tiers = sortAccounts(roster.entries())
      line.wake()
    }),
  ]

  /** @returns undefined when all are busy */
  async function ask({ model, use = 'chat', kind, exclude, requestId, caller }: PoolLeaseRequest) {
    const { byKey } = tiers
    const answer = await store.lease({
      ...candidates(tiers, kind),
      exclude,
      selection: options.accountSelection,
      maxConcurrency: options.accountMaxConcurrency,
      leaseMs,
      requestId,
      model,
    })
    switch (answer.type) {
      case 'leased': {
        const account = byKey.get(answer.account)
        if (!account) throw new Error('The store leased an account that was not among those asked for.')
        const { leaseId } = answer
        const binding = bindings.bind(account, { use, model, stored: answer.chatId })
        return holdLease({
          account,
          leaseId,
          model,
          caller,
          binding,
          store,
          renewal,
          verdictHolds,
          chatDeletions: options.chatDeletions,
          clock,
          logger,
        })
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
      return line.enter({ ask: () => ask(request), choosy, signal: request.signal })
    },

    async statuses() {
      const entries = roster.entries()
      const states = await store.accountStates(entries.map(({ account }) => account.key))
      return entries.map(({ account: { key, label }, paused }) => ({
        label,
        ...(states.get(key) ?? { inFlight: 0 }),
        ...(paused && { paused }),
      }))
    },

    async close() {
      for (const unsubscribe of unsubscribes) unsubscribe()
      line.close(new UnavailableError('shutting_down'))
      renewal.close()
    },
  }
}

/** API keys come first: they need neither cookie nor token. */
function candidates({ apiKeys, cookies }: AccountTiers, kind: Account['kind'] | undefined) {
  if (kind === 'api-key') return { accounts: apiKeys }
  if (kind === 'cookie' || apiKeys.length === 0) return { accounts: cookies }
  return { accounts: apiKeys, fallback: cookies }
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
