import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, killAndWait, launch } from './redis-server.ts'

export interface RedisSentinel {
  readonly port: number
  stop(): Promise<void>
}

export interface RedisSentinelOptions {
  readonly groupName: string
  readonly master: { readonly port: number }
  /** Of the master. */
  readonly password: string
  /** Of the sentinel itself. */
  readonly sentinelPassword: string
}

/** A real sentinel that watches one master. */
export async function startRedisSentinel(options: RedisSentinelOptions): Promise<RedisSentinel> {
  const { groupName, master, password, sentinelPassword } = options
  const folder = await mkdtemp(join(tmpdir(), 'redis-sentinel-'))
  const port = await freePort()
  const file = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `requirepass ${sentinelPassword}`,
    `sentinel monitor ${groupName} 127.0.0.1 ${master.port} 1`,
    `sentinel auth-pass ${groupName} ${password}`,
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  const child = await launch([file, '--sentinel'], '+monitor master')
  return {
    port,
    async stop() {
      await killAndWait(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
