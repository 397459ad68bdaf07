import type { Redis } from 'ioredis'
import { ledgerNow } from './ledger.ts'

/** What Redis has done since it started. */
export interface RedisReading {
  readonly atMs: number
  /** Sent by a client to run a script. */
  readonly roundTrips: number
  /** Those that scripts ran within Redis are counted as well. */
  readonly commands: number
  readonly cpuUs: number
  /** Within scripts, by Redis's own stop-watch. */
  readonly scriptUs: number
  readonly memoryBytes: number
}

/** The reading itself is in none of the counts but the next one's CPU time. */
export async function readRedis(client: Redis): Promise<RedisReading> {
  const [info, commandStats] = await Promise.all([client.info(), client.info('commandstats')])
  const cpuS = numberOf(info, 'used_cpu_user') + numberOf(info, 'used_cpu_sys')
  const commands = [...commandStats.matchAll(/^cmdstat_([^:]+):calls=(\d+),usec=(\d+)/gm)]
    .map(([, name = '', calls, us]) => ({ name, calls: Number(calls), us: Number(us) }))
    .filter(({ name }) => name !== 'info')
  const scripts = commands.filter(({ name }) => scriptCommands.has(name))
  return {
    atMs: ledgerNow(),
    roundTrips: sum(scripts.map(({ calls }) => calls)),
    commands: sum(commands.map(({ calls }) => calls)),
    cpuUs: cpuS * 1e6,
    scriptUs: sum(scripts.map(({ us }) => us)),
    memoryBytes: numberOf(info, 'used_memory'),
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

const scriptCommands = new Set(['evalsha', 'eval'])

export async function redisVersion(client: Redis): Promise<string> {
  const info = await client.info('server')
  const valkey = /^valkey_version:(\S+)/m.exec(info)?.[1]
  return valkey ? `Valkey ${valkey}` : `Redis ${/^redis_version:(\S+)/m.exec(info)?.[1]}`
}

function numberOf(info: string, field: string): number {
  const value = Number(new RegExp(`^${field}:(\\S+)`, 'm').exec(info)?.[1])
  if (Number.isNaN(value)) throw new Error(`INFO has no ${field}`)
  return value
}
