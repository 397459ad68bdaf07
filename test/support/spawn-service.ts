import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { descendants } from './descendants.ts'

export interface ServiceProcess {
  readonly url: string
  readonly pid: number
  readonly dataDir: string
  /** Resolves when the process has ended; null when a signal killed it. */
  readonly exitCode: Promise<number | null>
  signal(name: NodeJS.Signals): void
  /** Nobody reads what it writes any more. */
  closeOutput(): void
  /** Everything written so far to both outputs. */
  output(): string
  /** Resolves when a log line with this message was written. */
  logged(message: string): Promise<void>
  /** Chromium processes that this service started, all of the tree. */
  chromiumPids(): Promise<number[]>
  /** SIGKILL if it still runs, and its Chromium with it. */
  kill(): Promise<void>
}

export interface SpawnOptions {
  readonly expectStart?: boolean
  /** `cgroup.procs` of a group that the process joins before it starts. */
  readonly processesFile?: string
  /** `ulimit -n` of the process. */
  readonly openFiles?: number
  /** Of the program. Default: this one. */
  readonly root?: string
}

/** Starts `src/start.js` as its own process with these settings alone, on a free port. */
export async function spawnService(
  env: Readonly<Record<string, string>>,
  {
    expectStart = true,
    processesFile,
    openFiles,
    root = join(import.meta.dirname, '../..'),
  }: SpawnOptions = {},
): Promise<ServiceProcess> {
  const dataDir = env.DATA_DIR ?? (await mkdtemp(join(tmpdir(), 'genspark2api-test-')))
  const [start = ''] = ['src/start.js', 'src/main.ts'].map((file) => join(root, file)).filter(existsSync)
  const joining = processesFile ? ['/bin/sh', '-c', 'echo $$ >"$0" && exec "$@"', processesFile] : []
  const limiting = openFiles ? ['/bin/sh', '-c', 'ulimit -n "$0" && exec "$@"', String(openFiles)] : []
  const [program = '', ...args] = [...joining, ...limiting, process.execPath, start]
  const child = spawn(program, args, {
    cwd: dataDir,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      HOST: '127.0.0.1',
      PORT: '0',
      GS_COOKIE: 'session_id=alice',
      REQUEST_RATE_LIMIT: '100000',
      DATA_DIR: dataDir,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = collectOutput(child)
  const exitCode = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = expectStart ? await output.find(/"url":"([^"]+)"/) : ''
  return {
    url: url.replace('localhost', '127.0.0.1'),
    pid: child.pid ?? 0,
    dataDir,
    exitCode,
    signal: (name) => void child.kill(name),
    closeOutput() {
      child.stdout.destroy()
      child.stderr.destroy()
    },
    output: output.text,
    logged: async (message) => void (await output.find(new RegExp(`"msg":"(${message})"`))),
    chromiumPids: () => descendants(child.pid ?? 0),
    async kill() {
      const pids = await descendants(child.pid ?? 0)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exitCode
      for (const pid of pids) killQuietly(pid)
      if (!env.DATA_DIR && expectStart === false) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

function collectOutput(child: ChildProcess) {
  let text = ''
  const looking = new Set<() => void>()
  const add = (piece: Buffer | string) => {
    text += piece
    for (const look of looking) look()
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  child.once('exit', () => add(''))
  return {
    text: () => text,
    find(pattern: RegExp): Promise<string> {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const look = () => {
        const found = pattern.exec(text)?.[1]
        if (found === undefined && child.exitCode === null) return
        looking.delete(look)
        if (found === undefined) reject(new Error(`${pattern} never came; the process ended:\n${text}`))
        else resolve(found)
      }
      looking.add(look)
      look()
      return promise
    },
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Already gone.
  }
}
