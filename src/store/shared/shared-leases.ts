import type { Clock } from '../../core/clock.ts'
import { UnavailableError } from '../../core/errors.ts'
import type { EmbeddedStore } from '../embedded-store.ts'
import type { RedisStore } from '../redis/redis-store-contract.ts'
import type { LeaseInput, LeaseRelease, Store } from '../store.ts'
import type { Breaker } from './breaker.ts'
import { type HeldLease, HeldLeases } from './held-leases.ts'
import type { SharedCounts } from './shared-counts.ts'
import type { SharedHolds } from './shared-holds.ts'

export interface SharedLeasesOptions {
  readonly redis: Pick<RedisStore, 'lease' | 'extendLease' | 'releaseLease' | 'adoptLeases'>
  readonly local: Pick<EmbeddedStore, 'lease' | 'extendLease' | 'releaseLease' | 'adoptLeases'>
  readonly breaker: Pick<Breaker, 'ask' | 'isClosed'>
  readonly holds: Pick<SharedHolds, 'learn' | 'mirror' | 'sawUsable'>
  readonly counts: Pick<SharedCounts, 'add'>
  /** Throws unless this replica goes on by itself while Redis is away. */
  readonly assertLocal: () => void
  readonly clock: Clock
}

export interface SharedLeases extends Pick<Store, 'lease' | 'extendLease' | 'releaseLease'> {
  /** Redis went away: the embedded store counts on with what is in use. */
  moveToLocal(): void
  /** Redis has to be told of something. */
  readonly hasUnsent: boolean
  /** Tells Redis what is in use and what has ended. @returns how many leases are in use there again */
  putBack(): Promise<number>
}

/** Leases, in Redis while it is there. Those in use outlive its absence and the loss of its data. */
export function createSharedLeases(options: SharedLeasesOptions): SharedLeases {
  const { redis, local, breaker, holds, counts, assertLocal, clock } = options
  const held = new HeldLeases(clock)
  /** Of leases that Redis counts and that ended while it was away. */
  const ended: LeaseRelease[] = []
  const unsent = () => held.alive().filter(({ isLocal }) => isLocal)

  async function leaseFrom(home: 'redis' | 'local', input: LeaseInput) {
    const sinceMs = clock.now()
    const answer = await (home === 'redis' ? redis : local).lease(input)
    if (answer.type !== 'leased') return answer
    const { account, leaseId } = answer
    held.begin({ account, leaseId, leaseMs: input.leaseMs }, home, sinceMs)
    if (home === 'redis') await holds.sawUsable(account)
    // Redis went away between this answer and another: what moved over then did not have this lease.
    if (!breaker.isClosed) moveToLocal()
    return answer
  }

  function moveToLocal(): void {
    const moving = held.alive().filter(({ isLocal }) => !isLocal)
    for (const lease of moving) lease.isLocal = true
    local.adoptLeases(moving.map((lease) => held.rest(lease)))
  }

  /** @returns false when it is another's by now @throws {UnavailableError} when Redis is away or has forgotten it */
  async function extendInRedis(lease: HeldLease): Promise<boolean> {
    if (lease.isLocal) {
      if (!held.isAlive(lease)) return false
      await adopt([lease])
      return true
    }
    let isOurs = await renewInRedis(lease)
    // The answer may be from before this replica stood still.
    if (isOurs && !held.isAlive(lease)) isOurs = await renewInRedis(lease)
    if (!isOurs && held.get(lease.leaseId) && held.isAlive(lease))
      throw new UnavailableError('dependency_unavailable', { message: 'Redis has lost its data.' })
    return isOurs
  }

  async function renewInRedis(lease: HeldLease): Promise<boolean> {
    const sinceMs = clock.now()
    const isOurs = await redis.extendLease(lease)
    if (isOurs) lease.renewedMs = sinceMs
    return isOurs
  }

  async function extendLocally(lease: HeldLease): Promise<boolean> {
    if (!held.isAlive(lease)) return false
    lease.renewedMs = clock.now()
    await local.extendLease(lease)
    return true
  }

  async function adopt(leases: readonly HeldLease[]): Promise<void> {
    const sinceMs = clock.now()
    // Before they are there: one that ends meanwhile must be ended there as well.
    for (const lease of leases) lease.inRedis = true
    await redis.adoptLeases(leases.map(({ account, leaseId, leaseMs }) => ({ account, leaseId, leaseMs })))
    for (const lease of leases) {
      lease.renewedMs = sinceMs
      lease.isLocal = false
      await local.releaseLease({ ...lease, model: '' })
    }
  }

  async function sendEnded(): Promise<void> {
    const sending = ended.splice(0)
    try {
      await Promise.all(sending.map((release) => redis.releaseLease(release)))
    } catch (error) {
      // A second release of the same lease does nothing.
      ended.push(...sending)
      throw error
    }
  }

  return {
    lease: (input) =>
      breaker.ask(
        () => leaseFrom('redis', input),
        () => {
          assertLocal()
          // The ids of both stores stand side by side and must not meet.
          return leaseFrom('local', { ...input, requestId: `local.${input.requestId}` })
        },
      ),

    async extendLease({ leaseId, leaseMs }) {
      const lease = held.get(leaseId)
      if (!lease) return false
      lease.leaseMs = leaseMs
      return breaker.ask(
        () => extendInRedis(lease),
        () => extendLocally(lease),
      )
    },

    async releaseLease(release) {
      const { account, hold } = release
      const lease = held.end(release.leaseId)
      if (!lease) return
      const { counted, ...uncounted } = release
      const { isLocal } = lease
      if (isLocal) {
        counts.add(release)
        await local.releaseLease(uncounted)
      }
      const isTold =
        lease.inRedis &&
        (await breaker.ask(
          () => redis.releaseLease(isLocal ? uncounted : release).then(() => true),
          () => {
            if (!isLocal) counts.add(release)
            return ended.push(uncounted) === 0
          },
        ))
      if (!hold || !held.isAlive(lease)) return
      if (isTold) await holds.mirror(account, hold)
      else await holds.learn(account, hold)
    },

    moveToLocal,

    get hasUnsent() {
      return ended.length > 0 || unsent().length > 0
    },

    async putBack() {
      const leases = unsent()
      if (leases.length > 0) await adopt(leases)
      await sendEnded()
      return leases.length
    },
  }
}
