// Simulates up to 100 replicas and 10,000 accounts on a real redis-server and reports what a request costs and whether an account
// was ever used twice at once. Exit code 1: it was, or something was left behind.
// Usage: npm run bench:cluster [-- --quick] [--json | --write]
//   --quick  a short run with small figures, to see that all works
//   --json   prints the report as JSON
//   --write  writes the report into docs/SCALING.md and its Chinese twin, with the charts, if all is sound

import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { startRedisServer } from '../../../test/support/redis-server.ts'
import { type BenchReport, capacityOf, measuresOf, sumOfChecks } from './bench-report.ts'
import { measureCommandCosts } from './command-costs.ts'
import { encodeMarkdown } from './encode-markdown.ts'
import { measureDeaths } from './measure-deaths.ts'
import { type Measures, measure } from './measures.ts'
import { fullPlan, type Plan, quickPlan } from './plan.ts'
import { redisVersion } from './redis-meter.ts'
import { type ClusterRun, runCluster } from './run-cluster.ts'
import { writeDocs } from './write-docs.ts'

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, write: { type: 'boolean' } },
})

const report = await bench(flags.quick ? quickPlan : fullPlan, flags.quick ? 'quick' : 'full')
if (flags.json) console.log(JSON.stringify(report, undefined, 2))
else console.log(encodeMarkdown(report, 'en'))
if (!isSound(report)) process.exitCode = 1
else if (flags.write) writeDocs(report)

async function bench(plan: Plan, mode: BenchReport['mode']): Promise<BenchReport> {
  const startedMs = Date.now()
  const loadBefore = loadavg()[0] ?? 0
  const server = await startRedisServer()
  const redis = new Redis(server.url)
  const run = async (what: ClusterRun) => measure(await runCluster(server.url, what))
  try {
    const replicas: { full: Measures; steady: Measures }[] = []
    for (const { full, steady } of plan.replicas)
      replicas.push({ full: await run(full), steady: await run(steady) })
    const accounts: Measures[] = []
    for (const each of plan.accounts) accounts.push(await run(each))
    const scarce = await run(plan.scarce)
    const deaths = measureDeaths(await runCluster(server.url, plan.deaths))
    const costs = await measureCommandCosts(server.url, redis, plan.repeats)
    const machine = {
      day: new Date(startedMs).toISOString().slice(0, 10),
      processor: cpus()[0]?.model.trim() ?? 'unknown processor',
      cores: cpus().length,
      redis: await redisVersion(redis),
      node: process.versions.node,
      load: [loadBefore, loadavg()[0] ?? 0] as const,
      seconds: (Date.now() - startedMs) / 1000,
    }
    const parts = { mode, machine, replicas, accounts, scarce, deaths, costs }
    return { ...parts, capacity: capacityOf(parts) }
  } finally {
    redis.disconnect()
    await server.stop()
  }
}

function isSound(report: BenchReport): boolean {
  const { leases, releases, cutOff, doubleUses, leftInFlight } = sumOfChecks(measuresOf(report))
  return doubleUses === 0 && leftInFlight === 0 && leases === releases + cutOff
}
