import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface StartedProcess {
  /** Where it listens. */
  readonly url: string
  readonly pid: number
  /** SIGTERM, and its end. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** Besides PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** For Node itself. */
  readonly nodeArgs?: readonly string[]
  /** What it prints when it is ready, with its URL as the first group. */
  readonly ready: RegExp
}

/** Runs a file of this project by this Node. @throws when it ends before it is ready */
export async function startProcess(file: string, options: StartOptions): Promise<StartedProcess> {
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), file, ...(options.args ?? [])], {
    cwd: join(import.meta.dirname, '../..'),
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let output = ''
  child.stdout.on('data', (piece: Buffer) => {
    output += piece
    const url = options.ready.exec(output)?.[1]
    if (url !== undefined) resolve(url.replace('localhost', '127.0.0.1'))
  })
  child.once('exit', () => reject(new Error(`${file} ended before it was ready:\n${output}`)))
  return {
    url: await promise,
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

export const serviceReady = /"url":"([^"]+)"/
export const emulatorReady = /listening on (\S+)/
