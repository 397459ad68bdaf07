import { Cluster, Redis, type RedisOptions } from 'ioredis'
import { limitCommands } from './limit-commands.ts'
import type { RedisTarget } from './parse-redis-url.ts'

export type RedisClient = Redis | Cluster

const longestRetryMs = 500
/** So many commands may time out on a connection before another one is tried: its host may be gone without a word. */
const silentCommands = 4

/** Connects in the background, for ever. A command while Redis is away fails at once, and a slow one after `commandTimeoutMs`:
 *  neither waits in a queue nor is sent again. The caller listens to `error`. */
export function connectRedis(target: RedisTarget, commandTimeoutMs: number): RedisClient {
  return limitCommands(createClient(target, commandTimeoutMs), commandTimeoutMs)
}

function createClient(target: RedisTarget, commandTimeoutMs: number): RedisClient {
  const { hosts, db, tls, login } = target
  const options = {
    ...login,
    ...(tls && { tls: {} }),
    connectTimeout: 4 * commandTimeoutMs,
    socketTimeout: silentCommands * commandTimeoutMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
  } satisfies RedisOptions

  if (target.type === 'cluster') {
    return new Cluster([...hosts], {
      redisOptions: options,
      enableOfflineQueue: false,
      clusterRetryStrategy: retryDelay,
      slotsRefreshTimeout: 4 * commandTimeoutMs,
      // What a command waits before it tries again counts against the time that its caller has: it fails.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      retryDelayOnTryAgain: 0,
      maxRedirections: 3,
      // Certificates are for names; the addresses behind them are looked up by the connection itself.
      ...(tls && { dnsLookup: (address, done) => done(null, address) }),
    })
  }

  const shared = {
    ...options,
    db,
    enableOfflineQueue: false,
    retryStrategy: retryDelay,
    // After a failover the old master, now a replica, still holds the connection.
    reconnectOnError: ({ message }: Error) => message.startsWith('READONLY'),
  } satisfies RedisOptions
  if (target.type === 'sentinel') {
    return new Redis({
      ...shared,
      name: target.groupName,
      sentinels: [...hosts],
      sentinelRetryStrategy: retryDelay,
      sentinelCommandTimeout: commandTimeoutMs,
      sentinelUsername: target.sentinelLogin.username,
      sentinelPassword: target.sentinelLogin.password,
      enableTLSForSentinelMode: tls,
      ...(tls && { sentinelTLS: {} }),
    })
  }
  return new Redis({ ...shared, ...hosts[0] })
}

const retryDelay = (attempt: number): number => Math.min(25 * attempt, longestRetryMs)
