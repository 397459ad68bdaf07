import type { Cluster, Redis } from 'ioredis'
import type { Count } from '../counts.ts'
import type { Store } from '../store.ts'

/** A lease that this replica took, as it is put back into a Redis that lost it. */
export interface AdoptedLease {
  readonly account: string
  readonly leaseId: string
  /** It lapses so long after it was put back. */
  readonly leaseMs: number
}

/** The store of all replicas. Every method rejects with UnavailableError `dependency_unavailable`, within the command timeout,
 *  while Redis is away; the clock is Redis's own. */
export interface RedisStore extends Store {
  /** Resolves when Redis answers. @throws {UnavailableError} `dependency_unavailable` */
  ping(): Promise<void>
  /** Identity of the data: a random id that the first replica writes; another one after Redis lost its data.
   *  @throws {UnavailableError} `dependency_unavailable` */
  epoch(): Promise<string>
  /** Puts back leases of this replica. They count against the caps; an account that is over its cap by this stays so until
   *  they end. One that Redis still knows is renewed. @throws {UnavailableError} `dependency_unavailable` */
  adoptLeases(leases: readonly AdoptedLease[]): Promise<void>
  /** Counts what was counted elsewhere.
   *  @param id  of what is sent: sent again it counts nothing @throws {UnavailableError} `dependency_unavailable` */
  addCounts(id: string, counts: readonly Count[]): Promise<void>
  /** The connection for other users of the same Redis: no offline queue, same command timeout. Their keys bear REDIS_PREFIX
   *  by themselves. */
  readonly client: Redis | Cluster
}
