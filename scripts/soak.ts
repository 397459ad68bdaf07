// `npm run soak [-- --minutes 10 --seed N --rate 20 --streams 0]`: waves of 20 requests a second with 5 % aborts on the whole service with Chromium.
// After each wave, when all is quiet, heap, memory, handles, timers, Chromium's processes and memory and leases are measured: none may
// grow from the first waves to the last; every answer is whole, or its client has left. Exit code 1 otherwise.

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seededRandom } from '../test/accounts/seeded-random.ts'
import type { AskRecord } from '../test/emulator/ask-record.ts'
import { startEmulator } from '../test/emulator/emulator.ts'
import { spawnService } from '../test/support/spawn-service.ts'
import { answerOf, createAccount, createRequests, send } from './lib/accounted-load.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    rate: { type: 'string', default: '20' },
    /** So many at once first, for a minute, of 20 chunks a second each: `--streams 1000`. */
    streams: { type: 'string', default: '0' },
  },
})
const seed = Number(values.seed)
process.stdout.write(`seed ${seed}, ${values.minutes} minutes, ${values.rate} requests a second\n`)

const waveMs = 20_000
/** A minute of them. */
const longWords = 1200
/** The first fill caches and the pools of connections. */
const warmUpWaves = 3

const folder = await mkdtemp(join(tmpdir(), 'genspark2api-soak-'))
const measures = join(folder, 'measures')
const emulator = await startEmulator({
  tokenCheck: 'valid',
  answer: (ask) => answerOf(ask, isLong(ask) ? 50 : 30),
})
const service = await spawnService({
  NODE_OPTIONS: `--import=${join(import.meta.dirname, 'lib/measure-itself.ts')}`,
  MEASURES_FILE: measures,
  GENSPARK_BASE_URL: emulator.url,
  GS_COOKIE: ['alice', 'bob', 'carol', 'dave'].map((name) => `session_id=${name}`).join(','),
  DATA_DIR: folder,
  STREAM_ERROR_TEXT: '0',
})
const random = seededRandom(seed)
const nextRequest = createRequests(random)
const account = createAccount()
const findings: string[] = []

interface Measure {
  readonly heapMb: number
  readonly rssMb: number
  readonly timers: number
  /** Sockets, files and servers that are open. */
  readonly handles: number
  readonly chromiumMb: number
  readonly chromiumProcesses: number
  readonly leases: number
}

/** How much more there may be in the last third than in the first: as a factor, and a constant. */
const allowed: Readonly<Record<keyof Measure, readonly [factor: number, more: number]>> = {
  heapMb: [1.15, 5],
  rssMb: [1.2, 40],
  timers: [1, 5],
  handles: [1, 10],
  chromiumMb: [1.3, 100],
  chromiumProcesses: [1, 2],
  leases: [1, 0],
}

if (Number(values.streams) > 0) await streamAtOnce(Number(values.streams))
const measured: Measure[] = []
const endMs = performance.now() + Number(values.minutes) * 60_000
for (let wave = 1; performance.now() < endMs; wave += 1) {
  await sendWave()
  const measure = await measureWhenQuiet()
  const shown = Object.entries(measure).map(([name, value]) => `${name} ${Math.round(value)}`)
  process.stdout.write(`wave ${wave}: ${shown.join(', ')}\n`)
  if (wave > warmUpWaves) measured.push(measure)
}
// What comes and goes, as a page that is replaced after so many tokens, is in both thirds.
const third = Math.floor(measured.length / 3)
if (third < 1) findings.push('too short to tell what grows')
else
  for (const name of Object.keys(allowed) as (keyof Measure)[]) {
    const [factor, more] = allowed[name]
    const median = (from: readonly Measure[]) =>
      from.map((each) => each[name]).sort((one, other) => one - other)[Math.floor(from.length / 2)] ?? 0
    const [first, last] = [median(measured.slice(0, third)), median(measured.slice(-third))]
    process.stdout.write(`${name}: ${first.toFixed(1)} in the first third, ${last.toFixed(1)} in the last\n`)
    if (last > first * factor + more) findings.push(`${name} grows`)
  }
