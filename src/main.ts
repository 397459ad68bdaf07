#!/usr/bin/env node
// The edge of the process: environment, signals, exit code. The sole reader of process.env.

import { existsSync } from 'node:fs'
import { type Config, ConfigError, describeSettings, parseConfig } from './config.ts'
import { InvalidRequestError } from './core/errors.ts'
import { ModelsFileError } from './models/models-file.ts'
import { createService } from './service.ts'

/** sysexits.h: EX_CONFIG and EX_USAGE. */
const exitConfig = 78
const exitUsage = 64

const usage = `genspark2api: an OpenAI-compatible API in front of your own Genspark accounts

Usage: node src/main.ts [doctor | healthcheck | --help]

Without a word the service starts.
  doctor        looks at the settings, DATA_DIR, Redis, the site, each account and the making of a token, and says what to do
                about what is wrong
  healthcheck   asks the service that runs here whether it lives; for containers

Every setting comes from the environment, or from a .env file in the working directory:

${describeSettings()}
Example: GS_COOKIE=session_id=... API_SECRET=sk-mine node src/main.ts
`

const commands = { serve, doctor, healthcheck }

// Whoever reads the log may go first: the service does not end for that.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})

await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(usage)
  const [command, ...rest] = args
  if (rest.length > 0 || (command && !Object.hasOwn(commands, command)))
    return stop(exitUsage, `unknown argument: ${rest[0] ?? command}\nTry --help.`)
  if (existsSync('.env')) process.loadEnvFile('.env')
  const config = readConfig()
  await commands[(command as keyof typeof commands) ?? 'serve'](config)
}

async function serve(config: Config): Promise<void> {
  const service = orStop(() => createService(config))
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
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host
  try {
    const { status } = await fetch(`http://${address}:${port}/livez`, { signal: AbortSignal.timeout(4_000) })
    if (status !== 200) stop(1, `/livez answers ${status}`)
  } catch (error) {
    const { message, cause = message } = error as Error
    stop(1, `/livez does not answer: ${cause}`)
  }
}

function readConfig(): Config {
  return orStop(() => parseConfig(process.env, { isTerminal: process.stdout.isTTY === true }))
}

/** Ends the process with a list of the settings that are wrong. */
function orStop<T>(build: () => T): T {
  try {
    return build()
  } catch (error) {
    const faults = faultsOf(error)
    if (!faults) throw error
    return stop(exitConfig, ['These settings are wrong:', ...faults.map((fault) => `  ${fault}`)].join('\n'))
  }
}

function faultsOf(error: unknown): readonly string[] | undefined {
  if (error instanceof ConfigError) return error.faults
  if (error instanceof ModelsFileError) return error.faults.map((fault) => `MODELS_FILE: ${fault}`)
  if (error instanceof InvalidRequestError) return [`${error.param ?? 'a setting'}: ${error.message}`]
  return undefined
}

function stop(exitCode: number, message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(exitCode)
}
