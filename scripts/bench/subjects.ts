import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodePlan } from './answer-plan.ts'
import { bareKoaMain, portkeyMain, translatorMain } from './tools.ts'

/** Something that answers chats: the service, a reference, a peer. */
export interface Subject {
  readonly name: string
  /** Whether it is this service, and has its features. */
  readonly target: boolean
  readonly start: (options: StartOptions) => Promise<Running>
}

export interface StartOptions {
  readonly site: string
  /** For the targets alone. */
  readonly env?: Readonly<Record<string, string>>
  /** It is ready when it listens: nothing is asked of it. */
  readonly unasked?: boolean
  /** Where the targets write CPU profiles. */
  readonly profileFolder?: string
}

export interface Running {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly pid: number
  /** From its start to its first answer. */
  readonly startMs: number
  /** By performance.now. */
  readonly startedAtMs: number
  stop(): Promise<void>
}

interface Program {
  readonly args: (port: number, options: StartOptions) => readonly string[]
  readonly cwd?: string
  readonly env?: (port: number, options: StartOptions) => Readonly<Record<string, string>>
  readonly headers?: (options: StartOptions) => Readonly<Record<string, string>>
  /** It gets a folder of its own for its state. */
  readonly keepsState?: boolean
}

export const model = 'gpt-5.4'
const secret = 'sk-bench'

export const translator = subject('translator', false, {
  args: (port, { site }) => [translatorMain, String(port), site],
})

export const bareKoa = subject('bare Koa', false, {
  args: (port, { site }) => [bareKoaMain, String(port), site],
})

export const portkey = subject('Portkey', false, {
  args: (port) => [portkeyMain, `--port=${port}`],
  headers: ({ site }) => ({
    authorization: `Bearer ${secret}`,
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${site}/v1`,
  }),
})

/** A checkout of this project, started as its users start it: with keys, limits and logs. */
export const serviceOf = (name: string, folder: string): Subject =>
  subject(name, true, {
    args: (_port, { profileFolder }) => [
      ...(profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profileFolder, name)}`]),
      ...startArgs(folder),
    ],
    cwd: folder,
    env: (port, { site, env }) => ({
      HOST: '127.0.0.1',
      PORT: String(port),
      GENSPARK_BASE_URL: site,
      GS_COOKIE: 'session_id=bench',
      API_SECRET: secret,
      RECAPTCHA_MODE: 'off',
      TOKEN_REQUIRED: 'false',
      REQUEST_RATE_LIMIT: '1000000',
      LOG_LEVEL: 'info',
      ...env,
    }),
    headers: () => ({ authorization: `Bearer ${secret}` }),
    keepsState: true,
  })

/** What follows `node` in the script `start` of that checkout's package.json. */
function startArgs(folder: string): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return scripts.start.replace(/^node /, '').split(' ')
}

function subject(name: string, target: boolean, program: Program): Subject {
  return { name, target, start: (options) => start(name, program, options) }
}

async function start(name: string, program: Program, options: StartOptions): Promise<Running> {
  const port = await freePort()
  const dataDir = program.keepsState ? await mkdtemp(join(tmpdir(), 'genspark2api-bench-')) : undefined
  const startedMs = performance.now()
  const child = spawn(process.execPath, [...program.args(port, options)], {
    cwd: program.cwd,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...program.env?.(port, options),
      ...(dataDir === undefined ? {} : { DATA_DIR: dataDir }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  // The log is read, as that of a service is, and forgotten.
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (piece: Buffer) => {
      said = (said + piece.toString('latin1')).slice(-2000)
    })
  }
  const running: Running = {
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    headers: program.headers?.(options) ?? {},
    pid: child.pid ?? 0,
    startMs: 0,
    startedAtMs: startedMs,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        const patience = setTimeout(() => child.kill('SIGKILL'), 15_000)
        await ended
        clearTimeout(patience)
      }
      if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
  try {
    await untilReady(options.unasked ? () => connectOnce(port) : () => askOnce(running), () => {
      if (child.exitCode !== null) throw new Error('it ended')
    })
  } catch (error) {
    await running.stop()
    throw new Error(`${name} does not answer: ${(error as Error).message}\n${said}`)
  }
  return { ...running, startMs: performance.now() - startedMs }
}

/** Tries every few milliseconds. @param attempt  resolves to whether the subject answered */
async function untilReady(attempt: () => Promise<boolean>, check: () => void): Promise<void> {
  const patienceEndsMs = performance.now() + 30_000
  while (!(await attempt())) {
    check()
    if (performance.now() > patienceEndsMs) throw new Error('not within 30 s')
    await sleep(3)
  }
}

async function askOnce({ url, headers }: Running): Promise<boolean> {
  let response: Response
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close', ...headers },
      body: chatBody(encodePlan({ tokens: 3, burst: true }), {}),
    })
  } catch {
    return false
  }
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  return true
}

function connectOnce(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

export const chatBody = (prompt: string, more: object): string =>
  JSON.stringify({ model, ...more, messages: [{ role: 'user', content: prompt }] })

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (!address || typeof address === 'string') throw new Error('no port')
  return address.port
}
