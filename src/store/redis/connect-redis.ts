import { Cluster, type Command, Redis, type RedisOptions } from 'ioredis'
import { liveDeadline } from '../../core/deadline.ts'
import type { RedisTarget } from './parse-redis-url.ts'

export type RedisClient = Redis | Cluster

const longestRetryMs = 500
/** For so many times of a command nothing may come after one has timed out, before another connection is tried: its host may
 *  have gone silently. */
const silentCommands = 3
/** Of its time; from then on a command is called slow. */
const slowPart = 0.3

export interface ConnectOptions {
  /** In time of a live loop. */
  readonly commandTimeoutMs: number
  /** What a command may take beyond that, for its size. */
  readonly moreMs?: (command: Command) => number
  /** A command waits for longer than is usual. */
  readonly onSlow?: () => void
}

/** Connects in the background, as often as it takes. A command while Redis is unreachable fails at once, and a slow one after
 *  `commandTimeoutMs`: neither waits in a queue nor is sent again. The caller listens to `error`. */
export function connectRedis(target: RedisTarget, options: ConnectOptions): RedisClient {
  return limitCommands(createClient(target, options.commandTimeoutMs), options)
}

function createClient(target: RedisTarget, commandTimeoutMs: number): RedisClient {
  const { hosts, db, tls, login } = target
  const options = {
    ...login,
    ...(tls && { tls: {} }),
    connectTimeout: 10 * commandTimeoutMs,
    // It asks for INFO, which a user may have no right to; a Redis that loads its data says so to every command.
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
  } satisfies RedisOptions

  if (target.type === 'cluster') {
    return new Cluster([...hosts], {
      redisOptions: options,
      enableOfflineQueue: false,
      clusterRetryStrategy: retryDelay,
      slotsRefreshTimeout: 10 * commandTimeoutMs,
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

/** Every command of the client fails when it takes longer than its time, counted while our own loop turns: the limit of ioredis
 *  itself would give up on answers that already lie in the socket. A connection on which nothing is answered is made anew. */
function limitCommands<Client extends RedisClient>(client: Client, options: ConnectOptions): Client {
  const { commandTimeoutMs, moreMs, onSlow } = options
  const slowMs = slowPart * commandTimeoutMs
  const send = client.sendCommand.bind(client)
  let stopSilence: (() => void) | undefined

  function heard(): void {
    stopSilence?.()
    stopSilence = undefined
  }

  function giveUp(command: Command): void {
    if (command.isResolved) return
    command.reject(new Error('Command timed out'))
    stopSilence ??= liveDeadline(silentCommands * commandTimeoutMs, () => {
      stopSilence = undefined
      if (client.status === 'ready') client.disconnect(true)
    })
  }

  client.on('close', heard)
  client.on('end', heard)
  client.sendCommand = (command: Command, ...rest: unknown[]) => {
    const restMs = commandTimeoutMs - slowMs + (moreMs?.(command) ?? 0)
    let stop = liveDeadline(slowMs, () => {
      if (command.isResolved) return
      onSlow?.()
      stop = liveDeadline(restMs, () => giveUp(command))
    })
    command.promise.then(
      () => {
        stop()
        if (stopSilence) heard()
      },
      () => stop(),
    )
    return send(command, ...(rest as []))
  }
  return client
}
