import { UnavailableError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Store } from '../store/store.ts'

interface Renewed {
  readonly account: string
  readonly leaseId: string
  readonly lost: AbortController
  underWay: boolean
}

export interface LeaseRenewalOptions {
  readonly store: Pick<Store, 'extendLease'>
  readonly leaseMs: number
  readonly logger: Logger
}

/** Renews all leases of this process, one timer for all, every third of `leaseMs`; no timer while there are none. */
export class LeaseRenewal {
  readonly #options: LeaseRenewalOptions
  readonly #leases = new Map<string, Renewed>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: LeaseRenewalOptions) {
    this.#options = options
  }

  /** @returns aborts when the lease is found lapsed or taken over */
  start(account: string, leaseId: string): AbortSignal {
    const lost = new AbortController()
    this.#leases.set(leaseId, { account, leaseId, lost, underWay: false })
    this.#timer ??= setInterval(() => this.#renewAll(), this.#options.leaseMs / 3).unref()
    return lost.signal
  }

  stop(leaseId: string): void {
    this.#leases.delete(leaseId)
    if (this.#leases.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #renewAll(): void {
    for (const lease of this.#leases.values()) if (!lease.underWay) void this.#renew(lease)
  }

  async #renew(lease: Renewed): Promise<void> {
    const { store, leaseMs, logger } = this.#options
    const { account, leaseId, lost } = lease
    lease.underWay = true
    try {
      if (await store.extendLease({ account, leaseId, leaseMs })) return
      // A lease that ended while it was asked for is not lost.
      if (!this.#leases.has(leaseId)) return
      this.stop(leaseId)
      lost.abort(new UnavailableError('dependency_unavailable', { message: lostMessage }))
    } catch (error) {
      // A store that is away says nothing of who holds the account; the next round asks again.
      logger.warn({ err: error }, 'a lease could not be renewed')
    } finally {
      lease.underWay = false
    }
  }
}

const lostMessage = 'The lease of the account lapsed while it was answering. Send the request again.'
