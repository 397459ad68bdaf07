// `npm run busy-redis [-- --rounds 10 --burners 4 --requests 50]`: is Redis away, or is the machine busy? While as many processes burn
// the processors, two fresh replicas are sent requests for one account that takes one at a time: neither may call Redis unreachable,
// and the site may never see two at once. Then Redis is frozen on a quiet machine: what the requests pay for that. Exit code 1 when a
// round fails; the times are printed, and judged by whoever reads them.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Emulator, startEmulator } from '../test/emulator/emulator.ts'
import { adminEnv, ask, readMetrics } from '../test/support/ask-replica.ts'
import { type RedisServer, startRedisServer } from '../test/support/redis-server.ts'
import { type ServiceProcess, spawnService } from '../test/support/spawn-service.ts'
import { markdownTable } from './lib/docs/markdown-table.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    burners: { type: 'string', default: '4' },
    requests: { type: 'string', default: '50' },
  },
})
const [rounds, burners, requests] = [values.rounds, values.burners, values.requests].map(Number) as [
  number,
  number,
  number,
]
const folder = await mkdtemp(join(tmpdir(), 'genspark2api-busy-'))
const print = (text: string) => void process.stdout.write(`${text}\n`)
const ok = 200
let failed = false

try {
  print(`${burners} burners on ${cpus().length} cores, 2 fresh replicas, ${requests} requests, cap 1\n`)
  const rows: string[][] = []
  for (let round = 1; round <= rounds; round += 1) rows.push(await runBusyRound(round))
  print(markdownTable(['round', 'answered', 'most at once', 'found away', 'median ms', 'longest ms'], rows))
  print('\nRedis frozen (SIGSTOP), a request at a time, the rest of the machine as it is\n')
  print(
    markdownTable(['replica', 'usual ms', 'first ms', 'second ms', 'longest of 20 ms'], await runFrozen()),
  )
} finally {
  await rm(folder, { recursive: true, force: true })
}
if (failed) print('\nFAILED: a false alarm, an unanswered request, or more than one at once')
process.exit(failed ? 1 : 0)

async function runBusyRound(round: number): Promise<string[]> {
  return withReplicas(`round-${round}`, burners, async ({ emulator, replicas }) => {
    let most = 0
    emulator.answerWith(() => {
      most = Math.max(most, emulator.openAsks())
      return { type: 'answer', text: 'one at a time' }
    })
    const times: number[] = []
    const answers = await Promise.all(
      Array.from({ length: requests }, async (_, index) => {
        const begunMs = performance.now()
        const answer = await ask(replicas[index % replicas.length]?.url ?? '')
        times.push(performance.now() - begunMs)
        return answer.status
      }),
    )
    const answered = answers.filter((status) => status === ok).length
    const alarms = await countAlarms(replicas)
    if (answered < requests || most > 1 || alarms > 0) failed = true
    times.sort((one, other) => one - other)
    return [round, answered, most, alarms, inMs(times[times.length >> 1]), inMs(times.at(-1))].map(String)
  })
}

/** By their own count, and by what they say. */
async function countAlarms(replicas: readonly ServiceProcess[]): Promise<number> {
  let alarms = 0
  for (const { url, output } of replicas) {
    const openings = /^genspark2api_redis_openings_total (\d+)/m.exec(await readMetrics(url))?.[1]
    alarms += Math.max(Number(openings ?? 0), output().split('Redis is away').length - 1)
  }
  return alarms
}

async function runFrozen(): Promise<string[][]> {
  return withReplicas('frozen', 0, async ({ emulator, redis, replicas }) => {
    emulator.answerWith({ type: 'answer', text: 'good' })
    const rows: string[][] = []
    for (const [index, { url, output }] of replicas.entries()) {
      const usual: number[] = []
      for (let count = 0; count < 20; count += 1) usual.push(await timeOf(url))
      usual.sort((one, other) => one - other)
      const usualMs = usual[10] ?? 0
      for (let again = 0; again < 5; again += 1) {
        redis.freeze()
        const costs: number[] = []
        for (let count = 0; count < 20; count += 1) costs.push(await timeOf(url))
        redis.resume()
        const [first, second] = costs
        const longest = Math.max(...costs)
        rows.push([String(index + 1), inMs(usualMs), inMs(first), inMs(second), inMs(longest)])
        while (output().split('Redis is back').length < again + 2) await delay(50)
      }
    }
    return rows
  })
}

async function timeOf(url: string): Promise<number> {
  const begunMs = performance.now()
  if ((await ask(url)).status !== ok) failed = true
  return performance.now() - begunMs
}

interface Parts {
  readonly emulator: Emulator
  readonly redis: RedisServer
  readonly replicas: readonly ServiceProcess[]
}

async function withReplicas<Result>(
  name: string,
  burnerCount: number,
  action: (parts: Parts) => Promise<Result>,
): Promise<Result> {
  const emulator = await startEmulator({ tokenCheck: 'off' })
  const redis = await startRedisServer()
  const burning: ChildProcess[] = Array.from({ length: burnerCount }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  )
  const replicas: ServiceProcess[] = []
  try {
    for (let index = 0; index < 2; index += 1)
      replicas.push(
        await spawnService({
          ...adminEnv,
          GENSPARK_BASE_URL: emulator.url,
          RECAPTCHA_MODE: 'off',
          TOKEN_REQUIRED: 'false',
          REDIS_URL: redis.url,
          ACCOUNT_MAX_CONCURRENCY: '1',
          QUEUE_WAIT_S: '300',
          DATA_DIR: await mkdtemp(join(folder, `${name}-`)),
        }),
      )
    return await action({ emulator, redis, replicas })
  } finally {
    for (const burner of burning) {
      burner.kill('SIGKILL')
      if (burner.exitCode === null && burner.signalCode === null) await once(burner, 'exit')
    }
    await Promise.all(replicas.map((replica) => replica.kill()))
    await Promise.all([emulator.close(), redis.stop()])
  }
}

function inMs(time: number | undefined): string {
  return (time ?? Number.NaN).toFixed(0)
}
