import type { Clock } from '../core/clock.ts'

/** Whose leases are counted. */
export interface Leased {
  inFlight: number
}

interface Lease<T> {
  readonly holder: T
  lapsesMs: number
}

/** Leases of one process, in memory; keeps `inFlight` of their holders. */
export class LeaseBook<T extends Leased> {
  readonly #clock: Clock
  readonly #leases = new Map<string, Lease<T>>()
  /** Nothing lapses before it, so that a lease is not paid for with a walk over all of them. */
  #soonestLapseMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  begin(leaseId: string, holder: T, leaseMs: number): void {
    const lapsesMs = this.#clock.now() + leaseMs
    this.#leases.set(leaseId, { holder, lapsesMs })
    this.#soonestLapseMs = Math.min(this.#soonestLapseMs, lapsesMs)
    holder.inFlight += 1
  }

  /** @returns false when it has lapsed or ended */
  extend(leaseId: string, leaseMs: number): boolean {
    this.dropLapsed()
    const lease = this.#leases.get(leaseId)
    if (!lease) return false
    lease.lapsesMs = this.#clock.now() + leaseMs
    // A renewal may be shorter than the lease was.
    this.#soonestLapseMs = Math.min(this.#soonestLapseMs, lease.lapsesMs)
    return true
  }

  /** @returns its holder, or undefined when it has lapsed or ended before */
  end(leaseId: string): T | undefined {
    this.dropLapsed()
    const lease = this.#leases.get(leaseId)
    if (!lease) return undefined
    this.#leases.delete(leaseId)
    lease.holder.inFlight -= 1
    return lease.holder
  }

  dropLapsed(): void {
    const nowMs = this.#clock.now()
    if (nowMs < this.#soonestLapseMs) return
    this.#soonestLapseMs = Number.POSITIVE_INFINITY
    for (const [leaseId, lease] of this.#leases) {
      if (lease.lapsesMs > nowMs) {
        this.#soonestLapseMs = Math.min(this.#soonestLapseMs, lease.lapsesMs)
      } else {
        this.#leases.delete(leaseId)
        lease.holder.inFlight -= 1
      }
    }
  }
}
