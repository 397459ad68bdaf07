import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Emulator, type EmulatorOptions, startEmulator } from '../emulator/emulator.ts'
import { type RedisServer, type RedisServerOptions, startRedisServer } from './redis-server.ts'
import { type ServiceProcess, spawnService } from './spawn-service.ts'

export interface ReplicasOptions {
  /** Settings of every replica, over the ones that they need. */
  readonly env?: Readonly<Record<string, string>>
  readonly emulator?: EmulatorOptions
  readonly redis?: RedisServerOptions
  /** Redis is away when they start; `redis.restart()` brings it. */
  readonly redisDown?: boolean
}

export interface Replicas {
  readonly emulator: Emulator
  readonly redis: RedisServer
  /** In the order in which they were started. */
  readonly replicas: readonly ServiceProcess[]
  /** Starts one more.
   *  @param env  over the settings of all
   *  @param place  the replica whose DATA_DIR it takes over, from 0; default: it has a new one */
  start(env?: Readonly<Record<string, string>>, place?: number): Promise<ServiceProcess>
  /** Ends every process and leaves no file. */
  stop(): Promise<void>
}

/** Real service processes on one real Redis and one emulator; no Chromium starts. */
export async function startReplicas(count: number, options: ReplicasOptions = {}): Promise<Replicas> {
  const folder = await mkdtemp(join(tmpdir(), 'genspark2api-replicas-'))
  const emulator = await startEmulator({ tokenCheck: 'off', ...options.emulator })
  const redis = await startRedisServer(options.redis)
  if (options.redisDown) await redis.kill()
  const replicas: ServiceProcess[] = []
  const starting = new Set<Promise<unknown>>()
  let isStopped = false

  async function start(
    env: Readonly<Record<string, string>> = {},
    place = replicas.length,
  ): Promise<ServiceProcess> {
    // A test that failed may go on in the background.
    if (isStopped) throw new Error('the replicas have been stopped')
    const dataDir = join(folder, String(place))
    await mkdir(dataDir, { recursive: true })
    const spawning = spawnService({
      GENSPARK_BASE_URL: emulator.url,
      RECAPTCHA_MODE: 'off',
      TOKEN_REQUIRED: 'false',
      REDIS_URL: redis.url,
      DATA_DIR: dataDir,
      ...options.env,
      ...env,
    })
    starting.add(spawning)
    const replica = await spawning
    replicas.push(replica)
    return replica
  }

  async function stop(): Promise<void> {
    isStopped = true
    await Promise.allSettled(starting)
    await Promise.all(replicas.map((replica) => replica.kill()))
    await Promise.all([emulator.close(), redis.stop()])
    await rm(folder, { recursive: true })
  }

  try {
    for (let index = 0; index < count; index += 1) await start()
  } catch (error) {
    await stop()
    throw error
  }
  return { emulator, redis, replicas, start, stop }
}

/** Of a replica: what `GET /readyz` says of Redis. */
export async function redisState(url: string): Promise<{ status: number; redis: unknown }> {
  const response = await fetch(`${url}/readyz`)
  const { parts } = (await response.json()) as { parts: { redis: unknown } }
  return { status: response.status, redis: parts.redis }
}

/** Resolves when every replica shares its state through Redis. */
export async function untilShared(replicas: readonly Pick<ServiceProcess, 'url'>[]): Promise<void> {
  for (const { url } of replicas) {
    await expect.poll(async () => (await redisState(url)).redis).toEqual({ ok: true, state: 'up' })
  }
}
