import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface Child {
  /** Resolves when it has ended, for whatever reason, and all that it wrote was shown. */
  readonly exited: Promise<void>
  /** Asks it to end, and kills it when `graceMs` have passed. Resolves when it is gone. */
  end(signal: NodeJS.Signals, graceMs: number): Promise<void>
  /** SIGKILL, to the whole process group. */
  kill(): void
}

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv
  /** In front of each line that it writes; absent: it is not shown. */
  readonly name?: string
}

/** Starts a program in a process group of its own: the Ctrl-C of the terminal does not reach it, only whoever started it.
 *  @throws when there is no such program */
export async function startChild(
  command: string,
  args: readonly string[],
  { env = process.env, name }: ChildOptions = {},
): Promise<Child> {
  const output = name === undefined ? 'ignore' : 'pipe'
  const child = spawn(command, args, { env, detached: true, stdio: ['ignore', output, output] })
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface(stream).on('line', (line) => process.stderr.write(`${name} | ${line}\n`))
  }
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await once(child, 'spawn')

  function kill(): void {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    } catch {
      // Gone already.
    }
  }

  return {
    exited,
    kill,
    async end(signal, graceMs) {
      child.kill(signal)
      const timer = setTimeout(kill, graceMs)
      await exited
      clearTimeout(timer)
    },
  }
}
