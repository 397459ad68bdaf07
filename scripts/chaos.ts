// `npm run chaos [-- --minutes 10 --seed N --clients 8 --verbose]`: load on two replicas, Redis and Chromium while these are killed,
// frozen and emptied and the clock is stepped, in an order that the seed repeats. At the end every answer is accounted for: whole, or
// a typed error, none twice, none half passed off as whole; and nothing is left behind. Exit code 1 otherwise.

import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { seededRandom } from '../test/accounts/seeded-random.ts'
import { startEmulator } from '../test/emulator/emulator.ts'
import { freePort, startRedisServer } from '../test/support/redis-server.ts'
import { type ServiceProcess, spawnService } from '../test/support/spawn-service.ts'
import { answerOf, createAccount, createRequests, runClients, send } from './lib/accounted-load.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    clients: { type: 'string', default: '8' },
    verbose: { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const endMs = performance.now() + Number(values.minutes) * 60_000
process.stdout.write(`seed ${seed}, ${values.minutes} minutes, ${values.clients} clients\n`)

/** Apart, so that the order of the faults does not hang on how many requests there were. */
const faultRandom = seededRandom(seed)
const loadRandom = seededRandom(seed + 1)
const between = (low: number, high: number) => low + Math.floor(faultRandom() * (high - low))
const pick = <T>(from: readonly T[]): T => from[Math.floor(faultRandom() * from.length)] as T

const folder = await mkdtemp(join(tmpdir(), 'genspark2api-chaos-'))
const emulator = await startEmulator({ tokenCheck: 'valid', answer: (ask) => answerOf(ask) })
const redis = await startRedisServer({ appendOnly: true })
/** Well over its grace. */
const endWithinMs = 60_000
const findings: string[] = []
const account = createAccount()
const faultCounts = new Map<string, number>()

interface Replica {
  readonly port: number
  readonly dataDir: string
  service: ServiceProcess
  /** When it was killed last, by the monotonic clock: connections that were open then broke. */
  killedMs: number
  /** Until when it took no connections, for whatever reason. */
  awayMs: number
}
const never = Number.NEGATIVE_INFINITY
const replicas: Replica[] = []
/** What every process has written, those that were killed included. */
const outputs: (() => string)[] = []

for (let index = 0; index < 2; index += 1) {
  const dataDir = join(folder, String(index))
  await mkdir(dataDir)
  await writeFile(join(dataDir, 'clock'), '0')
  const port = await freePort()
  replicas.push({ port, dataDir, service: await start(port, dataDir), killedMs: never, awayMs: never })
}

function start(port: number, dataDir: string): Promise<ServiceProcess> {
  const starting = spawnService({
    NODE_OPTIONS: `--import=${join(import.meta.dirname, 'lib/shift-clock.ts')}`,
    CLOCK_FILE: join(dataDir, 'clock'),
    GENSPARK_BASE_URL: emulator.url,
    GS_COOKIE: ['alice', 'bob', 'carol', 'dave'].map((name) => `session_id=${name}`).join(','),
    ACCOUNT_MAX_CONCURRENCY: '4',
    REDIS_URL: redis.url,
    DATA_DIR: dataDir,
    PORT: String(port),
    STREAM_ERROR_TEXT: '0',
    SHUTDOWN_GRACE_S: '10',
  })
  void starting.then(({ output }) => outputs.push(output))
  return starting
}

const url = ({ port }: Replica) => `http://127.0.0.1:${port}`

async function restart(replica: Replica): Promise<void> {
  replica.awayMs = Number.POSITIVE_INFINITY
  await replica.service.kill()
  replica.service = await start(replica.port, replica.dataDir)
  replica.awayMs = performance.now()
}

const faults: Readonly<Record<string, () => Promise<void>>> = {
  async 'redis frozen'() {
    redis.freeze()
    await delay(between(200, 8000))
    redis.resume()
  },
  async 'redis killed'() {
    await redis.kill()
    await delay(between(100, 5000))
    await redis.restart()
  },
  async 'redis emptied'() {
    const client = new Redis(redis.url)
    await client.flushall()
    await client.quit()
  },
  async 'chromium process killed'() {
    const pids = await pick(replicas).service.chromiumPids()
    if (pids.length > 0) kill(pick(pids), 'SIGKILL')
  },
  async 'chromium process frozen'() {
    const pids = await pick(replicas).service.chromiumPids()
    if (pids.length === 0) return
    const pid = pick(pids)
    kill(pid, 'SIGSTOP')
    await delay(between(500, 15_000))
    kill(pid, 'SIGCONT')
  },
  async 'replica killed'() {
    const replica = pick(replicas)
    replica.killedMs = performance.now()
    replica.awayMs = Number.POSITIVE_INFINITY
    replica.service.signal('SIGKILL')
    await replica.service.exitCode
    await delay(between(0, 3000))
    await restart(replica)
  },
  async 'replica frozen'() {
    const { service } = pick(replicas)
    service.signal('SIGSTOP')
    await delay(between(200, 8000))
    service.signal('SIGCONT')
  },
  async 'replica told to end'() {
    const replica = pick(replicas)
    replica.awayMs = Number.POSITIVE_INFINITY
    await endInOrder(replica.service)
    await restart(replica)
  },
  async 'clock stepped'() {
    const replica = pick(replicas)
    const shiftMs = between(-7200, 7200) * 1000
    await setClock(replica, shiftMs)
    await delay(between(500, 8000))
    if (faultRandom() < 0.5) await setClock(replica, 0)
  },
}

async function setClock({ dataDir, service }: Replica, shiftMs: number): Promise<void> {
  await writeFile(join(dataDir, 'clock'), String(shiftMs))
  service.signal('SIGUSR2')
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone by itself.
  }
}

