import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { access, constants, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { deadlineSignal } from '../core/deadline.ts'
import { settles } from './abortable.ts'
import { tokenUnavailable } from './token-source.ts'

/** A display in memory for one Chromium. */
export interface XServer {
  /** What Chromium needs in its environment. */
  readonly environment: { readonly DISPLAY: string; readonly XAUTHORITY: string }
  close(): Promise<void>
}

/** How long Xvfb may take to end by itself. */
const closeMs = 1_000

const folders = ['/usr/bin', '/usr/local/bin', '/opt/X11/bin', '/usr/X11R6/bin']

/** Starts Xvfb on a display number that it picks itself. Only who knows the cookie in `home` may look at it; it ends by itself
 *  with its last client, so that none is left when this process is killed.
 *  @throws {UnavailableError} `token_unavailable` when it is not installed or does not start */
export async function startXServer(home: string, environment: Record<string, string>): Promise<XServer> {
  const executable = await findXvfb()
  if (!executable) {
    throw tokenUnavailable('BROWSER_HEADED needs a display: install xvfb, or set DISPLAY', {
      retryable: false,
    })
  }
  const authority = join(home, 'Xauthority')
  await writeFile(authority, authorityFile(randomBytes(16)), { mode: 0o600 })
  const screen = [
    '-screen',
    '0',
    '1280x800x24',
    '-nolisten',
    'tcp',
    '-terminate',
    '-extension',
    'GLX',
    '-auth',
    authority,
  ]
  const child = spawn(executable, ['-displayfd', '3', ...screen], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const ended = Promise.race([once(child, 'exit'), once(child, 'error')])
  ended.catch(() => {})
  const killOnExit = () => void child.kill('SIGKILL')
  process.once('exit', killOnExit)
  void ended.then(() => process.off('exit', killOnExit))
  let said = ''
  child.stderr?.on('data', (text: Buffer) => {
    if (said.length < 4_096) said += text
  })
  try {
    const number = await Promise.race([
      readLine(child.stdio[3] as Readable, deadlineSignal(startMs)),
      ended.then(() => Promise.reject(new Error('it ended'))),
    ])
    return { environment: { DISPLAY: `:${number}`, XAUTHORITY: authority }, close }
  } catch (cause) {
    await close()
    const reason = said.trim().split('\n').at(-1) || (cause instanceof Error ? cause.message : '')
    throw tokenUnavailable(`Xvfb did not start (${reason}): set DISPLAY, or BROWSER_HEADED=0`, { cause })
  }

  async function close(): Promise<void> {
    child.kill('SIGTERM')
    if (!(await settles(ended, closeMs))) child.kill('SIGKILL')
    await ended
  }
}

const startMs = 10_000

async function findXvfb(): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, 'Xvfb')
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return undefined
}

/** The display number, which comes with a line break once the server takes clients. */
async function readLine(stream: Readable, signal: AbortSignal): Promise<string> {
  let text = ''
  while (!text.includes('\n')) {
    const [chunk] = await once(stream, 'data', { signal })
    text += chunk
  }
  return text.trim()
}

/** One entry for any host and any display. Source: Xau(3), "FILE FORMAT" */
function authorityFile(cookie: Uint8Array): Uint8Array {
  const anyHost = 0xffff
  const fields = ['', '', 'MIT-MAGIC-COOKIE-1', cookie].map((field) => {
    const bytes = Buffer.from(field as string)
    return Buffer.concat([word(bytes.length), bytes])
  })
  return Buffer.concat([word(anyHost), ...fields])
}

function word(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff)
}
