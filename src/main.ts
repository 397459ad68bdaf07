#!/usr/bin/env node
// The edge of the process: environment, signals, exit code. The sole reader of process.env.

import { existsSync } from 'node:fs'
import { ConfigError, describeSettings, parseConfig } from './config.ts'
import { InvalidRequestError } from './core/errors.ts'
import { ModelsFileError } from './models/parse-models-file.ts'
import { createService, type Service } from './service.ts'

/** sysexits.h: EX_CONFIG and EX_USAGE. */
const exitConfig = 78
const exitUsage = 64

const usage = `genspark2api: an OpenAI-compatible API in front of your own Genspark accounts

Usage: node src/main.ts [--help]

Every setting comes from the environment, or from a .env file in the working directory:

${describeSettings()}
Example: GS_COOKIE=session_id=... API_SECRET=sk-mine node src/main.ts
`

// Whoever reads the log may go first: the service does not end for that.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})

await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(usage)
  if (args.length > 0) return stop(exitUsage, `unknown argument: ${args[0]}\nTry --help.`)
  if (existsSync('.env')) process.loadEnvFile('.env')

  const service = start()
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

/** Builds the service, or ends the process with a list of the settings that are wrong. */
function start(): Service {
  try {
    return createService(parseConfig(process.env, { isTerminal: process.stdout.isTTY === true }))
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