async function endInOrder(service: ServiceProcess): Promise<void> {
  service.signal('SIGTERM')
  const late = delay(endWithinMs, 'late' as const, { ref: false })
  const code = await Promise.race([service.exitCode, late])
  if (code === 0) return
  findings.push(code === 'late' ? 'no end within a minute of SIGTERM' : `SIGTERM: exit code ${code}`)
  await service.kill()
}

const ending = new AbortController()
const nextRequest = createRequests(loadRandom)

async function askOnce(): Promise<void> {
  const request = nextRequest()
  const replica = replicas[Math.floor(loadRandom() * replicas.length)] as Replica
  const begunMs = performance.now()
  const outcome = await send(url(replica), request)
  account.add(outcome)
  const what = `${request.id} (${request.dialect}${request.stream ? ', stream' : ''})`
  if (values.verbose && outcome.type === 'error') process.stdout.write(`${what}: ${outcome.code}\n`)
  if (outcome.type === 'fault') findings.push(`${what}: ${outcome.text}`)
  if (outcome.type !== 'severed') return
  // A process that is killed says nothing, nor one that is not there; one that lives always does.
  const isExcused = replica.killedMs >= begunMs || (!outcome.begun && replica.awayMs >= begunMs)
  if (!isExcused) findings.push(`${what}: ${outcome.reason}, and its replica was not killed`)
}

const load = runClients(Number(values.clients), ending.signal, askOnce, () => loadRandom() * 300)
while (performance.now() < endMs) {
  const name = pick(Object.keys(faults))
  faultCounts.set(name, (faultCounts.get(name) ?? 0) + 1)
  if (values.verbose) process.stdout.write(`-- ${name}\n`)
  await faults[name]?.()
  await delay(between(500, 5000))
}
ending.abort()
await load

// All is well again: so must the service be.
for (const replica of replicas) await setClock(replica, 0)
for (const replica of replicas)
  await until(`${url(replica)} is ready`, async () => (await readyz(replica)).ok)
const calm = createRequests(seededRandom(seed + 2), { leaving: 0 })
for (let count = 0; count < 20; count += 1) {
  const replica = replicas[count % 2] as Replica
  const outcome = await send(url(replica), { ...calm(), id: `r00${count}x` })
  if (outcome.type !== 'whole') findings.push(`after all faults: ${JSON.stringify(outcome)}`)
}
for (const replica of replicas)
  await until(`no lease is left, says ${url(replica)}`, async () => {
    const { parts } = (await (await readyz(replica)).json()) as { parts: { accounts: { in_flight: number } } }
    return parts.accounts.in_flight === 0
  })
await until('the site has no open ask', async () => emulator.openAsks() === 0)

// No answer was paid for twice: a second ask is made only when the first has not begun to answer.
const wholeAsks = new Map<string, number>()
for (const { prompt, ended } of emulator.asks)
  if (ended === 'whole') wholeAsks.set(prompt, (wholeAsks.get(prompt) ?? 0) + 1)
const twice = [...wholeAsks].filter(([, times]) => times > 1)
for (const [prompt, times] of twice.slice(0, 10))
  findings.push(`${times} whole answers of the site to: ${prompt.slice(-60)}`)
const stale = emulator.asks.filter(({ token }) => token.given && token.verdict !== 'accepted')
for (const { token, sessionId, startedAt, body } of stale.slice(0, 10)) {
  const made = emulator.recaptcha.ledger.find((entry) => JSON.stringify(body).includes(entry.token))
  findings.push(
    `a token that the site refuses: ${token.verdict}, ${token.ageMs} ms old, made with "${made?.cookie}", sent by ${sessionId} at ${new Date(startedAt).toISOString()}`,
  )
}
for (const violation of emulator.violations.slice(0, 10))
  findings.push(`the site was asked in a wrong way: ${violation}`)
for (const output of outputs)
  for (const [line] of output().matchAll(/^.*(?:unhandled|uncaught|internal_error).*$/gim))
    findings.push(`in the log: ${line.slice(0, 500)}`)

for (const { service } of replicas) {
  const chromium = await service.chromiumPids()
  await endInOrder(service)
  const isLeft = chromium.filter((pid) => isAlive(pid))
  if (isLeft.length > 0) findings.push(`${isLeft.length} processes of Chromium are left`)
}
await Promise.all([emulator.close(), redis.stop()])
await rm(folder, { recursive: true, force: true })

const table = (counts: ReadonlyMap<string, number>) =>
  [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([name, count]) => `  ${String(count).padStart(6)}  ${name}`)
    .join('\n')
process.stdout.write(`answers\n${table(account.counts)}\nfaults\n${table(faultCounts)}\n`)
for (const finding of findings.slice(0, 50)) process.stdout.write(`FOUND ${finding}\n`)
process.stdout.write(
  findings.length === 0 ? 'every answer is accounted for\n' : `${findings.length} findings, seed ${seed}\n`,
)
process.exit(findings.length === 0 ? 0 : 1)

async function readyz(replica: Replica): Promise<Response> {
  return fetch(`${url(replica)}/readyz`, { signal: AbortSignal.timeout(5000) })
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 90_000
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) return void findings.push(`not within 90 s: ${what}`)
    await delay(100)
  }
}

/** One that has ended counts as gone, whether or not somebody has asked for its exit code. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
