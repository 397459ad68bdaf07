// Measures the service beside two references and a peer. See --help and docs/bench/README.md.

import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { emulatorReady, type StartedProcess, startProcess } from '../lib/start-process.ts'
import { createBench } from './bench.ts'
import { drawPlot } from './draw-plot.ts'
import { startLoadGenerator } from './load.ts'
import { type Options, parseOptions, UsageError } from './options.ts'
import { type BenchReport, encodeReport } from './report.ts'
import { bareKoa, portkey, serviceOf, translator } from './subjects.ts'
import { suites } from './suites.ts'
import { buildReferences, installTools, projectFolder, toolVersions } from './tools.ts'
import { topFunctions } from './top-functions.ts'

const usage = `Usage: npm run bench -- [SUITE...] [options]

Without a suite: ${suites.flatMap(({ quick, name }) => (quick ? [name] : [])).join(', ')}. "all" is every one.

${suites.map(({ name, about }) => `  ${name.padEnd(10)}${about}`).join('\n')}

Options:
  --target [NAME=]DIR   a checkout of this project to measure; several are measured in the same rounds (this one)
  --rounds N            instead of each suite's own number
  --requests N          of the suite soak (200000)
  --streams N           of the larger step of fan-out (3000)
  --profile DIR         runs the targets with --cpu-prof into DIR and prints the twenty functions that took most
  --write               also writes the report to docs/bench
  --json                prints the report as JSON
`
const docsFolder = join(projectFolder, 'docs/bench')

try {
  const names = suites.map(({ name }) => name)
  const quick = suites.flatMap(({ quick, name }) => (quick ? [name] : []))
  const options = parseOptions(process.argv.slice(2), names, quick)
  if (options.help) process.stdout.write(usage)
  else await run(options)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\nTry --help.\n`)
  process.exitCode = 64
}

async function run(options: Options): Promise<void> {
  const { targets } = options
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  await installTools()
  await buildReferences()
  const loadBefore = loadavg()[0] ?? 0
  const generator = startLoadGenerator()
  let mock: StartedProcess | undefined
  try {
    mock = await startProcess('scripts/bench/mock-site.ts', { ready: emulatorReady })
    const parts = {
      options,
      generator,
      site: mock.url,
      say,
      translator,
      bareKoa,
      portkey,
      targets: targets.map(({ name, folder }) => serviceOf(name, folder)),
    }
    const ceiling = await measureCeiling(createBench('ceiling', parts).bench.direct)
    const figures = []
    const failures = []
    for (const suite of suites.filter(({ name }) => options.suites.includes(name))) {
      say(`${suite.name}: ${suite.about}`)
      const parted = createBench(suite.name, parts)
      try {
        await suite.run(parted.bench)
      } catch (error) {
        say(String(error))
        failures.push(`${suite.name}: ${(error as Error).message}`)
      }
      figures.push(...parted.figures())
      failures.push(...parted.failures())
    }
    const report: BenchReport = {
      date: new Date().toISOString().slice(0, 10),
      machine: {
        cpu: cpus()[0]?.model ?? '',
        cores: cpus().length,
        node: process.version,
        os: `${process.platform} ${release()}`,
        loadBefore,
      },
      versions: { ...toolVersions, ...(await commitsOf(targets)) },
      targets: targets.map(({ name }) => name),
      ceiling,
      figures,
      failures,
    }
    process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : encodeReport(report))
    if (options.write) await write(report)
  } finally {
    await generator.stop()
    await mock?.stop()
  }
  if (options.profileFolder !== undefined) await printProfiles(options.profileFolder, targets, say)
}

/** What the mock and the load generator do by themselves: no figure of a subject can be above it. */
async function measureCeiling(
  direct: ReturnType<typeof createBench>['bench']['direct'],
): Promise<Record<string, number>> {
  const smallPlan = { tokens: 3, burst: true }
  await direct(smallPlan, { connections: 32, durationMs: 1000 })
  const small = await direct(smallPlan, { connections: 32, durationMs: 1500 })
  const stream = await direct({ tokens: 50 }, { connections: 32, durationMs: 1500 })
  return {
    'requests/s at C=32': small.answers / (small.elapsedMs / 1000),
    'streams of 50 tokens/s at C=32': stream.answers / (stream.elapsedMs / 1000),
  }
}

async function commitsOf(targets: Options['targets']): Promise<Record<string, string>> {
  const commits: Record<string, string> = {}
  for (const { name, folder } of targets) {
    const git = await promisify(execFile)('git', ['describe', '--always', '--dirty'], { cwd: folder }).catch(
      () => undefined,
    )
    commits[name] = git?.stdout.trim() ?? 'unknown'
  }
  return commits
}

async function write(report: BenchReport): Promise<void> {
  await mkdir(docsFolder, { recursive: true })
  await writeFile(join(docsFolder, 'latest.json'), `${JSON.stringify(report, undefined, 2)}\n`)
  await writeFile(
    join(docsFolder, 'latest.md'),
    `# The last run\n\n![The goals](latest.svg)\n\n${encodeReport(report)}`,
  )
  await writeFile(join(docsFolder, 'latest.svg'), drawPlot(report))
}

async function printProfiles(
  folder: string,
  targets: Options['targets'],
  say: (text: string) => void,
): Promise<void> {
  for (const { name } of targets) {
    say(`\n${name}: where the time went`)
    for (const { name: where, selfMs, share } of await topFunctions(join(folder, name), 20))
      say(`${`${(share * 100).toFixed(1)} %`.padStart(8)} ${selfMs.toFixed(0).padStart(7)} ms  ${where}`)
  }
}
