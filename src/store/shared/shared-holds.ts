import type { Logger } from '../../core/logger.ts'
import type { EmbeddedStore } from '../embedded-store.ts'
import { createJournal } from '../journal.ts'
import { blame } from '../redis/redis-failure.ts'
import type { RedisStore } from '../redis/redis-store.ts'
import type { AccountHold, Store } from '../store.ts'
import type { Breaker } from './breaker.ts'

export interface SharedHoldsOptions {
  readonly redis: Pick<RedisStore, 'setHold' | 'clearHold' | 'accountStates' | 'countRateLimit'>
  readonly local: Pick<
    EmbeddedStore,
    'setHold' | 'clearHold' | 'accountStates' | 'countRateLimit' | 'holds' | 'isHeld'
  >
  readonly breaker: Pick<Breaker, 'run'>
  /** Throws unless this replica may serve alone while Redis is unreachable (REDIS_DOWN_MODE=local). */
  readonly assertLocal: () => void
  readonly logger: Logger
}

export interface SharedHolds
  extends Pick<Store, 'setHold' | 'clearHold' | 'accountStates' | 'countRateLimit'> {
  /** Of a request that has ended: recorded whether Redis is reachable or not. */
  learn(account: string, hold: AccountHold): Promise<void>
  /** Redis knows this one already. */
  mirror(account: string, hold: AccountHold): Promise<void>
  /** Redis has leased the account: it is not held. */
  sawUsable(account: string): Promise<void>
  /** Redis has lost its data: everything known has to be sent. */
  markAll(): void
  readonly hasUnsent: boolean
  /** Sends Redis what it missed. @returns how many holds */
  putBack(): Promise<number>
}

/** Holds of accounts, in Redis while it is reachable. The embedded store has a copy of those that this replica has seen. */
export function createSharedHolds({
  redis,
  local,
  breaker,
  assertLocal,
  logger,
}: SharedHoldsOptions): SharedHolds {
  /** Accounts of which Redis has missed something. */
  const unsent = createJournal<'held' | 'cleared'>({
    name: 'holds',
    send,
    blames: blame,
    maxFailures: 3,
    logger,
  })

  function note(account: string, change: 'held' | 'cleared'): void {
    unsent.add(account, unsent.get(account) === 'cleared' ? 'cleared' : change)
  }

  async function send(account: string, change: 'held' | 'cleared'): Promise<void> {
    if (change === 'cleared') await redis.clearHold(account)
    const hold = (await local.accountStates([account])).get(account)?.hold
    if (hold) await redis.setHold(account, hold)
  }

  /** Redis wins, also where another replica has cleared a hold. */
  async function mirrorStates(states: Awaited<ReturnType<Store['accountStates']>>): Promise<void> {
    const known = local.holds()
    for (const [account, { hold }] of states) {
      const mine = known.get(account)
      if (!isSame(mine, hold)) {
        if (mine) await local.clearHold(account)
        if (hold) await local.setHold(account, hold)
      }
    }
  }

  async function learn(account: string, hold: AccountHold, assertAllowed = () => {}): Promise<void> {
    await local.setHold(account, hold)
    await breaker.run(
      () => redis.setHold(account, hold),
      () => {
        assertAllowed()
        note(account, 'held')
      },
    )
  }

  return {
    setHold: (account, hold) => learn(account, hold, assertLocal),

    async clearHold(...accounts) {
      await local.clearHold(...accounts)
      await breaker.run(
        () => redis.clearHold(...accounts),
        () => {
          assertLocal()
          for (const account of accounts) note(account, 'cleared')
        },
      )
    },

    accountStates: (accounts) =>
      breaker.run(
        async () => {
          const states = await redis.accountStates(accounts)
          await mirrorStates(states)
          return states
        },
        () => local.accountStates(accounts),
      ),

    countRateLimit: (account) =>
      breaker.run(
        () => redis.countRateLimit(account),
        () => local.countRateLimit(account),
      ),

    learn: (account, hold) => learn(account, hold),

    mirror: (account, hold) => local.setHold(account, hold),

    async sawUsable(account) {
      if (local.isHeld(account)) await local.clearHold(account)
    },

    markAll() {
      for (const account of local.holds().keys()) note(account, 'held')
    },

    get hasUnsent() {
      return unsent.size > 0
    },

    putBack: unsent.replay,
  }
}

function isSame(one: AccountHold | undefined, other: AccountHold | undefined): boolean {
  if (one?.type === 'cooling' && other?.type === 'cooling')
    return one.kind === other.kind && one.untilMs === other.untilMs
  return one?.type === other?.type
}
