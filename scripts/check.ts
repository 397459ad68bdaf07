// Runs every check, one after the other, and ends with the line "N passed, N failed" and a fitting exit code.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countTests } from './lib/count-tests.ts'

/** How long an interrupted check may take to end. */
const graceMs = 10_000

let running: ChildProcess | undefined
let interrupted: number | undefined
process.on('SIGINT', () => interrupt('SIGINT', 130))
process.on('SIGTERM', () => interrupt('SIGTERM', 143))

const reportDir = mkdtempSync(join(tmpdir(), 'genspark2api-check-'))
process.on('exit', () => rmSync(reportDir, { recursive: true, force: true }))
const report = join(reportDir, 'tests.json')

const typesAreGood = await run('types', ['tsc', '--noEmit'])
const lintIsGood = await run('lint', ['biome', 'check', '--error-on-warnings'])
const testsAreGood = await run('tests', [
  'vitest',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile=${report}`,
])

const tests = countTests(readReport(), testsAreGood)
const failed = tests.failed + [typesAreGood, lintIsGood].filter((good) => !good).length
process.stdout.write(`${tests.passed} passed, ${failed} failed\n`, () => process.exit(failed === 0 ? 0 : 1))

/** In a process group of its own, so that a signal reaches all that the check has started. */
async function run(title: string, [command = '', ...args]: readonly string[]): Promise<boolean> {
  process.stdout.write(`== ${title}\n`)
  running = spawn(join('node_modules', '.bin', command), args, { stdio: 'inherit', detached: true })
  const [code] = await once(running, 'exit')
  running = undefined
  if (interrupted !== undefined) process.exit(interrupted)
  if (code !== 0) process.stdout.write(`${title}: failed\n`)
  return code === 0
}

function interrupt(signal: NodeJS.Signals, exitCode: number): void {
  interrupted = exitCode
  if (running?.pid === undefined) process.exit(exitCode)
  const group = -running.pid
  signalGroup(group, signal)
  setTimeout(() => signalGroup(group, 'SIGKILL'), graceMs).unref()
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(group, signal)
  } catch {
    // Gone already.
  }
}

function readReport(): unknown {
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return undefined
  }
}
