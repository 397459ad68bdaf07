import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Redis } from 'ioredis'
import Koa from 'koa'
import { limitRate } from '../../../src/http/limit-rate.ts'
import type { RequestContext } from '../../../src/http/request-state.ts'
import { readRedis } from './redis-meter.ts'
import { benchPrefix, connectStore } from './simulated-replica.ts'

/** CPU time of Redis in microseconds for each of what a request may do besides its lease and release. */
export interface CommandCosts {
  /** Of the lease of a request that is still answered; one each 10 s. */
  readonly renewalUs: number
  /** Of a client's limit, counted for all replicas together; one a request. */
  readonly rateLimitUs: number
}

const clients = 1000
const atOnce = 16

export async function measureCommandCosts(
  redisUrl: string,
  redis: Redis,
  repeats: number,
): Promise<CommandCosts> {
  await redis.flushall()
  const store = connectStore(redisUrl)
  try {
    await store.ping()
    const held = Array.from({ length: clients }, (_, number) => ({
      account: `account-${number}`,
      leaseId: `lease-${number}`,
      leaseMs: 60_000,
    }))
    await store.adoptLeases(held)
    const limit = limitRate(60, {
      client: store.client,
      prefix: benchPrefix,
      store: {
        isRedisUp: () => true,
        reportAway(cause) {
          throw cause
        },
      },
    })
    const app = new Koa()
    return {
      renewalUs: await costOf(redis, repeats, async (round) => {
        const lease = held[round % held.length]
        if (lease && !(await store.extendLease(lease))) throw new Error('a lease was lost')
      }),
      // Fewer a client than its limit.
      rateLimitUs: await costOf(redis, Math.min(repeats, 50 * clients), (round) =>
        limit(contextOf(app, `client-${round % clients}`), async () => {}),
      ),
    }
  } finally {
    await store.close()
  }
}

async function costOf(
  redis: Redis,
  repeats: number,
  run: (round: number) => Promise<unknown>,
): Promise<number> {
  const before = await readRedis(redis)
  for (let round = 0; round < repeats; round += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, (_, offset) => run(round + offset)))
  }
  const after = await readRedis(redis)
  return (after.cpuUs - before.cpuUs) / (Math.ceil(repeats / atOnce) * atOnce)
}

function contextOf(app: Koa, clientAddress: string): RequestContext {
  const request = new IncomingMessage(new Socket())
  const context = app.createContext(request, new ServerResponse(request))
  return Object.assign(context, { state: { clientAddress } }) as unknown as RequestContext
}
