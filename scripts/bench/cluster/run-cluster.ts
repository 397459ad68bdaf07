import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { countDoubleUses, ledgerNow, readLedger, type Use } from './ledger.ts'
import { type RedisReading, readRedis } from './redis-meter.ts'
import { connectStore, createAccounts } from './simulated-replica.ts'
import type { Load, WorkerOrder, WorkerReport } from './worker-job.ts'

export interface ClusterRun {
  readonly replicas: number
  readonly accounts: number
  /** The replicas are spread over so many processes, evenly. */
  readonly processes: number
  readonly load: Load
  readonly holdMs: number
  readonly leaseMs: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** After so long in the measured time the last process gets SIGKILL. */
  readonly killAfterMs?: number
}

/** All that was seen of a run. */
export interface ClusterRecord {
  readonly run: ClusterRun
  /** Of the whole run, whichever process they are of. */
  readonly uses: readonly Use[]
  /** Those that the kill cut off. */
  readonly cutOff: readonly Use[]
  readonly killedMs: number | undefined
  /** Redis at both ends of the measured time. */
  readonly readings: readonly [RedisReading, RedisReading]
  readonly doubleUses: number
  readonly leftInFlight: number
  readonly lost: number
  readonly failures: Readonly<Record<string, number>>
}

const idsPerWorker = 1e9
const workerFile = new URL('./worker.ts', import.meta.url)

/** Runs simulated replicas in processes of their own on an empty Redis. */
export async function runCluster(redisUrl: string, run: ClusterRun): Promise<ClusterRecord> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-cluster-'))
  const redis = new Redis(redisUrl)
  const workers = Array.from({ length: run.processes }, (_, number) =>
    createWorker(join(folder, String(number))),
  )
  try {
    await redis.flushall()
    const jobs = workers.map(({ ledgerPath }, number) => ({
      ...run,
      redisUrl,
      ledgerPath,
      replicas: shareOf(run.replicas, run.processes, number),
      firstId: number * idsPerWorker,
    }))
    await Promise.all(workers.map((worker, number) => worker.prepare(jobs[number])))
    await Promise.all(workers.map((worker) => worker.start()))
    await sleep(run.warmUpMs)
    const before = await readRedis(redis)
    const killedMs = await measuredTime(run, workers)
    const after = await readRedis(redis)
    const alive = killedMs === undefined ? workers : workers.slice(0, -1)
    const reports = await Promise.all(alive.map((worker) => worker.stop()))
    const ledgers = workers.map(({ ledgerPath }) => readLedger(ledgerPath))
    const uses = ledgers.flat()
    return {
      run,
      uses,
      cutOff:
        killedMs === undefined ? [] : (ledgers.at(-1) ?? []).filter(({ endedMs }) => endedMs === undefined),
      killedMs,
      readings: [before, after],
      doubleUses: countDoubleUses(uses, run.leaseMs),
      leftInFlight: await countInFlight(redisUrl, run.accounts),
      ...sumOf(reports),
    }
  } finally {
    for (const worker of workers) await worker.kill()
    redis.disconnect()
    await rm(folder, { recursive: true, force: true })
  }
}

/** As one more replica sees it. */
async function countInFlight(redisUrl: string, accounts: number): Promise<number> {
  const store = connectStore(redisUrl)
  try {
    await store.ping()
    const states = await store.accountStates(createAccounts(accounts).map(({ key }) => key))
    return [...states.values()].reduce((sum, { inFlight }) => sum + inFlight, 0)
  } finally {
    await store.close()
  }
}

/** @returns when a process was killed, if one was */
async function measuredTime({ killAfterMs, measureMs }: ClusterRun, workers: readonly Worker[]) {
  if (killAfterMs === undefined) {
    await sleep(measureMs)
    return undefined
  }
  await sleep(killAfterMs)
  await workers.at(-1)?.kill()
  const killedMs = ledgerNow()
  await sleep(measureMs - killAfterMs)
  return killedMs
}

type Worker = ReturnType<typeof createWorker>

function createWorker(ledgerPath: string) {
  const child = fork(workerFile, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const begun = nextMessage(child)

  /** @returns what the worker says when it has done it */
  async function order(what: WorkerOrder): Promise<unknown> {
    await begun
    const done = nextMessage(child)
    child.send(what)
    return done
  }

  return {
    ledgerPath,
    prepare: (job: Extract<WorkerOrder, { type: 'prepare' }>['job'] | undefined) =>
      job && order({ type: 'prepare', job }),
    start: () => order({ type: 'start' }),
    stop: async () => (await order({ type: 'stop' })) as WorkerReport,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`A process of replicas ended with code ${code}.`)
  })
  const message = Promise.race([once(child, 'message').then(([text]) => text), failed])
  // A kill on purpose is nobody's failure.
  message.catch(() => {})
  return message
}

/** As even as whole numbers allow. */
function shareOf(total: number, parts: number, number: number): number {
  return Math.floor(((number + 1) * total) / parts) - Math.floor((number * total) / parts)
}

function sumOf(reports: readonly WorkerReport[]): WorkerReport {
  const failures: Record<string, number> = {}
  let lost = 0
  for (const report of reports) {
    lost += report.lost
    for (const [code, count] of Object.entries(report.failures))
      failures[code] = (failures[code] ?? 0) + count
  }
  return { lost, failures }
}
