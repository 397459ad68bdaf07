#!/usr/bin/env node
// The edge of the process: environment, signals, exit codes. The sole reader of process.env.
// Imports nothing but Node itself: each command loads what it needs, and the health check of a container needs no service.

import { existsSync } from 'node:fs'
import { constants, enableCompileCache } from 'node:module'
import { join, resolve } from 'node:path'
import type { Config } from './config.ts'

/** sysexits.h: EX_CONFIG and EX_USAGE. */
const exitConfig = 78
const exitUsage = 64

const commands = { serve, doctor, healthcheck }

// Ignore write errors: a log reader that goes away must not kill the service.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})

if (existsSync('.env')) process.loadEnvFile('.env')
cacheCompiledCode()
await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(await usage())
  const [command, ...rest] = args
  if (rest.length > 0 || (command && !Object.hasOwn(commands, command)))
    return stop(exitUsage, `unknown argument: ${rest[0] ?? command}\nTry --help.`)
  try {
    const { parseConfig } = await import('./config.ts')
    const config = parseConfig(process.env, { isTerminal: process.stdout.isTTY === true })
    await commands[(command as keyof typeof commands) ?? 'serve'](config)
  } catch (error) {
    const { ConfigError } = await import('./config.ts')
    if (!(error instanceof ConfigError)) throw error
    const faults = error.faults.map((fault) => `  ${fault}`)
    return stop(exitConfig, ['These settings are wrong:', ...faults].join('\n'))
  }
}

/** Keeps what V8 compiled from one start to the next, which halves the time and the processor time of a start. Beside the
 *  sources, which need the same protection, or in DATA_DIR where that folder is read-only; without either it does without.
 *  Node writes the cache when the process exits, and checks each entry against its source. */
function cacheCompiledCode(): void {
  const folders = [join(import.meta.dirname, '../node_modules'), resolve(process.env.DATA_DIR || 'data')]
  for (const folder of folders) {
    if (!existsSync(folder)) continue
    const { status } = enableCompileCache(join(folder, '.cache/compiled'))
    if (status !== constants.compileCacheStatus.FAILED) return
  }
}

async function serve(config: Config): Promise<void> {
  const { createService } = await import('./service.ts')
  const service = await createService(config)
  const end = () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(1))
    service.close().then(
      () => process.exit(0),
      (error: unknown) => stop(1, `could not close in order: ${error}`),
    )
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)

  try {
    await service.listen()
  } catch (error) {
    await service.close()
    stop(1, `cannot listen: ${error instanceof Error ? error.message : error}`)
  }
}

/** A line for each part; exit code 1 when one of them is at fault. */
async function doctor(config: Config): Promise<void> {
  const { runDoctor } = await import('./doctor/run-doctor.ts')
  const healthy = await runDoctor(config, (line) => process.stdout.write(line))
  process.exitCode = healthy ? 0 : 1
}

/** Exit code 0 when the service that runs here with these settings answers. */
async function healthcheck({ host, port }: Config): Promise<void> {
  const { get } = await import('node:http')
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  const { promise, resolve: finish } = Promise.withResolvers<void>()
  const options = { host: address, port, path: '/livez', signal: AbortSignal.timeout(4_000), agent: false }
  get(options, (response) => {
    response.resume()
    if (response.statusCode !== 200) stop(1, `/livez answers ${response.statusCode}`)
    finish()
  }).on('error', (error) => stop(1, `/livez does not answer: ${error.cause ?? error}`))
  await promise
}

async function usage(): Promise<string> {
  const { describeSettings } = await import('./config.ts')
  return `genspark2api: an OpenAI-compatible API in front of your own Genspark accounts

Usage: node src/main.ts [doctor | healthcheck | --help]

Without a word the service starts.
  doctor        looks at the settings, DATA_DIR, Redis, the site, each account and the making of a token, and says what to do
                about what is wrong
  healthcheck   asks the service that runs here whether it lives; for containers

Every setting comes from the environment, or from a .env file in the working directory:

${describeSettings()}
Example: GS_COOKIE=session_id=... API_SECRET=sk-mine node src/main.ts
`
}

function stop(exitCode: number, message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(exitCode)
}
