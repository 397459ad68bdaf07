import type { Clock } from '../../core/clock.ts'
import type { AdoptedLease } from '../redis/redis-store-contract.ts'

/** A lease of this replica that is in use. */
export interface HeldLease {
  readonly account: string
  readonly leaseId: string
  leaseMs: number
  /** When the last renewal that counted was asked for: it cannot lapse in Redis before `leaseMs` from then. */
  renewedMs: number
  /** Redis counts it, or did when it went away. */
  inRedis: boolean
  /** The embedded store counts it, since Redis is away or was when it began. */
  isLocal: boolean
}

/** The leases that this replica has in use, so that whichever store serves can be told of them. */
export class HeldLeases {
  readonly #clock: Clock
  readonly #leases = new Map<string, HeldLease>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param sinceMs  when it was asked for */
  begin(lease: AdoptedLease, home: 'redis' | 'local', sinceMs: number): void {
    const isLocal = home === 'local'
    this.#leases.set(lease.leaseId, { ...lease, renewedMs: sinceMs, inRedis: !isLocal, isLocal })
  }

  get(leaseId: string): HeldLease | undefined {
    return this.#leases.get(leaseId)
  }

  end(leaseId: string): HeldLease | undefined {
    const lease = this.#leases.get(leaseId)
    this.#leases.delete(leaseId)
    return lease
  }

  /** By the clock of this replica. One that was not renewed in time, as when the whole replica stood still, may be another's
   *  by now. */
  isAlive({ renewedMs, leaseMs }: HeldLease): boolean {
    return renewedMs + leaseMs > this.#clock.now()
  }

  /** Those that have not lapsed. */
  alive(): HeldLease[] {
    return [...this.#leases.values()].filter((lease) => this.isAlive(lease))
  }

  /** What is left of a lease. */
  rest({ account, leaseId, leaseMs, renewedMs }: HeldLease): AdoptedLease {
    return { account, leaseId, leaseMs: renewedMs + leaseMs - this.#clock.now() }
  }
}
