import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export interface RedisServerOptions {
  /** Keeps its data over `kill` and `restart`. Default: keeps nothing. */
  readonly appendOnly?: boolean
  /** One node that serves all slots of a cluster. */
  readonly cluster?: boolean
  readonly password?: string
  /** Further arguments of redis-server, e.g. `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[]
}

/** A real redis-server of its own, on a free port of 127.0.0.1. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** SIGSTOP: connections stay, nothing answers. */
  freeze(): void
  resume(): void
  /** SIGKILL, and gone when it resolves. */
  kill(): Promise<void>
  /** Starts it again on the same port, after `kill` or in the place of the one that runs: empty unless `appendOnly`. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { appendOnly = false, cluster = false, password, args = [] } = options
  const folder = await mkdtemp(join(tmpdir(), 'redis-server-'))
  const port = await freePort()
  const settings = [
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
    appendOnly ? ['--appendonly', 'yes', '--appendfsync', 'always'] : [],
    cluster ? ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] : [],
    // A node that never met another does not know its own address.
    cluster ? ['--cluster-announce-ip', '127.0.0.1'] : [],
    password === undefined ? [] : ['--requirepass', password],
    args,
  ].flat()
  let child = await launch(settings)
  if (cluster) await ownAllSlots(port)

  return {
    port,
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    freeze: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: () => killAndWait(child),
    async restart() {
      await killAndWait(child)
      child = await launch(settings)
    },
    async stop() {
      await killAndWait(child)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Resolves when it accepts connections. */
export async function launch(
  settings: readonly string[],
  readyText = 'Ready to accept connections',
): Promise<ChildProcess> {
  const child = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'] })
  const failed = once(child, 'error').then(([error]) => Promise.reject(error))
  await Promise.race([isReady(child, readyText), failed])
  child.stdout.resume()
  return child
}

async function isReady(
  { stdout }: ChildProcessByStdio<null, Readable, null>,
  readyText: string,
): Promise<void> {
  const lines = createInterface({ input: stdout })
  for await (const line of lines) if (line.includes(readyText)) return
  throw new Error('redis-server ended before it was ready')
}

export async function killAndWait(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

async function ownAllSlots(port: number): Promise<void> {
  const client = spawn('redis-cli', ['-p', String(port), 'cluster', 'addslotsrange', '0', '16383'])
  await once(client, 'exit')
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || !address) throw new Error('no free port')
  return address.port
}
