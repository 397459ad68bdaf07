import { Cluster, type Command, Redis, type RedisOptions } from 'ioredis'
import { UnavailableError } from '../../core/errors.ts'
import type { RedisTarget } from './parse-redis-url.ts'

export type RedisClient = Redis | Cluster

const longestRetryMs = 500
/** So many commands may time out on a connection before another one is tried: its host may have gone silently. */
const silentCommands = 4

/** Connects in the background, as often as it takes. A command while Redis is unreachable fails at once, and a slow one after
 *  `commandTimeoutMs`: neither waits in a queue nor is sent again. The caller listens to `error`. */
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

/** Every command of the client fails when it takes longer than `timeoutMs`. The limit of ioredis itself would give up on
 *  answers that already lie in the socket, since timers run before reads after this process was busy: reads come first here. */
function limitCommands<Client extends RedisClient>(client: Client, timeoutMs: number): Client {
  const send = client.sendCommand.bind(client)
  client.sendCommand = (command: Command, ...rest: unknown[]) => {
    const timer = setTimeout(() => setImmediate(giveUp, command), timeoutMs)
    const settled = () => clearTimeout(timer)
    command.promise.then(settled, settled)
    return send(command, ...(rest as []))
  }
  return client
}

function giveUp(command: Command): void {
  if (!command.isResolved) command.reject(new Error('Command timed out'))
}

/** The public error for any failure of Redis or the way to it. The cause keeps only the message: the client's own errors carry
 *  the command with its arguments, secrets among them. */
export function redisFailure(cause: unknown): UnavailableError {
  return new UnavailableError('dependency_unavailable', {
    message: 'Redis, which holds what the replicas share, cannot be used now.',
    cause: new Error(redisReason(cause)),
  })
}

/** In words, without secrets. */
export function redisReason(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  // Of a cluster whose nodes all fail.
  const last = 'lastNodeError' in cause && cause.lastNodeError instanceof Error ? cause.lastNodeError : cause
  return last.message || ('code' in last ? String(last.code) : last.name)
}
