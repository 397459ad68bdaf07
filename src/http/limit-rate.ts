import ipaddr from 'ipaddr.js'
import ratelimit, { type MiddlewareOptions } from 'koa-ratelimit'
import { LRUCache } from 'lru-cache'
import { ServiceError } from '../core/errors.ts'
import type { SharedConnection } from '../store/open-store.ts'
import type { Middleware, RequestContext } from './request-state.ts'

/** Where the replicas count together. */
export interface SharedLimit extends Omit<SharedConnection, 'store'> {
  readonly store: Pick<SharedConnection['store'], 'isRedisUp' | 'reportAway'>
}

/** More clients than these in one minute forget the oldest. */
const maxClients = 100_000

/** One limit for all replicas; each has its own while Redis is unreachable.
 *  @param perMinute  requests of one client address; 0 is no limit
 *  @param shared  absent: there is one replica
 *  @param name  limits of different names count apart
 *  @throws {ServiceError} `rate_limit_exceeded` */
export function limitRate(perMinute: number, shared?: SharedLimit, name = 'rate-limit'): Middleware {
  if (perMinute === 0) return (_context, next) => next()
  const window = {
    duration: windowS * 1000,
    max: perMinute,
    id: ({ state }: RequestContext) => clientOf(state.clientAddress),
  }
  const alone = passOrRefuse({ ...window, driver: 'memory', db: new BoundedMap(maxClients) }, 0)
  if (!shared) return alone
  const { store, prefix } = shared
  // Its types know no Cluster; the one script that it runs has a single key.
  const client = shared.client as MiddlewareOptions['db']
  const together = passOrRefuse({ ...window, driver: 'redis', db: client, namespace: prefix + name }, 1)
  return async (context, next) => {
    if (!store.isRedisUp()) return alone(context, next)
    let isCounted = false
    try {
      await together(context, () => {
        isCounted = true
        return next()
      })
    } catch (error) {
      if (isCounted || error instanceof ServiceError) throw error
      store.reportAway(error)
      return alone(context, next)
    }
  }
}

/** Counts asks of the site that one request makes beyond its first.
 *  @throws {ServiceError} `rate_limit_exceeded` */
export async function countAsks(limit: Middleware, context: RequestContext, more: number): Promise<void> {
  for (let count = 0; count < more; count += 1) await limit(context, noNext)
}

const noNext = () => Promise.resolve()

/** IPv6 clients are counted by /64: who has one address there has the whole network. */
export function clientOf(address: string): string {
  return address.includes(':') && ipaddr.IPv6.isValid(address)
    ? `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/64`)}/64`
    : address
}

/** A Map, for a library that insists on one, which forgets the entry longest unused when it holds `max`. */
export class BoundedMap<V extends object> extends Map<string, V> {
  readonly #entries: LRUCache<string, V>

  constructor(max: number) {
    super()
    this.#entries = new LRUCache({ max })
  }

  override get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  override has(key: string): boolean {
    return this.#entries.has(key)
  }

  override set(key: string, value: V): this {
    this.#entries.set(key, value)
    return this
  }

  override get size(): number {
    return this.#entries.size
  }
}

const windowS = 60
const resetHeader = 'X-RateLimit-Reset'

/** @param cutS  what the driver may have cut off the end of the window: whole seconds or nothing */
function passOrRefuse(options: MiddlewareOptions, cutS: 0 | 1): Middleware {
  const limit = ratelimit(options)
  return async (context, next) => {
    await limit(context, () => {
      roundReset(context, cutS)
      return next()
    })
    const { rateLimit } = context.state
    if (!rateLimit) return
    roundReset(context, cutS)
    // It rounds down: a client that obeyed would come too early.
    const retryAfterS = Math.min(rateLimit.after + 1 + cutS, windowS)
    throw new ServiceError('rate_limit_exceeded', { retryAfterMs: retryAfterS * 1000 })
  }
}

/** koa-ratelimit may tell a fraction, which clients that expect an integer cannot read. */
function roundReset({ response }: RequestContext, cutS: number): void {
  response.set(resetHeader, String(Math.ceil(Number(response.get(resetHeader))) + cutS))
}
