// `npm run many-accounts [-- --accounts 10000]`: what thousands of accounts cost replicas on one Redis. One replica adds and changes them;
// another, a process of its own, tells how long its loop stood still at most and what it used; Redis tells what it worked itself.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { createAccountPool, createChooseAccount } from '../src/accounts/account-pool.ts'
import { createAccountRoster } from '../src/accounts/account-roster.ts'
import { createAccount } from '../src/core/account.ts'
import { systemClock as clock } from '../src/core/clock.ts'
import { silentLogger as logger } from '../src/core/logger.ts'
import { createMetrics } from '../src/core/metrics.ts'
import { openStore } from '../src/store/open-store.ts'
import { startRedisServer } from '../test/support/redis-server.ts'

type Question = 'begin' | 'measure' | 'lease'

interface Measured {
  readonly accounts: number
  readonly note: string | undefined
  readonly stallMs: number
  readonly cpuMs: number
  readonly openMs: number
}

const changes = 10
const batch = 1000

if (process.send) await beReplica(process.argv[2] ?? '', process.argv[3] ?? '')
else await main()

async function openReplica(redisUrl: string, dataDir: string) {
  const chooseAccount = createChooseAccount(Math.random)
  const { store } = await openStore({
    redisUrl,
    redisPrefix: 'many:',
    redisDownMode: 'local',
    dataDir,
    chooseAccount,
    clock,
    random: Math.random,
    logger,
    metrics: createMetrics(),
  })
  const roster = createAccountRoster({ accounts: [], store, stateKeys: [], clock, logger })
  const pool = createAccountPool({
    roster,
    store,
    clock,
    logger,
    accountMaxConcurrency: 1,
    accountSelection: 'least-busy',
    queueWaitMs: 1000,
    queueMax: 10,
    rateLimitCoolDownMs: 600_000,
    modelChatMap: new Map(),
    sessionImageChatMap: new Map(),
    autoBindChats: true,
  })
  const openedMs = performance.now()
  await roster.open()
  const openMs = performance.now() - openedMs
  const lease = async () => {
    const { signal } = new AbortController()
    const request = { model: 'gpt-5', exclude: new Set<string>(), requestId: 'many', signal }
    await (await pool.lease(request)).release({ type: 'unused' })
  }
  return { store, roster, lease, openMs }
}

async function beReplica(redisUrl: string, dataDir: string): Promise<void> {
  const delays = monitorEventLoopDelay({ resolution: 1 })
  delays.enable()
  let cpu = process.cpuUsage()
  const { roster, lease, openMs } = await openReplica(redisUrl, dataDir)
  process.on('message', async (question: Question) => {
    if (question === 'begin') {
      delays.reset()
      cpu = process.cpuUsage()
    }
    if (question === 'lease') await lease()
    const { user, system } = process.cpuUsage(cpu)
    const [first] = roster.entries()
    process.send?.({
      accounts: roster.entries().length,
      note: first?.note,
      stallMs: delays.max / 1e6,
      cpuMs: (user + system) / 1000,
      openMs,
    } satisfies Measured)
  })
  process.send?.('ready')
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { accounts: { type: 'string', default: '10000' } } })
  const count = Number(values.accounts)
  const folder = await mkdtemp(join(tmpdir(), 'genspark2api-many-'))
  const server = await startRedisServer()
  const redis = new Redis(server.url)
  const children: ChildProcess[] = []
  try {
    const mine = await openReplica(server.url, join(folder, 'mine'))
    const other = await start('other')
    const accounts = Array.from({ length: count }, (_, index) =>
      createAccount(`session_id=${String(index).padStart(8, '0')}${'x'.repeat(300)}`),
    )

    await other.ask('begin')
    const worked = await redisWork()
    const begunMs = performance.now()
    for (let from = 0; from < count; from += batch)
      await mine.roster.add(accounts.slice(from, from + batch).map((account) => ({ account })))
    const addedMs = performance.now() - begunMs
    while ((await other.ask('measure')).accounts < count) await delay(20)
    const added = await other.ask('measure')
    print(`${count} accounts added, ${batch} at a time`, {
      'ms until added': addedMs,
      'ms until the other replica has them': performance.now() - begunMs,
      "ms of the other's CPU": added.cpuMs,
      'ms that its loop stood still at most': added.stallMs,
      'ms of Redis': (await redisWork()) - worked,
    })

    const joining = await start('joining')
    const joined = await joining.ask('measure')
    if (joined.accounts < count) throw new Error(`it has joined with ${joined.accounts} accounts`)
    print('a replica joins', { ms: joined.openMs, 'ms that its loop stood still at most': joined.stallMs })

    await other.ask('lease')
    const label = `acc_${accounts[0]?.key}`
    const stalls: number[] = []
    const cpu: number[] = []
    const work: number[] = []
    const leases: number[] = []
    for (let change = 1; change <= changes; change += 1) {
      await delay(200)
      await other.ask('begin')
      const before = await redisWork()
      const note = `change ${change}`
      await mine.roster.change(label, { note, paused: change % 2 === 1 })
      while ((await other.ask('measure')).note !== note) await delay(5)
      const seen = await other.ask('measure')
      const seenWork = await redisWork()
      await other.ask('lease')
      stalls.push(seen.stallMs)
      cpu.push(seen.cpuMs)
      work.push(seenWork - before)
      leases.push((await redisWork()) - seenWork)
    }
    print('one change, median of ten', {
      "ms of the other's CPU": median(cpu),
      'ms that its loop stood still at most': median(stalls),
      'ms of that in the best of ten: the nearest to what the change itself takes': Math.min(...stalls),
      'ms of Redis': median(work),
      'ms of Redis for the first lease after it': median(leases),
    })
    await mine.store.close()
  } finally {
    for (const child of children) child.kill('SIGKILL')
    redis.disconnect()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
  process.exit(0)

  async function start(name: string) {
    const child = fork(import.meta.filename, [server.url, join(folder, name)])
    children.push(child)
    await once(child, 'message')
    return {
      async ask(question: Question): Promise<Measured> {
        const answer = once(child, 'message')
        child.send(question)
        return (await answer)[0] as Measured
      },
    }
  }

  /** Processor time of its main thread, in ms: on a busy machine the clock on the wall says nothing. */
  async function redisWork(): Promise<number> {
    const lines = (await redis.info('cpu')).matchAll(/^used_cpu_(?:user|sys)_main_thread:([\d.]+)/gm)
    let sum = 0
    for (const [, seconds] of lines) sum += Number(seconds) * 1000
    return sum
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? Number.NaN
}

function print(what: string, figures: Readonly<Record<string, number>>): void {
  process.stdout.write(`${what}\n`)
  for (const [name, figure] of Object.entries(figures))
    process.stdout.write(`  ${figure.toFixed(1).padStart(9)}  ${name}\n`)
}