for (const violation of emulator.violations.slice(0, 10))
  findings.push(`the site was asked in a wrong way: ${violation}`)
service.signal('SIGTERM')
const code = await service.exitCode
if (code !== 0) findings.push(`SIGTERM: exit code ${code}`)
await emulator.close()
await rm(folder, { recursive: true, force: true })

for (const [name, count] of account.counts) process.stdout.write(`${String(count).padStart(7)}  ${name}\n`)
for (const finding of findings.slice(0, 50)) process.stdout.write(`FOUND ${finding}\n`)
process.exit(findings.length === 0 ? 0 : 1)

async function sendWave(): Promise<void> {
  const answers: Promise<void>[] = []
  const waveEndMs = performance.now() + waveMs
  while (performance.now() < waveEndMs) {
    answers.push(askOnce())
    await delay(1000 / Number(values.rate))
  }
  await Promise.all(answers)
}

async function askOnce(): Promise<void> {
  const request = nextRequest()
  const outcome = await send(service.url, request)
  account.add(outcome)
  if (outcome.type !== 'whole' && outcome.type !== 'left')
    findings.push(`${request.id}: ${JSON.stringify(outcome)}`)
}

function isLong({ prompt }: AskRecord): boolean {
  return prompt.includes(` ${longWords} words`)
}

/** Every stream whole, byte for byte; five seconds later nothing of them is left. */
async function streamAtOnce(count: number): Promise<void> {
  // As many connections to the site are kept alive before as after.
  await Promise.all(Array.from({ length: count }, (_, index) => inItsTurn(index, askOnce)))
  const before = await measureWhenQuiet()
  const requests = Array.from({ length: count }, (_, index) => ({
    ...({ id: `r00${index}x`, dialect: 'chat', stream: true, words: longWords } as const),
  }))
  const outcomes = await Promise.all(
    requests.map((request, index) => inItsTurn(index, () => send(service.url, request, { hangMs: 600_000 }))),
  )
  const whole = outcomes.filter(({ type }) => type === 'whole').length
  process.stdout.write(`${whole} of ${count} streams at once came whole\n`)
  for (const outcome of outcomes.filter(({ type }) => type !== 'whole').slice(0, 5))
    findings.push(`of ${count} streams at once: ${JSON.stringify(outcome)}`)
  await delay(5000)
  if ((await leasesNow()) > 0) findings.push('leases are left of the streams at once')
  const after = await measureWhenQuiet()
  for (const name of ['timers', 'handles', 'leases'] as const)
    if (after[name] > before[name] + 10)
      findings.push(`${name}: ${before[name]} before ${count} streams at once, ${after[name]} after`)
}

/** They begin at 50 a second, as many as pages make tokens for. */
async function inItsTurn<Result>(index: number, work: () => Promise<Result>): Promise<Result> {
  await delay(index * 20)
  return work()
}

async function measureWhenQuiet(): Promise<Measure> {
  const deadline = performance.now() + 30_000
  let leases = await leasesNow()
  while ((leases > 0 || emulator.openAsks() > 0) && performance.now() < deadline) {
    await delay(100)
    leases = await leasesNow()
  }
  // Kept-alive connections of this client end after 4 s without use.
  await delay(6000)
  rmSync(measures, { force: true })
  service.signal('SIGUSR2')
  while (!existsSync(measures)) await delay(50)
  const pids = await service.chromiumPids()
  const own = JSON.parse(readFileSync(measures, 'utf8')) as Pick<
    Measure,
    'heapMb' | 'rssMb' | 'timers' | 'handles'
  >
  return { ...own, leases, chromiumProcesses: pids.length, chromiumMb: await pssMbOf(pids) }
}

async function leasesNow(): Promise<number> {
  const response = await fetch(`${service.url}/readyz`, { headers: { connection: 'close' } })
  return ((await response.json()) as { parts: { accounts: { in_flight: number } } }).parts.accounts.in_flight
}

/** Pages that processes share count once. */
async function pssMbOf(pids: readonly number[]): Promise<number> {
  let kilobytes = 0
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    kilobytes += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0)
  }
  return kilobytes / 1024
}
