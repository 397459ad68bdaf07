import type { Clock } from '../../core/clock.ts'
import { UnavailableError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { EmbeddedStore } from '../embedded-store.ts'
import { createJournal } from '../journal.ts'
import { blame } from '../redis/redis-failure.ts'
import type { RedisStore } from '../redis/redis-store.ts'
import { type AdoptedLease, holdName, type LeaseInput, type LeaseRelease, type Store } from '../store.ts'
import type { Breaker } from './breaker.ts'
import type { SharedCounts } from './shared-counts.ts'
import type { SharedHolds } from './shared-holds.ts'

export interface SharedLeasesOptions {
  readonly redis: Pick<RedisStore, 'lease' | 'extendLease' | 'releaseLease' | 'adoptLeases' | 'abandonLeases'>
  readonly local: Pick<EmbeddedStore, 'lease' | 'extendLease' | 'releaseLease' | 'adoptLeases'>
  readonly breaker: Pick<Breaker, 'run' | 'isClosed'>
  readonly holds: Pick<SharedHolds, 'learn' | 'mirror' | 'sawUsable'>
  readonly counts: Pick<SharedCounts, 'add'>
  /** Throws unless this replica may serve alone while Redis is unreachable (REDIS_DOWN_MODE=local). */
  readonly assertLocal: () => void
  readonly clock: Clock
  readonly logger: Logger
}

export interface SharedLeases extends Pick<Store, 'lease' | 'extendLease' | 'releaseLease'> {
  /** Redis became unreachable: the embedded store takes over the leases in use. */
  moveToLocal(): void
  /** Redis has missed something. */
  readonly hasUnsent: boolean
  /** Sends Redis the leases in use and the releases that it missed. @returns how many leases are in use there again */
  putBack(): Promise<number>
}

/** Leases, in Redis while it is reachable. Those in use outlive its absence and the loss of its data. */
export function createSharedLeases(options: SharedLeasesOptions): SharedLeases {
  const { redis, local, breaker, holds, counts, assertLocal, clock, logger } = options
  const inUse = new LeasesInUse(clock)
  /** Releases of leases that Redis counts, from while it was unreachable. */
  const ended = createJournal<LeaseRelease>({
    name: 'ends of leases',
    // A second release of the same lease does nothing.
    send: (_leaseId, release) => redis.releaseLease(release),
    blames: blame,
    maxFailures: 3,
    logger,
  })
  const unsent = () => inUse.alive().filter(({ isLocal }) => isLocal)

  async function leaseFrom(home: 'redis' | 'local', input: LeaseInput) {
    const sinceMs = clock.now()
    const answer = await (home === 'redis' ? redis : local).lease(input)
    if (answer.type !== 'leased') return answer
    const { account, leaseId } = answer
    inUse.begin({ account, leaseId, leaseMs: input.leaseMs }, home, sinceMs)
    if (home === 'redis') {
      await holds.sawUsable(account)
      if (input.use) await holds.sawUsable(holdName(account, input.use))
    }
    // The breaker may have opened since: the leases that moved to the embedded store then did not include this one.
    if (!breaker.isClosed) moveToLocal()
    return answer
  }

  function moveToLocal(): void {
    const moving = inUse.alive().filter(({ isLocal }) => !isLocal)
    for (const lease of moving) lease.isLocal = true
    local.adoptLeases(moving.map((lease) => inUse.rest(lease)))
  }

  /** @returns false when another may have it by now @throws {UnavailableError} when Redis is unreachable or has forgotten it */
  async function extendInRedis(lease: LeaseInUse): Promise<boolean> {
    if (lease.isLocal) {
      if (!inUse.isAlive(lease)) return false
      await adopt([lease])
      return true
    }
    let isOurs = await renewInRedis(lease)
    // The answer may be from before this replica stood still.
    if (isOurs && !inUse.isAlive(lease)) isOurs = await renewInRedis(lease)
    if (!isOurs && inUse.get(lease.leaseId) && inUse.isAlive(lease))
      throw new UnavailableError('dependency_unavailable', { message: 'Redis has lost its data.' })
    return isOurs
  }

  async function renewInRedis(lease: LeaseInUse): Promise<boolean> {
    const sinceMs = clock.now()
    const isOurs = await redis.extendLease(lease)
    if (isOurs) lease.renewedMs = sinceMs
    return isOurs
  }

  async function extendLocally(lease: LeaseInUse): Promise<boolean> {
    if (!inUse.isAlive(lease)) return false
    lease.renewedMs = clock.now()
    await local.extendLease(lease)
    return true
  }

  async function adopt(leases: readonly LeaseInUse[]): Promise<void> {
    const sinceMs = clock.now()
    // Set before they arrive: a lease that ends meanwhile must be ended in Redis as well.
    for (const lease of leases) lease.inRedis = true
    await redis.adoptLeases(leases.map(({ account, leaseId, leaseMs }) => ({ account, leaseId, leaseMs })))
    for (const lease of leases) {
      lease.renewedMs = sinceMs
      lease.isLocal = false
      await local.releaseLease({ ...lease, model: '' })
    }
  }

  return {
    lease: (input) =>
      breaker.run(
        () => leaseFrom('redis', input),
        () => {
          assertLocal()
          // Redis may be in use and this one call have failed: what this replica has in flight counts here too.
          if (breaker.isClosed) moveToLocal()
          // The ids of both stores stand side by side and must not meet.
          return leaseFrom('local', { ...input, requestId: `local.${input.requestId}` })
        },
      ),

    async extendLease({ leaseId, leaseMs }) {
      const lease = inUse.get(leaseId)
      if (!lease) return false
      lease.leaseMs = leaseMs
      return breaker.run(
        () => extendInRedis(lease),
        () => extendLocally(lease),
      )
    },

    async releaseLease(release) {
      const { account, hold } = release
      const lease = inUse.end(release.leaseId)
      if (!lease) return
      const { counted, ...uncounted } = release
      const { isLocal } = lease
      if (isLocal) {
        counts.add(release)
        await local.releaseLease(uncounted)
      }
      const isTold =
        lease.inRedis &&
        (await breaker.run(
          () => redis.releaseLease(isLocal ? uncounted : release).then(() => true),
          () => {
            if (!isLocal) counts.add(release)
            ended.add(uncounted.leaseId, uncounted)
            return false
          },
        ))
      if (!hold || !inUse.isAlive(lease)) return
      if (isTold) await holds.mirror(account, hold)
      else await holds.learn(account, hold)
    },

    moveToLocal,

    get hasUnsent() {
      return ended.size > 0 || unsent().length > 0
    },

    async putBack() {
      const leases = unsent()
      if (leases.length > 0) await adopt(leases)
      await ended.replay()
      await redis.abandonLeases()
      return leases.length
    },
  }
}

interface LeaseInUse {
  readonly account: string
  readonly leaseId: string
  leaseMs: number
  /** When the last renewal that counted was asked for: it cannot lapse in Redis before `leaseMs` from then. */
  renewedMs: number
  /** Redis counts it, or did when it became unreachable. */
  inRedis: boolean
  /** The embedded store counts it: Redis is unreachable, or was when it began. */
  isLocal: boolean
}

/** The leases that this replica has in use, so that either store can take them over. */
class LeasesInUse {
  readonly #clock: Clock
  readonly #leases = new Map<string, LeaseInUse>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param sinceMs  when it was asked for */
  begin(lease: AdoptedLease, home: 'redis' | 'local', sinceMs: number): void {
    const isLocal = home === 'local'
    this.#leases.set(lease.leaseId, { ...lease, renewedMs: sinceMs, inRedis: !isLocal, isLocal })
  }

  get(leaseId: string): LeaseInUse | undefined {
    return this.#leases.get(leaseId)
  }

  end(leaseId: string): LeaseInUse | undefined {
    const lease = this.#leases.get(leaseId)
    this.#leases.delete(leaseId)
    return lease
  }

  /** By the clock of this replica. Another request may have the account of a lease that was not renewed in time, as when the
   *  whole replica stood still. */
  isAlive({ renewedMs, leaseMs }: LeaseInUse): boolean {
    return renewedMs + leaseMs > this.#clock.now()
  }

  /** Those that have not lapsed. */
  alive(): LeaseInUse[] {
    return [...this.#leases.values()].filter((lease) => this.isAlive(lease))
  }

  /** The lease with the time that is left of it. */
  rest({ account, leaseId, leaseMs, renewedMs }: LeaseInUse): AdoptedLease {
    return { account, leaseId, leaseMs: renewedMs + leaseMs - this.#clock.now() }
  }
}
