#!/usr/bin/env node
// The edge of the process: environment, signals, exit codes. The sole reader of process.env.
// Imports nothing but Node itself: each command loads what it needs, and the health check of a container needs no service.

import { writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Config } from './config.ts'

/** sysexits.h: EX_CONFIG and EX_USAGE. */
const exitConfig = 78
const exitUsage = 64
/** As shells have it: 128 and the number of SIGINT. */
const exitInterrupted = 130

/** After `listening`: the service has then loaded what the first chat does without. */
const memoryBackMs = 600

/** A terminal that is closed ends the service in order, too. */
const endSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** After an error that nobody handles: for last words and leases. */
const crashMs = 5_000

const commands = { serve, doctor, healthcheck, 'admin-key': adminKey, login }

// Ignore write errors: a log reader that goes away must not kill the service.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})

// Node would open its debugger, and through it everything that is secret here.
process.on('SIGUSR1', () => {})

await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(await usage())
  if (args.includes('--version')) return void process.stdout.write(`${await readVersion()}\n`)
  const [command, ...rest] = args
  const { unknown, ...options } = readOptions(command, rest)
  if (unknown !== undefined) return stop(exitUsage, `unknown argument: ${unknown}\nTry --help.`)
  if (!(await loadDotenv())) return
  try {
    const { parseConfig } = await import('./config.ts')
    const { findMemoryGroup } = await import('./core/memory-group.ts')
    const isTerminal = process.stdout.isTTY === true
    const config = parseConfig(process.env, { isTerminal, memory: findMemoryGroup() })
    await commands[(command as keyof typeof commands) ?? 'serve'](config, options)
  } catch (error) {
    const { ConfigError } = await import('./config.ts')
    if (!(error instanceof ConfigError)) throw error
    const faults = error.faults.map((fault) => `  ${fault}`)
    return stop(exitConfig, ['These settings are wrong:', ...faults].join('\n'))
  }
}

interface CommandOptions {
  /** Of the doctor: also writes a report there; `-`: to standard output, and the lines to standard error. */
  readonly reportPath?: string | undefined
  /** Of the doctor: what was found as one JSON object in place of the lines. */
  readonly json?: boolean
  /** Of the login: opens the service that runs here. */
  readonly adminKey?: string | undefined
}

function readOptions(
  command: string | undefined,
  rest: readonly string[],
): CommandOptions & { readonly unknown?: string | undefined } {
  if (command !== undefined && !Object.hasOwn(commands, command)) return { unknown: command }
  if (command === 'login' && rest[0] === '--admin-key' && rest[1] !== undefined)
    return { adminKey: rest[1], unknown: rest[2] }
  if (command !== 'doctor') return { unknown: rest[0] }
  if (rest[0] === '--json') return { json: true, unknown: rest[1] }
  const reportPath = rest[0] === '--report' ? rest[1] : undefined
  return { reportPath, unknown: rest[reportPath === undefined ? 0 : 2] }
}

/** What the environment sets wins over `.env`; an empty variable counts as unset. A file that is there and not understood ends the process: without what
 *  it says the service could be open to all. */
async function loadDotenv(): Promise<boolean> {
  const { DotenvError, readDotenv } = await import('./config/dotenv.ts')
  try {
    for (const [name, value] of readDotenv('.env')) process.env[name] ||= value
    return true
  } catch (error) {
    if (!(error instanceof DotenvError)) throw error
    return stop(exitConfig, error.faults.join('\n'))
  }
}

async function serve(config: Config): Promise<void> {
  const { createService } = await import('./service.ts')
  const announce = (text: string) => void process.stderr.write(text)
  const service = await createService(config, { announce })
  const end = () => {
    for (const signal of endSignals) process.on(signal, () => process.exit(1))
    service.close().then(
      () => process.exit(0),
      (error: unknown) => stop(1, `could not close in order: ${error}`),
    )
  }
  for (const signal of endSignals) process.once(signal, end)
  process.once('uncaughtException', (error) => {
    process.on('uncaughtException', () => process.exit(1))
    setTimeout(() => process.exit(1), crashMs)
    service.crash(error).finally(() => process.exit(1))
  })

  try {
    await service.listen()
    setTimeout(giveMemoryBack, memoryBackMs).unref()
  } catch (error) {
    await service.close()
    stop(1, cannotListen(config, error))
  }
}

function cannotListen({ host, port }: Config, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return `Port ${port} is in use already, perhaps by another genspark2api: stop that one, or set PORT to another port.`
  if (code === 'EACCES') return `Port ${port} may not be used by this user: set PORT to one above 1023.`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `This machine has no address ${host}: set HOST to one that it has, or to 0.0.0.0 for all.`
  return `cannot listen: ${message ?? error}`
}

/** The start leaves garbage and a young generation grown to 32 MB, which V8 keeps for as long as little happens: 20 MB less.
 *  Once, for some 30 ms, when everything is loaded and before much can be going on. */
function giveMemoryBack(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as NonNullable<typeof gc>
  void collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** A line for each part; exit code 1 when one of them is at fault. */
async function doctor(config: Config, { reportPath, json }: CommandOptions): Promise<void> {
  const { runDoctor } = await import('./doctor/run-doctor.ts')
  const output = reportPath === '-' ? process.stderr : process.stdout
  const version = await readVersion()
  const { healthy, findings } = await runDoctor(config, (line) => json || output.write(line))
  process.exitCode = healthy ? 0 : 1
  if (json) return void process.stdout.write(`${JSON.stringify({ version, healthy, findings })}\n`)
  if (reportPath === undefined) return
  const { writeReport } = await import('./doctor/report.ts')
  const report = await writeReport(config, findings, version)
  if (reportPath === '-') return void process.stdout.write(report)
  try {
    writeFileSync(reportPath, report)
    process.stdout.write(`The report is in ${reportPath}: read it before you show it to others.\n`)
  } catch (error) {
    stop(1, `the report cannot be written: ${(error as NodeJS.ErrnoException).code}`)
  }
}

/** Exit code 0 when the service that runs here with these settings answers. */
async function healthcheck({ host, port }: Config): Promise<void> {
  const { get } = await import('node:http')
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const { promise, resolve } = Promise.withResolvers<void>()
  const options = { host: address, port, path: '/livez', signal: AbortSignal.timeout(4_000), agent: false }
  get(options, (response) => {
    response.resume()
    if (response.statusCode !== 200) stop(1, `/livez answers ${response.statusCode}`)
    resolve()
  }).on('error', (error) => stop(1, `/livez does not answer: ${error.cause ?? error}`))
  await promise
}

/** Makes a new key for the operator in the place of the one there is, also for the service that runs, and prints it. */
async function adminKey(config: Config): Promise<void> {
  const { renewOperatorKey } = await import('./renew-operator-key.ts')
  const warn = (line: string) => void process.stderr.write(`${line}\n`)
  try {
    process.stdout.write(`${await renewOperatorKey(config, warn)}\n`)
  } catch (error) {
    stop(1, `no key was made: ${error instanceof Error ? error.message : error}`)
  }
}

/** Gets an API key by a sign-in in the operator's own browser. Exit code 1 when there is no key, 130 after Ctrl+C.
 *  @param adminKey  for the service that runs */
async function login(config: Config, { adminKey }: CommandOptions): Promise<void> {
  const { loginByDevice } = await import('./login-by-device.ts')
  const print = (line: string) => void process.stdout.write(`${line}\n`)
  const cancel = new AbortController()
  for (const name of endSignals) process.once(name, () => cancel.abort())
  try {
    const label = await loginByDevice(config, { adminKey, print, signal: cancel.signal })
    if (label === undefined) return stop(1, 'it was not approved in time')
    print(`The key is kept, as ${label}.`)
  } catch (error) {
    if (cancel.signal.aborted) return stop(exitInterrupted, 'cancelled: no key is kept')
    stop(1, `no key was got: ${error instanceof Error ? error.message : error}`)
  }
}

async function readVersion(): Promise<string> {
  const { version } = await import('./core/version.ts')
  return version
}

async function usage(): Promise<string> {
  const { describeSettings } = await import('./config.ts')
  return `genspark2api: an OpenAI-compatible API in front of your own Genspark accounts

Usage: node src/start.js [serve | doctor [--report FILE | --json] | healthcheck | admin-key | login [--admin-key KEY] | demo | --help | --version]

With no command it starts the service.
  doctor        looks at the settings, DATA_DIR, Redis, the site, each account, each way to ask for it and the making of a token,
                and says how to fix what is wrong; --report also writes all that, with versions, to a file for a bug report
                (- for standard output), without secrets, names and addresses; --json prints one JSON object instead of lines
  healthcheck   asks the service that runs here whether it is alive; for containers
  admin-key     makes a new key for the operator (/admin), which replaces the one made at the first start, and prints it
  login         gets an API key by a sign-in in your own browser: prints the address, also as a QR code, waits for you, and
                keeps the key: through the service that runs here (opened by ADMIN_SECRET or --admin-key), else in DATA_DIR or Redis
  demo          runs the service against a mock of the site with canned answers: no account is needed

Every setting comes from the environment, or from a .env file in the working directory:

${describeSettings()}
Example: GS_COOKIE=session_id=... API_SECRET=sk-mine node src/start.js
`
}

function stop(exitCode: number, message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(exitCode)
}
